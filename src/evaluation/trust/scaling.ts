import { randomUnit } from '../../core/random.ts';
import { minimize } from '../lbfgs.ts';

/**
 * What makes calibrated logits of logits z [classes] without their mean: scale_c · z_c + shift_c. Of a temperature T
 * every scale is 1 / T and every shift 0, so that the order of a text's labels stays.
 */
export interface Scaling {
  readonly kind: 'none' | 'temperature' | 'vector';
  readonly scales: Float64Array;
  readonly shifts: Float64Array;
}

/** Logits or log-probabilities [n, classes] of labeled texts that were held out of training; rows with NaN do not count. */
export interface HeldOutLogits {
  readonly logits: ArrayLike<number>;
  readonly labels: ArrayLike<number>;
  readonly classes: number;
}

/** What was tried, with its mean cross-entropy on texts that it was not fitted to. */
export interface TriedScaling {
  readonly kind: Scaling['kind'];
  readonly loss: number;
}

export interface ChosenScaling {
  readonly scaling: Scaling;
  readonly tried: readonly TriedScaling[];
  /** Texts that it was fitted to. */
  readonly texts: number;
}

/** Texts below which scales of single classes are not tried: there are twice as many of them as classes. */
const leastPerClass = 10;
/** Standard errors by which a scaling has to do better than a simpler one. */
const doubt = 2;
const folds = 5;
/** What a temperature other than 1, and scales other than the temperature, have to bring: nats of all texts together. */
const [temperaturePrior, vectorPrior] = [2, 2] as const;

/**
 * Fits what makes scores probabilities (Guo et al. 2017): a temperature, or a scale and a shift of each class where
 * these do clearly better on texts that they were not fitted to. Few texts hardly move it from a temperature of 1.
 *
 * @param mayScaleClasses whether single classes may be scaled, which undoes weights that they have in training
 */
export async function chooseScaling(held: HeldOutLogits, seed = 0, mayScaleClasses = true): Promise<ChosenScaling> {
  const set = centred(held);
  const { count, classes } = set;
  if (count === 0) return { scaling: noScaling(classes), tried: [], texts: 0 };
  const foldOf = Int32Array.from({ length: count }, (_, i) => Math.floor(folds * randomUnit(seed, 'folds', i, 1)));
  const kinds: Scaling['kind'][] = ['none', 'temperature'];
  if (mayScaleClasses && count >= leastPerClass * classes) kinds.push('vector');
  const losses = kinds.map(() => new Float64Array(count));
  for (let fold = 0; fold < folds; fold++) {
    const [rest, own] = [part(set, (i) => foldOf[i] !== fold), part(set, (i) => foldOf[i] === fold)];
    if (rest.count === 0 || own.count === 0) continue;
    for (const [k, kind] of kinds.entries()) {
      const each = lossesOf(own, await fitCentred(rest, kind));
      let at = 0;
      for (let i = 0; i < count; i++) if (foldOf[i] === fold) (losses[k] as Float64Array)[i] = each[at++] as number;
    }
  }
  const tried = kinds.map((kind, k) => ({ kind, loss: mean(losses[k] as Float64Array) }));
  // A temperature needs no proof: its prior holds it where texts are few, and it changes no label.
  const isClear = kinds.length === 3 && clearlyLower(losses[2] as Float64Array, losses[1] as Float64Array);
  return { scaling: await fitCentred(set, isClear ? 'vector' : 'temperature'), tried, texts: count };
}

/** A scaling that changes nothing. */
export function noScaling(classes: number): Scaling {
  return { kind: 'none', scales: new Float64Array(classes).fill(1), shifts: new Float64Array(classes) };
}

/** The logits that a scaling makes of others [classes]. */
export function scaled(logits: ArrayLike<number>, { kind, scales, shifts }: Scaling): Float64Array {
  if (kind !== 'vector') return Float64Array.from(logits, (logit, c) => logit * (scales[c] as number));
  const middle = Array.prototype.reduce.call(logits, (sum, logit) => (sum as number) + (logit as number), 0) as number;
  const away = middle / logits.length;
  return Float64Array.from(logits, (logit, c) => (scales[c] as number) * (logit - away) + (shifts[c] as number));
}

/** The logits without their mean that a scaling made others of [classes]. */
export function unscaled(logits: ArrayLike<number>, { kind, scales, shifts }: Scaling): Float64Array {
  if (kind !== 'vector') return Float64Array.from(logits, (logit, c) => logit / (scales[c] as number));
  // Adding a constant to all of them changes nothing: the one whose result has a mean of 0.
  let [sum, weight] = [0, 0];
  for (let c = 0; c < logits.length; c++) {
    sum += ((logits[c] as number) - (shifts[c] as number)) / (scales[c] as number);
    weight += 1 / (scales[c] as number);
  }
  return Float64Array.from(
    logits,
    (logit, c) => (logit - sum / weight - (shifts[c] as number)) / (scales[c] as number),
  );
}

interface CentredLogits extends HeldOutLogits {
  readonly logits: Float64Array;
  readonly labels: Int32Array;
  readonly count: number;
}

/** The rows that count, without their means. */
function centred({ logits, labels, classes }: HeldOutLogits): CentredLogits {
  const kept = Array.from(labels, (_, i) => i).filter((i) => !Number.isNaN(logits[i * classes]));
  const rows = new Float64Array(kept.length * classes);
  for (const [row, i] of kept.entries()) {
    let sum = 0;
    for (let c = 0; c < classes; c++) sum += logits[i * classes + c] as number;
    for (let c = 0; c < classes; c++) rows[row * classes + c] = (logits[i * classes + c] as number) - sum / classes;
  }
  return { logits: rows, labels: Int32Array.from(kept, (i) => labels[i] as number), classes, count: kept.length };
}

function part({ logits, labels, classes, count }: CentredLogits, isIn: (i: number) => boolean): CentredLogits {
  const kept = Array.from({ length: count }, (_, i) => i).filter(isIn);
  const rows = new Float64Array(kept.length * classes);
  for (const [row, i] of kept.entries()) rows.set(logits.subarray(i * classes, (i + 1) * classes), row * classes);
  return { logits: rows, labels: Int32Array.from(kept, (i) => labels[i] as number), classes, count: kept.length };
}

/** Fits one kind of scaling. */
export function fitScaling(held: HeldOutLogits, kind: Scaling['kind']): Promise<Scaling> {
  return fitCentred(centred(held), kind);
}

async function fitCentred(set: CentredLogits, kind: Scaling['kind']): Promise<Scaling> {
  const { classes } = set;
  if (kind === 'none') return noScaling(classes);
  const scale = temperatureScale(set);
  const scales = new Float64Array(classes).fill(scale);
  if (kind === 'temperature') return { kind, scales, shifts: new Float64Array(classes) };
  const x = new Float64Array(2 * classes);
  x.set(scales);
  await minimize((at, gradient) => vectorLoss(set, scale, at, gradient), x, { tolerance: 1e-7, maxIterations: 200 });
  // Scales that are not above 0 would turn what speaks for a class against it.
  if (x.subarray(0, classes).some((value) => value <= 0))
    return { kind: 'temperature', scales, shifts: new Float64Array(classes) };
  return { kind, scales: x.slice(0, classes), shifts: x.slice(classes) };
}

/** The inverse temperature with the least cross-entropy, drawn a little towards 1. */
function temperatureScale(set: CentredLogits): number {
  const slope = (logScale: number) => {
    const scale = Math.exp(logScale);
    return scale * lossSlope(set, scale) + 2 * temperaturePrior * logScale;
  };
  let [low, high] = [-Math.log(mostTemperature), Math.log(mostTemperature)];
  for (let step = 0; step < 60; step++) {
    const middle = (low + high) / 2;
    if (slope(middle) < 0) low = middle;
    else high = middle;
  }
  return Math.exp((low + high) / 2);
}

const mostTemperature = 100;

/** Slope of the summed cross-entropy in the inverse temperature: Σ (E_p[z] - z_label). */
function lossSlope({ logits, labels, classes, count }: CentredLogits, scale: number): number {
  let total = 0;
  for (let i = 0, from = 0; i < count; i++, from += classes) {
    let most = Number.NEGATIVE_INFINITY;
    for (let c = 0; c < classes; c++) most = Math.max(most, logits[from + c] as number);
    let [sum, mixed] = [0, 0];
    for (let c = 0; c < classes; c++) {
      const share = Math.exp(scale * ((logits[from + c] as number) - most));
      sum += share;
      mixed += share * (logits[from + c] as number);
    }
    total += mixed / sum - (logits[from + (labels[i] as number)] as number);
  }
  return total;
}

/** Summed cross-entropy of scales and shifts, with what draws them to the temperature; writes its gradient. */
function vectorLoss(
  { logits, labels, classes, count }: CentredLogits,
  scale: number,
  x: Float64Array,
  gradient: Float64Array,
): number {
  gradient.fill(0);
  const row = new Float64Array(classes);
  let loss = 0;
  for (let i = 0, from = 0; i < count; i++, from += classes) {
    const label = labels[i] as number;
    let most = Number.NEGATIVE_INFINITY;
    for (let c = 0; c < classes; c++) {
      row[c] = (x[c] as number) * (logits[from + c] as number) + (x[classes + c] as number);
      most = Math.max(most, row[c] as number);
    }
    let sum = 0;
    for (let c = 0; c < classes; c++) sum += Math.exp((row[c] as number) - most);
    loss += Math.log(sum) + most - (row[label] as number);
    for (let c = 0; c < classes; c++) {
      const error = Math.exp((row[c] as number) - most) / sum - Number(c === label);
      gradient[c] = (gradient[c] as number) + error * (logits[from + c] as number);
      gradient[classes + c] = (gradient[classes + c] as number) + error;
    }
  }
  for (let c = 0; c < classes; c++) {
    const [away, shift] = [(x[c] as number) / scale - 1, x[classes + c] as number];
    loss += vectorPrior * (away ** 2 + shift ** 2);
    gradient[c] = (gradient[c] as number) + (2 * vectorPrior * away) / scale;
    gradient[classes + c] = (gradient[classes + c] as number) + 2 * vectorPrior * shift;
  }
  // Per text, so that the tolerance of the gradient means the same for any number of them.
  for (let j = 0; j < gradient.length; j++) gradient[j] = (gradient[j] as number) / count;
  return loss / count;
}

/** Cross-entropy of each text. */
function lossesOf({ logits, labels, classes, count }: CentredLogits, scaling: Scaling): Float64Array {
  return Float64Array.from({ length: count }, (_, i) => {
    const row = scaled(logits.subarray(i * classes, (i + 1) * classes), scaling);
    const most = row.reduce((a, b) => Math.max(a, b));
    const sum = row.reduce((total, logit) => total + Math.exp(logit - most), 0);
    return Math.log(sum) + most - (row[labels[i] as number] as number);
  });
}

/** Whether one loss is lower than another by more than chance explains. */
function clearlyLower(a: Float64Array, b: Float64Array): boolean {
  const differences = b.map((loss, i) => loss - (a[i] as number));
  const gain = mean(differences);
  const variance = differences.reduce((sum, value) => sum + (value - gain) ** 2, 0) / Math.max(1, a.length - 1);
  return gain > doubt * Math.sqrt(variance / a.length);
}

function mean(values: Float64Array): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
