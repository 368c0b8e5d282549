import { breathe } from '../../core/interrupt.ts';
import {
  crossEntropies,
  fitLogisticRegression,
  type LinearClassifier,
  strengthAt,
} from '../../evaluation/logisticRegression.ts';
import type { FoldScore } from '../linearHead.ts';
import type { WordsProducts } from './wordsProducts.ts';

/** What is fitted to the texts that one fold leaves. */
export interface FoldProblem {
  /** Of all texts: those of the fold are measured. */
  readonly products: WordsProducts;
}

export interface FitByFoldsOptions {
  readonly labels: ArrayLike<number>;
  readonly classes: number;
  readonly folds: ArrayLike<number>;
  /** How much each text counts [n]. */
  readonly weights: Float64Array;
  /** Values of C to choose from, ascending; the middle one is tried first. */
  readonly cs: readonly number[];
  readonly problem: (isFitted: (text: number) => boolean) => Promise<FoldProblem>;
  /** Whether all folds are measured; if not, as many as hold enough texts. */
  readonly isQuick: boolean;
  readonly onProgress?: (done: number, total: number) => void;
  readonly signal?: AbortSignal;
}

export interface FitByFolds {
  readonly c: number;
  readonly scores: readonly FoldScore[];
  readonly scored: number;
  /** ln p [n, classes] at `c`; NaN for texts that were not held out. */
  readonly held: Float32Array;
  /** The first fold's classifier, near the minimum: a start for a fit to all texts. */
  readonly start: LinearClassifier;
}

/** Held-out texts that are enough to choose by where a fit takes long. */
const enoughScored = 1500;
/** Gradient at which the fit of a fold ends: its loss is then right to about a hundredth, and tells penalties apart. */
const foldTolerance = 1e-3;

/**
 * Chooses C by the cross-entropy of held-out folds, which falls towards the best C from either side.
 *
 * @returns undefined where the folds say nothing
 */
export async function fitByFolds(options: FitByFoldsOptions): Promise<FitByFolds | undefined> {
  const { labels, classes, cs, weights, onProgress, signal } = options;
  const parts = scoredFolds(options);
  if (parts.length === 0) return undefined;
  const folds: Fold[] = [];
  try {
    for (const part of parts) {
      await breathe(signal);
      const problem = await options.problem((text) => part.kept[text] === 1);
      folds.push({ ...problem, ...part, weights: weights.map((weight, i) => weight * (part.kept[i] as number)) });
    }
    const tried: FoldScore[] = [];
    const tryOne = async (c: number): Promise<Tried> => {
      const held = new Float32Array(labels.length * classes).fill(Number.NaN);
      for (const fold of folds) {
        await breathe(signal);
        // Each fit begins at that of the C before.
        const from = { strength: strengthAt(c, classes), start: fold.latest, tolerance: foldTolerance };
        fold.latest = await fitLogisticRegression(fold.products, labels, classes, { ...from, weights: fold.weights });
        await measure(fold, fold.latest, held);
        onProgress?.(tried.length * folds.length + folds.indexOf(fold) + 1, cs.length * folds.length + 1);
      }
      const [{ latest: start } = {}] = folds;
      if (!start) throw new Error('internal: no fold was fitted');
      const one = { score: scoreOf(c, held, options), held, start };
      tried.push(one.score);
      return one;
    };
    const { score, held, start } = await lowest(cs, tryOne);
    const scores = tried.sort((one, other) => one.c - other.c);
    return { start, c: score.c, scores, scored: folds.reduce((sum, fold) => sum + fold.held.length, 0), held };
  } finally {
    for (const { products } of folds) await products.dispose();
  }
}

/** What the folds said of a C. */
interface Tried {
  readonly score: FoldScore;
  readonly held: Float32Array;
  /** The first fold's classifier. */
  readonly start: LinearClassifier;
}

/** Goes from the middle C towards weaker penalties while that helps, or else towards stronger ones. */
async function lowest(cs: readonly number[], tryOne: (c: number) => Promise<Tried>): Promise<Tried> {
  const middle = cs.length >> 1;
  const first = await tryOne(cs[middle] as number);
  let best = first;
  for (const c of cs.slice(middle + 1)) {
    const next = await tryOne(c);
    if (next.score.loss >= best.score.loss) break;
    best = next;
  }
  if (best !== first) return best;
  for (const c of cs.slice(0, middle).reverse()) {
    const next = await tryOne(c);
    // Of equal ones the strongest penalty.
    if (next.score.loss > best.score.loss) break;
    best = next;
  }
  return best;
}

interface Fold extends FoldProblem, ScoredFold {
  /** How much each text counts in the fit [n]. */
  readonly weights: Float64Array;
  latest?: LinearClassifier;
}

interface ScoredFold {
  /** 1 for the texts that are fitted [n], 0 for the fold. */
  readonly kept: Uint8Array;
  /** The fold's texts whose class is among those fitted. */
  readonly held: readonly number[];
}

/** The folds that say something, as many as are enough. */
function scoredFolds({ labels, folds, isQuick }: FitByFoldsOptions): ScoredFold[] {
  const all = Array.from({ length: labels.length }, (_, i) => i);
  const count = all.reduce((most, i) => Math.max(most, (folds[i] as number) + 1), 0);
  const result: ScoredFold[] = [];
  let scored = 0;
  for (let fold = 0; fold < count && (isQuick || scored < enoughScored); fold++) {
    const kept = Uint8Array.from(all, (i) => Number(folds[i] !== fold));
    const known = new Set(all.filter((i) => kept[i] === 1).map((i) => labels[i]));
    const held = all.filter((i) => kept[i] === 0 && known.has(labels[i]));
    if (held.length === 0 || known.size < 2) continue;
    result.push({ kept, held });
    scored += held.length;
  }
  return result;
}

/** Writes ln p of the fold's texts. */
async function measure({ products, held }: Fold, { weight, bias }: LinearClassifier, to: Float32Array): Promise<void> {
  const classes = bias.length;
  const logits = await products.logits(weight, classes);
  const first = new Int32Array(logits.length / classes);
  const { losses } = crossEntropies(logits, bias, first);
  for (const i of held) {
    const from = i * classes;
    // -ln p of the first class gives the logarithm of all odds.
    const log = (losses[i] as number) + (logits[from] as number) + (bias[0] as number);
    for (let c = 0; c < classes; c++) to[from + c] = (logits[from + c] as number) + (bias[c] as number) - log;
  }
}

function scoreOf(c: number, held: Float32Array, { labels, classes, weights }: FitByFoldsOptions): FoldScore {
  let [weight, loss, right] = [0, 0, 0];
  for (let i = 0; i < labels.length; i++) {
    const row = held.subarray(i * classes, (i + 1) * classes);
    const label = labels[i] as number;
    if (Number.isNaN(row[label])) continue;
    const own = weights[i] as number;
    weight += own;
    loss -= own * (row[label] as number);
    if (row.every((value, c) => value <= (row[label] as number) && (c >= label || value < (row[label] as number))))
      right += own;
  }
  return { c, loss: loss / weight, accuracy: right / weight };
}
