import { breathe } from '../core/interrupt.ts';
import type { Engine } from '../engine/engine.ts';
import {
  crossEntropies,
  type FeatureProducts,
  fitLogisticRegression,
  type LinearClassifier,
  type LogisticOptions,
  type Prior,
  restoreFixed,
  strengthAt,
} from '../evaluation/logisticRegression.ts';
import type { Rows } from '../evaluation/neighbours.ts';
import { engineProducts } from './featureProducts.ts';

/** How well a value of C did on texts held out of its fit. */
export interface FoldScore {
  readonly c: number;
  /** Mean cross-entropy in nats. */
  readonly loss: number;
  readonly accuracy: number;
}

export interface LinearHeadOptions {
  readonly engine: Engine;
  /** [n, size] */
  readonly features: Rows;
  /** Class numbers [n] below `classes`. */
  readonly labels: ArrayLike<number>;
  readonly classes: number;
  /** Weights of the classes [classes], as in scikit-learn's `class_weight`. */
  readonly classWeights?: ArrayLike<number>;
  /** How much each example counts beside the weight of its class [n]; 1 when absent. */
  readonly weights?: ArrayLike<number>;
  /** Fold of each example [n], from 0; −1: it is in every fit and measures none. */
  readonly folds: ArrayLike<number>;
  /** What the penalty draws towards, in place of zeros. */
  readonly prior?: Prior;
  /** Values of C to choose from, ascending; by default seven that go by how far the features spread. */
  readonly cs?: readonly number[];
  /** Hears how many of all fits are done. */
  readonly onProgress?: (done: number, total: number) => void;
  readonly signal?: AbortSignal;
}

export interface LinearHead extends LinearClassifier {
  /** Inverse of the penalty's weight, as scikit-learn's `C`. */
  readonly c: number;
  /** What the folds said of each C that was tried, ascending; none where they could say nothing. */
  readonly scores: readonly FoldScore[];
  /** Examples that were held out of a fit and measured it. */
  readonly scored: number;
  /** Log-probabilities of each example [n, classes] from the fit, at this C, that it was held out of; NaN of those not scored. */
  readonly held: Float32Array;
  readonly iterations: number;
  readonly converged: boolean;
}

/** Values of C that are tried, for features whose mean squared distance from their mean is 1. */
const grid = [0.1, 0.3, 1, 3, 10, 30, 100];
/** C where there is nothing to choose it by. */
const usual = 10;
/** C that few texts are to speak against: of 14 to 30 texts, folds often favour one at which the commonest class is all there is. */
const presumed = 30;
/** Nats of all held-out texts together that a C has to be better by when it is a step of the grid from there; at k steps, k² as much. */
const doubt = 0.5;
/** Held-out examples that are enough to choose by: of more, fewer folds are measured. */
const enoughScored = 10_000;
/** Gradient at which the fit of a fold ends: its loss is then right to about a hundredth, and tells penalties apart. */
const foldTolerance = 1e-3;
const finalTolerance = 1e-6;

/**
 * A linear classifier over features that stay as they are: multinomial logistic regression, its L2 penalty chosen by
 * the cross-entropy of held-out folds (of equal ones the strongest; few texts have to speak clearly for a C far from the usual
 * one), then fitted to all examples. Equal to scikit-learn's LogisticRegression of the
 * same C and class weights. With a prior the penalty draws towards it.
 *
 * @throws InterruptedError when the signal was aborted
 */
export async function fitLinearHead(options: LinearHeadOptions): Promise<LinearHead> {
  const { engine, features, labels, classes, classWeights, cs, signal } = options;
  const { rows, mean, spread } = centred(features);
  const prior = options.prior && { ...options.prior, ...shifted(options.prior, mean, 1) };
  const products = await engineProducts(engine, rows, classes, signal);
  try {
    const weightOf = (i: number) => (classWeights?.[labels[i] as number] ?? 1) * (options.weights?.[i] ?? 1);
    const weights = Float64Array.from({ length: labels.length }, (_, i) => weightOf(i));
    const problem = { products, labels, classes, weights, prior };
    const tried = cs ?? grid.map((c) => rounded(c / spread));
    const doubts = grid.map((c) => (cs ? 0 : doubt * Math.round(2 * Math.log10(c / presumed)) ** 2));
    const folds = tried.length > 1 ? scoredFolds(labels, options.folds) : [];
    const chosen = await chosenByFolds(problem, tried, doubts, folds, options);
    const c = chosen?.c ?? (tried.length === 1 ? (tried[0] as number) : rounded(usual / spread));
    const fitted = await fitAt(problem, c, { weights, start: chosen?.start, tolerance: finalTolerance });
    const { iterations, converged } = fitted.fit;
    const scored = folds.reduce((sum, { held }) => sum + held.length, 0);
    const held = chosen?.held ?? new Float32Array(labels.length * classes).fill(Number.NaN);
    const classifier = shifted(fitted, mean, -1);
    if (options.prior) restoreFixed(options.prior, classifier);
    return { ...classifier, c, scores: chosen?.scores ?? [], scored, held, iterations, converged };
  } finally {
    await products.dispose();
  }
}

/** What is fitted, but for the penalty. */
interface Problem {
  readonly products: FeatureProducts;
  readonly labels: ArrayLike<number>;
  readonly classes: number;
  /** How much each example counts [n]. */
  readonly weights: Float64Array;
  readonly prior?: Prior;
}

function fitAt({ products, labels, classes, prior }: Problem, c: number, options: Omit<LogisticOptions, 'strength'>) {
  return fitLogisticRegression(products, labels, classes, { prior, ...options, strength: strengthAt(c, classes) });
}

/**
 * The C of those tried, ascending, that does best on held-out folds, and a classifier that is near its minimum.
 *
 * @param doubts what speaks against each C beforehand, in nats of all held-out texts
 */
async function chosenByFolds(
  problem: Problem,
  tried: readonly number[],
  doubts: readonly number[],
  folds: readonly ScoredFold[],
  { onProgress, signal }: LinearHeadOptions,
): Promise<{ c: number; start: LinearClassifier | undefined; scores: FoldScore[]; held: Float32Array } | undefined> {
  const scores: FoldScore[] = [];
  // Each fold's fit begins at that of the stronger penalty before.
  const latest: LinearClassifier[] = [];
  const scored = folds.reduce((sum, { held }) => sum + held.length, 0);
  let best: { readonly c: number; readonly total: number } | undefined;
  let start: LinearClassifier | undefined;
  let held = new Float32Array(0);
  let other = new Float32Array(problem.labels.length * problem.classes).fill(Number.NaN);
  for (const c of folds.length > 0 ? tried : []) {
    const score = new Score(c, other);
    for (const [number, fold] of folds.entries()) {
      const { kept } = fold;
      await breathe(signal);
      const weights = problem.weights.map((weight, i) => weight * (kept[i] as number));
      const fitted = await fitAt(problem, c, { weights, start: latest[number], tolerance: foldTolerance });
      latest[number] = fitted;
      await score.add(problem, fitted, fold.held);
      onProgress?.(scores.length * folds.length + number + 1, tried.length * folds.length);
    }
    const mean = score.mean();
    scores.push(mean);
    const total = scored * mean.loss + (doubts[scores.length - 1] ?? 0);
    if (best && best.total <= total) continue;
    best = { c, total };
    start = latest[0];
    // Those of the best are kept, the others' place is used again.
    [held, other] = [other, held.length > 0 ? held : new Float32Array(other.length).fill(Number.NaN)];
  }
  return best && { c: best.c, start, scores, held };
}

interface ScoredFold {
  /** 1 for the examples that are fitted [n], 0 for the fold. */
  readonly kept: Uint8Array;
  /** The fold's examples whose class is among those fitted. */
  readonly held: readonly number[];
}

/** The folds that say something, as many as are enough. */
function scoredFolds(labels: ArrayLike<number>, folds: ArrayLike<number>): ScoredFold[] {
  const all = Array.from({ length: labels.length }, (_, i) => i);
  const count = all.reduce((most, i) => Math.max(most, (folds[i] as number) + 1), 0);
  const result: ScoredFold[] = [];
  let scored = 0;
  for (let fold = 0; fold < count && scored < enoughScored; fold++) {
    const kept = Uint8Array.from(all, (i) => Number(folds[i] !== fold));
    const known = new Set(all.filter((i) => kept[i] === 1).map((i) => labels[i]));
    const held = all.filter((i) => kept[i] === 0 && known.has(labels[i]));
    if (held.length === 0 || known.size < 2) continue;
    result.push({ kept, held });
    scored += held.length;
  }
  return result;
}

/** Sums what the folds of one C gave. */
class Score {
  readonly #c: number;
  readonly #held: Float32Array;
  #weight = 0;
  #loss = 0;
  #right = 0;

  /** @param held takes the log-probabilities of what is added, each at its place [n, classes] */
  constructor(c: number, held: Float32Array) {
    this.#c = c;
    this.#held = held;
  }

  async add(
    { products, labels, weights }: Problem,
    { weight, bias }: LinearClassifier,
    held: readonly number[],
  ): Promise<void> {
    const logits = await products.logits(weight, bias.length);
    const { losses, predictions } = crossEntropies(logits, bias, labels);
    for (const i of held) {
      const from = i * bias.length;
      // log p(c) = logit(c) − logsumexp, which is the own logit plus the own loss.
      const label = labels[i] as number;
      const sum = (logits[from + label] as number) + (bias[label] as number) + (losses[i] as number);
      for (const [c, own] of bias.entries()) this.#held[from + c] = (logits[from + c] as number) + own - sum;
      const own = weights[i] as number;
      this.#weight += own;
      this.#loss += own * (losses[i] as number);
      if (predictions[i] === labels[i]) this.#right += own;
    }
  }

  mean(): FoldScore {
    return { c: this.#c, loss: this.#loss / this.#weight, accuracy: this.#right / this.#weight };
  }
}

/** Rows about their mean, and their mean squared distance from it. */
export function centred({ data, size }: Rows): { rows: Rows; mean: Float64Array; spread: number } {
  const count = data.length / size;
  const mean = new Float64Array(size);
  for (let row = 0; row < data.length; row += size) {
    for (let j = 0; j < size; j++) mean[j] = (mean[j] as number) + (data[row + j] as number) / count;
  }
  const moved = new Float32Array(data.length);
  let squares = 0;
  for (let row = 0; row < data.length; row += size) {
    for (let j = 0; j < size; j++) {
      const value = (data[row + j] as number) - (mean[j] as number);
      moved[row + j] = value;
      squares += value * value;
    }
  }
  return { rows: { data: moved, size }, mean, spread: squares / count || 1 };
}

/** The same classifier over features from which the mean was taken (1), or to which it was added again (−1). */
export function shifted({ weight, bias }: LinearClassifier, mean: Float64Array, way: 1 | -1): LinearClassifier {
  const size = mean.length;
  const moved = bias.map((value, c) => {
    let at = value;
    for (let j = 0; j < size; j++) at += way * (weight[c * size + j] as number) * (mean[j] as number);
    return at;
  });
  return { weight, bias: moved };
}

/** The nearest of 1 and 3 times a power of ten. */
export function rounded(c: number): number {
  const power = Math.round(2 * Math.log10(c));
  return Number(`${power % 2 === 0 ? 1 : 3}e${Math.floor(power / 2)}`);
}
