import { breathe } from '../core/interrupt.ts';
import type { Engine } from '../engine/engine.ts';
import { fitTemperature } from '../evaluation/calibration.ts';
import {
  type FeatureProducts,
  fitLogisticRegression,
  type LinearClassifier,
  strengthAt,
} from '../evaluation/logisticRegression.ts';
import type { Rows } from '../evaluation/neighbours.ts';
import { engineProducts } from './featureProducts.ts';
import type { LinearHead } from './linearHead.ts';

export interface SelfTrainingOptions {
  readonly engine: Engine;
  /** Features of the labeled examples [n, size]. */
  readonly features: Rows;
  /** Class numbers [n] below `classes`. */
  readonly labels: ArrayLike<number>;
  readonly classes: number;
  /** Weights of the classes [classes]. */
  readonly classWeights?: ArrayLike<number>;
  /** Fold of each labeled example [n], from 0. */
  readonly folds: ArrayLike<number>;
  /** Features of the examples without labels [m, size]. */
  readonly unlabeled: Rows;
  /** The classifier that is fitted to the labels alone: its C is kept, and what it said of held-out examples. */
  readonly start: Pick<LinearHead, 'c' | 'held'>;
  /** Share of the examples without labels that is taken at most, of each class by its share of the labels. */
  readonly share?: number;
  /** Hears how many of all fits are done. */
  readonly onProgress?: (done: number, total: number) => void;
  readonly signal?: AbortSignal;
}

export interface SelfTrained extends LinearClassifier {
  /** ln p of every class [n, classes] of each labeled example, by a classifier that knew nothing of its fold; NaN as in `start`. */
  readonly held: Float32Array;
  /** What log-probabilities are divided by, so that they say how often they are right. */
  readonly temperature: number;
  /** The examples that were taken for what the classifier says they are. */
  readonly pseudo: PseudoLabels;
}

/** Examples without labels that are taken as if they had one; the arrays are parallel. */
export interface PseudoLabels {
  /** Their numbers, ascending. */
  readonly examples: Int32Array;
  readonly labels: Int32Array;
  /** Probability, calibrated, that the label is right. */
  readonly confidence: Float64Array;
}

/** Rounds: each takes more of the examples than the one before. */
const rounds = 2;
const usualShare = 0.5;
const tolerance = 1e-5;

/**
 * Self-training: a linear classifier says what examples without labels are, those it is surest of are added to the labeled ones,
 * and it is fitted again (Scudder 1965, Yarowsky 1995). Of each class as many are taken as its share of the labels says, so that
 * no class swallows the others; an example counts by its calibrated confidence, and all together by no more than the labeled ones
 * do. Each fold is measured by a classifier that was trained so without it: compare `held` with that of `start`, and keep
 * what does better. One number alone is of all folds, the temperature.
 *
 * @throws InterruptedError when the signal was aborted
 */
export async function selfTrain(options: SelfTrainingOptions): Promise<SelfTrained> {
  const { engine, features, labels, classes, unlabeled, start, signal, onProgress } = options;
  const count = labels.length;
  const temperature = fitTemperature(start.held, labels, classes);
  const { rows, mean } = joined(features, unlabeled);
  const products = await engineProducts(engine, rows, classes, signal);
  try {
    const held = new Float32Array(count * classes).fill(Number.NaN);
    const parts = partsOf(options);
    let done = 0;
    const hear = () => onProgress?.(++done, (parts.length + 1) * (rounds + 1));
    for (const fold of parts) {
      const weights = labelWeights(options, (i) => options.folds[i] !== fold);
      const { logits } = await trained(products, options, { weights, temperature, hear });
      for (let i = 0; i < count; i++) {
        // As in `start`: what has no answer there, of a class that its fit did not know, has none here.
        if (options.folds[i] !== fold || Number.isNaN(start.held[i * classes])) continue;
        held.set(logSoftmax(logits.subarray(i * classes, (i + 1) * classes), 1), i * classes);
      }
    }
    const whole = await trained(products, options, { weights: labelWeights(options, () => true), temperature, hear });
    return { ...uncentred(whole.classifier, mean), held, temperature, pseudo: whole.pseudo };
  } finally {
    await products.dispose();
  }
}

interface Part {
  /** How much each labeled example counts [n]; 0 for those of the fold. */
  readonly weights: Float64Array;
  readonly temperature: number;
  readonly hear: () => void;
}

/** Trains on the labeled examples that count and on what the classifier makes of those without labels. */
async function trained(products: FeatureProducts, options: SelfTrainingOptions, { weights, temperature, hear }: Part) {
  const { labels, classes, start, share = usualShare, signal } = options;
  const count = labels.length;
  const known = Int32Array.from({ length: products.count }, (_, i) => (i < count ? (labels[i] as number) : 0));
  const counts = new Float64Array(products.count);
  counts.set(weights);
  const strength = strengthAt(start.c, classes);
  let classifier: LinearClassifier | undefined;
  let logits: Float64Array = new Float64Array(0);
  let pseudo: PseudoLabels = {
    examples: new Int32Array(0),
    labels: known.slice(0, 0),
    confidence: new Float64Array(0),
  };
  for (let round = 0; ; round++) {
    await breathe(signal);
    classifier = await fitLogisticRegression(products, known, classes, {
      ...{ weights: counts, strength, start: classifier, tolerance },
    });
    logits = await withBias(products, classifier);
    hear();
    if (round === rounds) return { classifier, logits, pseudo };
    pseudo = surest(logits.subarray(count * classes), options, weights, {
      temperature,
      share: (share * (round + 1)) / rounds,
    });
    const scale = Math.min(1, sumOf(weights) / sumOf(pseudo.confidence));
    counts.fill(0, count);
    for (const [k, example] of pseudo.examples.entries()) {
      known[count + example] = pseudo.labels[k] as number;
      counts[count + example] = scale * (pseudo.confidence[k] as number);
    }
  }
}

/** Of each class those examples that the classifier is surest of. @param logits [m, classes] */
function surest(
  logits: Float64Array,
  { labels, classes }: SelfTrainingOptions,
  weights: Float64Array,
  { temperature, share }: { readonly temperature: number; readonly share: number },
): PseudoLabels {
  const count = logits.length / classes;
  const found: { example: number; confidence: number }[][] = Array.from({ length: classes }, () => []);
  for (let example = 0; example < count; example++) {
    const row = logSoftmax(logits.subarray(example * classes, (example + 1) * classes), temperature);
    let label = 0;
    for (let c = 1; c < classes; c++) if ((row[c] as number) > (row[label] as number)) label = c;
    found[label]?.push({ example, confidence: Math.exp(row[label] as number) });
  }
  const labeled = new Float64Array(classes);
  for (const [i, weight] of weights.entries()) {
    const label = labels[i] as number;
    if (weight > 0) labeled[label] = (labeled[label] as number) + 1;
  }
  const total = sumOf(labeled);
  const chosen = found.flatMap((ofClass, label) => {
    const most = Math.round((share * count * (labeled[label] as number)) / total);
    const order = ofClass.sort((a, b) => b.confidence - a.confidence || a.example - b.example);
    return order.slice(0, most).map((one) => ({ ...one, label }));
  });
  chosen.sort((a, b) => a.example - b.example);
  return {
    examples: Int32Array.from(chosen, ({ example }) => example),
    labels: Int32Array.from(chosen, ({ label }) => label),
    confidence: Float64Array.from(chosen, ({ confidence }) => confidence),
  };
}

/** The folds that say something: those that `start` was measured on. */
function partsOf({ folds, start, labels, classes }: SelfTrainingOptions): number[] {
  const parts = new Set<number>();
  for (let i = 0; i < labels.length; i++) {
    if (!Number.isNaN(start.held[i * classes])) parts.add(folds[i] as number);
  }
  return [...parts].sort((a, b) => a - b);
}

function labelWeights({ labels, classWeights }: SelfTrainingOptions, isFitted: (i: number) => boolean): Float64Array {
  return Float64Array.from({ length: labels.length }, (_, i) =>
    isFitted(i) ? (classWeights?.[labels[i] as number] ?? 1) : 0,
  );
}

async function withBias(products: FeatureProducts, { weight, bias }: LinearClassifier): Promise<Float64Array> {
  const logits = Float64Array.from(await products.logits(weight, bias.length));
  for (let i = 0; i < logits.length; i++) logits[i] = (logits[i] as number) + (bias[i % bias.length] as number);
  return logits;
}

/** Rows of both, about the mean of all. */
function joined(labeled: Rows, unlabeled: Rows): { rows: Rows; mean: Float64Array } {
  const { size } = labeled;
  const data = new Float32Array(labeled.data.length + unlabeled.data.length);
  data.set(labeled.data);
  data.set(unlabeled.data, labeled.data.length);
  const mean = new Float64Array(size);
  const count = data.length / size;
  for (let i = 0; i < data.length; i++) mean[i % size] = (mean[i % size] as number) + (data[i] as number) / count;
  for (let i = 0; i < data.length; i++) data[i] = (data[i] as number) - (mean[i % size] as number);
  return { rows: { data, size }, mean };
}

/** The same classifier over features that were not moved. */
function uncentred({ weight, bias }: LinearClassifier, mean: Float64Array): LinearClassifier {
  const { length: size } = mean;
  return {
    weight,
    bias: bias.map((value, c) => value - mean.reduce((sum, at, j) => sum + at * (weight[c * size + j] as number), 0)),
  };
}

function logSoftmax(logits: Float64Array, temperature: number): Float64Array {
  const most = logits.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY);
  const log = Math.log(logits.reduce((sum, logit) => sum + Math.exp((logit - most) / temperature), 0));
  return logits.map((logit) => (logit - most) / temperature - log);
}

function sumOf(values: Float64Array): number {
  return values.reduce((sum, value) => sum + value, 0);
}
