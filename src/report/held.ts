/** What a model answered to texts held out, by the kind of its answers. Of many texts, a part is kept. */
export type Held = LabelHeld | SeveralLabelsHeld | NumberHeld | EntitiesHeld;

/** What all kinds keep of the texts; all arrays of a kind are parallel. */
interface HeldTexts {
  /** Absent where they were not to be kept. */
  readonly texts?: readonly string[];
  /** The second text of each, of a model that reads pairs. */
  readonly pairs?: readonly string[];
  /** How many were held out. */
  readonly of: number;
}

/** One label a text. */
export interface LabelHeld extends HeldTexts {
  readonly kind: 'one-label';
  readonly labels: readonly string[];
  /** Class numbers: the right ones and those answered. */
  readonly classes: readonly number[];
  readonly answers: readonly number[];
  /** Probability of the answer and of the right class. */
  readonly scores: readonly number[];
  readonly own: readonly number[];
  /** What a column says of each text, where one was named to slice them by. */
  readonly slices?: { readonly column: string; readonly values: readonly string[] };
}

/** A label's number with the probability that the model gave it. */
export type ScoredLabel = readonly [label: number, score: number];

/** Any number of labels a text. */
export interface SeveralLabelsHeld extends HeldTexts {
  readonly kind: 'several-labels';
  readonly labels: readonly string[];
  /** Probability from which on each label is told [labels]. */
  readonly thresholds: readonly number[];
  /** Labels that each text has, and those that it was told to have. */
  readonly own: readonly (readonly ScoredLabel[])[];
  readonly told: readonly (readonly ScoredLabel[])[];
}

/** One number a text. */
export interface NumberHeld extends HeldTexts {
  readonly kind: 'number';
  /** What the number is called. */
  readonly name: string;
  readonly own: readonly number[];
  readonly told: readonly number[];
  /** Half the width of the interval around each number, and the share of numbers that it is to hold. */
  readonly interval?: { readonly margin: number; readonly share: number };
}

/** An entity: its place in the text, in UTF-16 units, [start, end), and its label. */
export type HeldEntity = readonly [start: number, end: number, label: string];

/** Labels on parts of texts. */
export interface EntitiesHeld extends HeldTexts {
  readonly kind: 'tokens';
  /** Entities that each text has, and those that were found. */
  readonly own: readonly (readonly HeldEntity[])[];
  readonly found: readonly (readonly HeldEntity[])[];
}

/** Texts whose answers are kept. */
export function countOf(held: Held): number {
  return held.own.length;
}
