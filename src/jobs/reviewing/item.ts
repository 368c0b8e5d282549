/** A text that people are to look at, with what is proposed for it. */
export interface ReviewItem {
  /** Its row in the data, from 1. */
  readonly row: number;
  readonly id?: string | number;
  readonly text: string;
  /** Its label; absent of a text that has none. */
  readonly label?: string;
  /** What is proposed. */
  readonly likely?: string;
  /** 0 to 1: how much is to be said for looking at it. */
  readonly score: number;
  /** Why, in words. */
  readonly reason: string;
}

/** What people decided of a text. */
export interface Decision {
  /** Where it stands in the file, from 1. */
  readonly place: number;
  readonly row: number;
  readonly text: string;
  readonly label?: string;
  /** The label that the text is to have; absent: as it is. */
  readonly newLabel?: string;
  /** Whether the text is to go. */
  readonly isDropped: boolean;
}

/** Files that people look at texts in. */
export const reviewFormats = ['table', 'label-studio', 'argilla'] as const;
export type ReviewFormat = (typeof reviewFormats)[number];

/** Names of what people fill in, in every kind of file. */
export const newLabelName = 'new_label';
export const dropName = 'drop';
