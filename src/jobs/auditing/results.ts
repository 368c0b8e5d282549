import type { Interval } from '../../evaluation/intervals.ts';
import type { ReviewItem } from '../reviewing/item.ts';

export interface AuditResult {
  /** Texts with a label. */
  readonly texts: number;
  readonly classes: number;
  /** What told the classes apart: a classifier on vectors of the model, or on words. */
  readonly method: 'frozen' | 'words';
  /** Share of the texts whose label it finds when the text is held out of it. */
  readonly accuracy: number;
  /** How many labels are wrong, with its 95 % interval; never of texts that could not be judged. */
  readonly wrong: Interval & { readonly mean: number };
  /** Texts of classes that have no other text, which nothing is said of. */
  readonly unjudged: number;
  /** Texts to look at, those first whose labels are likeliest wrong. */
  readonly items: readonly ReviewItem[];
  /** Where wrong labels clearly lie together, as after a column that slipped: first and last row, from 1; the longest first. */
  readonly runs: readonly (readonly [from: number, to: number])[];
  /** Texts that are nearly the same as one with another label. */
  readonly nearDuplicates: number;
  /** Classes that are hardly told apart, with the share of each one's texts that look like the other. */
  readonly mayBeOne: readonly {
    readonly labels: readonly [string, string];
    readonly shares: readonly [number, number];
  }[];
  /** Classes whose texts lie in two places, with how many lie in each and some of them. */
  readonly mayBeTwo: readonly {
    readonly label: string;
    readonly texts: readonly [number, number];
    readonly examples: readonly [readonly string[], readonly string[]];
  }[];
  /** Files that were written. */
  readonly files: readonly string[];
}

/** What became of decisions. */
export interface MendResult {
  readonly rows: number;
  readonly relabeled: number;
  readonly dropped: number;
  readonly output: string;
}
