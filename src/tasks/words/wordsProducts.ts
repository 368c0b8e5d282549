import type { Engine } from '../../engine/engine.ts';
import type { FeatureProducts } from '../../evaluation/logisticRegression.ts';
import type { SparseRows } from '../../text/terms/tfidf.ts';
import { engineProducts } from '../featureProducts.ts';
import { columnWeights, denseRows } from './denseRows.ts';
import { sparseProducts } from './sparseProducts.ts';

export interface WordsProducts extends FeatureProducts {
  /** The weights of the rows' columns [classes, columns] for those of a fit with these products. */
  columnWeights(weight: Float64Array): Float64Array;
  dispose(): Promise<void>;
}

export interface WordsProductsOptions {
  readonly engine: Engine;
  readonly rows: SparseRows;
  readonly classes: number;
  /** Whether a text is fitted; those that are not are measured. */
  readonly isFitted: (text: number) => boolean;
  /** Whether the texts are fewer than the terms by so much that their own space is quicker: see `isDense`. */
  readonly dense: boolean;
  readonly signal?: AbortSignal;
}

/** The products that a classifier on words is fitted with. */
export async function wordsProducts(options: WordsProductsOptions): Promise<WordsProducts> {
  const { engine, rows, classes, isFitted, dense, signal } = options;
  if (!dense) return { ...sparseProducts(rows, signal), columnWeights: (weight) => weight, dispose: async () => {} };
  const own = denseRows(rows, isFitted);
  const products = await engineProducts(engine, own, classes, signal);
  return { ...products, columnWeights: (weight) => columnWeights(rows, own, weight, classes) };
}

/** Texts whose inner products are held in memory. */
const mostDense = 3000;
/** Steps that all fits of a fold take together, as a measure. */
const usualSteps = 50;
/** Products on an engine that take as long as one in this thread. */
const engineGain = 10;
/** How often a step of L-BFGS reads or writes each weight. */
const passes = 40;

/** Whether a fit is quicker in the space that the texts span than in that of the terms. */
export function isDense({ offsets, columns, size }: SparseRows, classes: number): boolean {
  const texts = offsets.length - 1;
  if (texts > mostDense) return false;
  const frequencies = new Float64Array(size);
  for (const column of columns) frequencies[column] = (frequencies[column] as number) + 1;
  const pairs = frequencies.reduce((sum, frequency) => sum + (frequency * frequency) / 2, 0);
  const dense = pairs + texts ** 3 / 3 + usualSteps * (2 / engineGain) * texts * texts * classes;
  const sparse = usualSteps * classes * (2 * columns.length + passes * size);
  return dense < sparse;
}
