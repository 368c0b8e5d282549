import { answerFacts } from './answers.ts';
import { type ConformalRow, conformalRow } from './conformal.ts';

/** What is kept of labeled texts that a classifier did not learn from; the arrays are parallel. */
export interface TrustRows {
  readonly count: number;
  /** Numbers of the right label, −1 of a text that is of none, and of the likeliest one. */
  readonly label: Float32Array;
  readonly predicted: Float32Array;
  /** Probability of the likeliest label. */
  readonly confidence: Float32Array;
  /** What conformal sets need: see `ConformalRow`. */
  readonly strangeness: Float32Array;
  readonly cumulative: Float32Array;
  readonly rank: Float32Array;
  /** How strange the text is. */
  readonly outside: Float32Array;
}

export const rowColumns = [
  'label',
  'predicted',
  'confidence',
  'strangeness',
  'cumulative',
  'rank',
  'outside',
] as const satisfies readonly (keyof TrustRows)[];

/** @param probabilities [n, classes] @param labels [n], −1: of none @param outside scores [n] */
export function trustRows(
  probabilities: ArrayLike<number>,
  labels: ArrayLike<number>,
  classes: number,
  outside: ArrayLike<number>,
): TrustRows {
  const { predicted, confidence } = answerFacts({ probabilities, labels, classes });
  const row = new Float64Array(classes);
  const sets = Array.from(labels, (label, i) => {
    for (let c = 0; c < classes; c++) row[c] = probabilities[i * classes + c] as number;
    return label < 0 ? noSet : conformalRow(row, label);
  });
  return {
    count: labels.length,
    label: Float32Array.from(labels),
    predicted: Float32Array.from(predicted),
    confidence: Float32Array.from(confidence),
    strangeness: Float32Array.from(sets, ({ strangeness }) => strangeness),
    cumulative: Float32Array.from(sets, ({ cumulative }) => cumulative),
    rank: Float32Array.from(sets, ({ rank }) => rank),
    outside: Float32Array.from(outside),
  };
}

/** Of a text of no label: no set of labels holds the right one. */
const noSet: ConformalRow = { label: -1, strangeness: 1, cumulative: 1, rank: 0 };

/** What sets go by: the texts that have a label. */
export function conformalRows({ count, label, strangeness, cumulative, rank }: TrustRows): ConformalRow[] {
  return Array.from({ length: count }, (_, i) => ({
    label: label[i] as number,
    strangeness: strangeness[i] as number,
    cumulative: cumulative[i] as number,
    rank: rank[i] as number,
  })).filter((row) => row.label >= 0);
}

/** 1 where the likeliest label is the right one [n]. */
export function rightOnes({ label, predicted }: Pick<TrustRows, 'label' | 'predicted'>): Uint8Array {
  return Uint8Array.from(label, (own, i) => Number(own === predicted[i]));
}
