import { softmax } from '../../evaluation/classification.ts';
import type { Rows } from '../../evaluation/neighbours.ts';
import { chooseOutside } from '../../evaluation/trust/chooseOutside.ts';
import type { SeenTexts } from '../../evaluation/trust/outsideScorer.ts';
import { trustRows } from '../../evaluation/trust/rows.ts';
import { chooseScaling, type Scaling, scaled } from '../../evaluation/trust/scaling.ts';
import { textHashes } from './textHashes.ts';
import { scaledBy, type Trust } from './trust.ts';

/** What is known of texts that a classifier was held out from, before its scores are made probabilities. */
export interface HeldOutEvidence {
  /** Logits or log-probabilities [n, classes], NaN of texts that were not held out. */
  readonly answers: Float32Array;
  /** Class numbers [n]. */
  readonly labels: ArrayLike<number>;
  readonly classes: number;
  /** Fold of each text [n], which its answers and what it is scored by were held out with. */
  readonly folds: ArrayLike<number>;
  /** Vectors that the classifier reads [n, size]; absent where it reads none that it did not learn. */
  readonly vectors?: Rows;
  /** Where the texts come from, in words. */
  readonly by: string;
  /** Texts that the classifier learned from. */
  readonly trained: readonly string[];
  /** Texts of no class, as the classifier sees them. */
  readonly outside?: SeenTexts;
  /** Whether scales of single classes may be tried: they undo weights of classes. */
  readonly mayScaleClasses: boolean;
  readonly seed: number;
}

/**
 * What held-out texts tell of how far a classifier's answers can be trusted: what makes its scores probabilities, what
 * tells strange texts, and what thresholds go by.
 *
 * @returns undefined where no text was held out
 */
export async function fitTrust(evidence: HeldOutEvidence): Promise<Trust | undefined> {
  const { answers, labels, classes, folds, vectors, by, trained, outside, seed } = evidence;
  const held = Array.from(labels, (_, i) => i).filter((i) => !Number.isNaN(answers[i * classes]));
  if (held.length < 2) return undefined;
  const choice = await chooseScaling({ logits: answers, labels, classes }, seed, evidence.mayScaleClasses);
  const logits = calibratedRows(answers, classes, choice.scaling);
  const strange = outside && { ...outside, logits: calibratedRows(outside.logits, classes, choice.scaling) };
  const chosen = chooseOutside({ logits, labels, classes, folds, vectors }, strange, seed);
  const probabilities = new Float64Array(held.length * classes);
  for (const [row, i] of held.entries()) {
    probabilities.set(softmax(logits.subarray(i * classes, (i + 1) * classes)), row * classes);
  }
  const tuning = trustRows(
    probabilities,
    held.map((i) => labels[i] as number),
    classes,
    held.map((i) => chosen.scores[i] as number),
  );
  return {
    ...{ classes, scaling: choice.scaling, scaled: scaledBy(choice, by) },
    ...{ outside: chosen.numbers, outsideBy: chosen.by, outsideTried: chosen.tried },
    ...{ tuning, tuningBy: by, trained: textHashes(trained) },
    ...(chosen.strange ? { strange: Float32Array.from(chosen.strange) } : {}),
  };
}

/** Rows of logits [n, classes] under a scaling; NaN stays. */
export function calibratedRows(logits: ArrayLike<number>, classes: number, scaling: Scaling): Float64Array {
  const result = new Float64Array(logits.length);
  const row = new Float64Array(classes);
  for (let from = 0; from < logits.length; from += classes) {
    for (let c = 0; c < classes; c++) row[c] = logits[from + c] as number;
    result.set(scaled(row, scaling), from);
  }
  return result;
}
