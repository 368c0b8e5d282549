import { stratifiedFolds } from '../data/folds.ts';
import { sampleLimit } from '../data/labels.ts';
import type { Engine } from '../engine/engine.ts';
import {
  fitLogisticRegression,
  hostProducts,
  type LinearClassifier,
  strengthAt,
} from '../evaluation/logisticRegression.ts';
import type { Rows } from '../evaluation/neighbours.ts';
import { repeatedForm } from '../text/normalize.ts';
import { engineProducts } from './featureProducts.ts';
import { fitLinearHead } from './linearHead.ts';
import { fitWords } from './words/fitWords.ts';
import { logSoftmax } from './words/wordsModel.ts';

/** Some of a learner's texts with their labels. */
export interface Examples {
  /** Numbers of the texts [n]. */
  readonly texts: ArrayLike<number>;
  /** Class numbers [n] below `classes`. */
  readonly labels: ArrayLike<number>;
  readonly classes: number;
}

/** ln p of every class [m, classes] of texts, by number [m]. */
export type Predict = (texts: ArrayLike<number>) => Float32Array;

/** Learns the labels of some texts, quickly, and tells those of others; all of them are known beforehand. */
export interface Learner {
  readonly method: 'frozen' | 'words';
  readonly texts: readonly string[];
  /** The inverse of the penalty's weight that does best on folds of the examples, or of a part of many. */
  chooseC(examples: Examples, seed: number): Promise<number>;
  /** Throws an InterruptedError when the signal was aborted. */
  fit(examples: Examples, c: number): Promise<Predict>;
}

/** Examples that are enough to choose C by. */
const enoughToChoose = 2000;
const foldsToChoose = 3;
/** Values of C that are tried, for vectors whose mean squared distance from their mean is 1. */
const grid = [1, 3, 10, 30, 100];
const tolerance = 1e-4;

/** Multinomial logistic regression on vectors of the texts [n, size]. */
export function vectorLearner(engine: Engine, texts: readonly string[], vectors: Rows, signal?: AbortSignal): Learner {
  const { rows, spread } = centred(vectors);
  const { size } = rows;
  let latest: LinearClassifier | undefined;
  return {
    ...{ method: 'frozen', texts },
    async chooseC(all, seed) {
      const { examples, folds } = sampled(texts, all, seed);
      const { labels, classes } = examples;
      const cs = grid.map((c) => Number((c / spread).toPrecision(1)));
      const features = { data: rowsAt(rows, examples.texts), size };
      return (await fitLinearHead({ engine, features, labels, classes, folds, cs, signal })).c;
    },
    async fit({ texts: numbers, labels, classes }, c) {
      const products = await engineProducts(engine, { data: rowsAt(rows, numbers), size }, classes, signal);
      try {
        // A classifier of other examples of the same classes is a good start, and changes nothing but the last digits.
        const start = latest?.bias.length === classes ? latest : undefined;
        const options = { strength: strengthAt(c, classes), tolerance, start };
        const { weight, bias } = await fitLogisticRegression(products, labels, classes, options);
        latest = { weight, bias };
        return (wanted) => logProbabilities({ data: rowsAt(rows, wanted), size }, { weight, bias });
      } finally {
        await products.dispose();
      }
    },
  };
}

/** The same on TF-IDF weights of words and runs of characters. */
export function wordsLearner(engine: Engine, texts: readonly string[], signal?: AbortSignal): Learner {
  const at = (numbers: ArrayLike<number>) => Array.from(numbers, (i) => texts[i] as string);
  return {
    ...{ method: 'words', texts },
    async chooseC(all, seed) {
      const { examples, folds } = sampled(texts, all, seed);
      const { labels, classes } = examples;
      return (await fitWords({ engine, texts: at(examples.texts), labels, classes, folds, signal })).c;
    },
    async fit({ texts: numbers, labels, classes }, c) {
      const folds = new Int32Array(labels.length);
      const { model } = await fitWords({ engine, texts: at(numbers), labels, classes, folds, cs: [c], signal });
      return (wanted) => flat(model.logProbabilities(at(wanted)), classes);
    },
  };
}

/** Not too many of the examples, each class in its share, and their folds. */
function sampled(texts: readonly string[], { texts: numbers, labels, classes }: Examples, seed: number) {
  const names = Array.from(labels, String);
  const kept = sampleLimit({ labels: names, limit: Math.max(enoughToChoose, 2 * classes), seed });
  const examples = {
    texts: kept.map((i) => numbers[i] as number),
    labels: kept.map((i) => labels[i] as number),
    classes,
  };
  const keys = [examples.texts.map((i) => repeatedForm(texts[i] as string))];
  return { examples, folds: stratifiedFolds({ classes: examples.labels, keys, count: foldsToChoose, seed }) };
}

function rowsAt({ data, size }: Rows, numbers: ArrayLike<number>): Float32Array {
  const rows = new Float32Array(numbers.length * size);
  for (let i = 0; i < numbers.length; i++) {
    const from = (numbers[i] as number) * size;
    rows.set(data.subarray(from, from + size), i * size);
  }
  return rows;
}

function logProbabilities(rows: Rows, { weight, bias }: LinearClassifier): Float32Array {
  const classes = bias.length;
  const logits = hostProducts(rows).logits(weight, classes) as Float64Array;
  const result = new Float32Array(logits.length);
  for (let from = 0; from < logits.length; from += classes) {
    result.set(logSoftmax(logits.slice(from, from + classes).map((logit, c) => logit + (bias[c] as number))), from);
  }
  return result;
}

function flat(rows: readonly Float32Array[], size: number): Float32Array {
  const all = new Float32Array(rows.length * size);
  for (const [i, row] of rows.entries()) all.set(row, i * size);
  return all;
}

/** Rows about their mean, and their mean squared distance from it. */
function centred({ data, size }: Rows): { rows: Rows; spread: number } {
  const count = Math.max(1, data.length / size);
  const mean = new Float64Array(size);
  for (let i = 0; i < data.length; i++) mean[i % size] = (mean[i % size] as number) + (data[i] as number) / count;
  const moved = new Float32Array(data.length);
  let squares = 0;
  for (let i = 0; i < data.length; i++) {
    moved[i] = (data[i] as number) - (mean[i % size] as number);
    squares += (moved[i] as number) ** 2;
  }
  return { rows: { data: moved, size }, spread: squares / count || 1 };
}
