import type { HubConfig } from '../../models/text/config.ts';
import type { PairNames } from '../../models/text/model.ts';
import type { Answer, LabelScore } from '../types.ts';

/** What a model's folder says of its answers. */
export interface AnswerFacts {
  /** What messages call the model. */
  readonly path: string;
  /** Names of what its classifier puts out [outputs]. */
  readonly labels: readonly string[];
  /** The columns of the pairs that it reads; null for single texts. */
  readonly pairs: PairNames | null;
  /** Its `config.json`. */
  readonly raw: HubConfig;
}

/** How models of one kind answer, from what their classifiers make of texts. */
export interface AnswerKind {
  /** What messages call an answer. */
  readonly title: string;
  /** Columns of a file of answers, in the order of `Answered.cells`. */
  readonly columns: readonly { readonly name: string; readonly holds: 'text' | 'number' }[];
  /** Whether each label has a score. */
  readonly hasScores: boolean;
  /** @returns what makes an answer of a row of logits [outputs]; it throws what is wrong with the folder at once */
  reader(facts: AnswerFacts): (row: ArrayLike<number>) => Answered;
}

/** The answer to one text. */
export interface Answered {
  readonly answer: Answer;
  /** Every label with its probability, best first; empty where a kind has none. */
  readonly scores: readonly LabelScore[];
  /** In a file: a value for each of the kind's columns. */
  readonly cells: readonly (string | number | null)[];
  /** Labels that are counted. */
  readonly counted: readonly string[];
}

/** Labels with their scores, best first; the first of equal ones stays first. */
export function ranked(labels: readonly string[], scores: ArrayLike<number>): LabelScore[] {
  return Array.from(scores, (score, i) => ({ label: labels[i] ?? String(i), score })).sort((a, b) => b.score - a.score);
}
