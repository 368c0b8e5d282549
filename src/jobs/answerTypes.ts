/** What models answer to texts. */

import type { Promised } from './trust/results.ts';

/** A label with its probability. */
export interface LabelScore {
  readonly label: string;
  readonly score: number;
}

/** The answer of a model that may leave texts unlabeled, or that adds a set of labels. */
export interface Decision {
  /** null where the text is left unlabeled. */
  readonly label: string | null;
  /** Probability of the likeliest label. */
  readonly score: number;
  /** Why it has no label: strange to the model, or the model is unsure. */
  readonly why?: 'strange' | 'unsure';
  /** The likeliest label of a text that has none. */
  readonly suggestion?: string;
  /** Labels that hold the right one of as many texts as asked for, the likeliest first. */
  readonly set?: readonly string[];
}

/** What `decide` answers. */
export interface Decided {
  readonly decisions: readonly Decision[];
  /** What is known of such answers, and on which texts; in words, too. */
  readonly promises: readonly Promised[];
  readonly promised: readonly string[];
}

/** A part of a text that was found, [start, end). */
export interface FoundEntity {
  readonly start: number;
  readonly end: number;
  readonly label: string;
  /** Mean probability of the tags of its words. */
  readonly score: number;
  /** The part as it is in the text. */
  readonly text: string;
  /** Of an entity put together as pipelines do it: its tokens joined, and of a single token its place among them. */
  readonly word?: string;
  readonly index?: number;
}

/** The parts of a text that have labels. */
export interface EntityAnswer {
  readonly entities: readonly FoundEntity[];
}

/** The labels whose probabilities are over their thresholds, likeliest first; none is an answer, too. */
export interface LabelsAnswer {
  readonly labels: readonly LabelScore[];
}

export interface NumberAnswer {
  readonly value: number;
  /** Ends of the interval around it; null where the model has none. */
  readonly low: number | null;
  readonly high: number | null;
}

/** What a model answers to a text, by the kind of its labels: the likeliest label, those that it has, a number, or the parts that have a label. */
export type Answer = LabelScore | Decision | LabelsAnswer | NumberAnswer | EntityAnswer;

/** A text with the one label of it. */
export interface Prediction extends LabelScore {
  readonly id?: string | number;
  readonly text: string;
  /** The second text, of a pair. */
  readonly pair?: string;
}

/** A text with what a model answers to it. */
export type PredictedText = {
  readonly id?: string | number;
  readonly text: string;
  readonly explanation?: Explanation;
  readonly pair?: string;
} & Answer;

/** A word of a text, with what it does to an answer. */
export interface ExplainedWord {
  readonly text: string;
  /** Its place in the text as it was given, [start, end), in what was asked for: code points, or UTF-16 code units. */
  readonly start: number;
  readonly end: number;
  /** Which text of a pair it stands in; absent of single texts. */
  readonly of?: 'text' | 'pair';
  /** Above 0 it speaks for the label, below 0 against it. */
  readonly weight: number;
}

/** What an answer comes of, word by word. */
export interface Explanation {
  /** The label that is explained: the likeliest one. */
  readonly label: string;
  /**
   * `integrated gradients`: shares of the label's logit; `occlusion`: what its log-probability loses without the word,
   * where words are read by their counts, a text in several windows, or a pair of texts.
   */
  readonly method: 'integrated gradients' | 'occlusion';
  readonly words: readonly ExplainedWord[];
  /** Of gradients: the label's logit for the text less that for one of padding, and what the weights lack of it. */
  readonly difference?: number;
  readonly error?: number;
  /** What it cost: texts as long as this one that were computed for it. */
  readonly passes: number;
}
