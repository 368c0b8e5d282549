import type { CardMetric } from '../../hub/modelCard.ts';
import type { HeadName } from '../../models/text/heads/table.ts';
import type { ModelFacts, RunRecord } from '../runRecord.ts';
import type { DataOptions } from '../types.ts';

/** What a model card says of a head: sentences and figures from the record of its run. */
export interface HeadCard {
  /** The settings that name the texts that were trained on. */
  readonly data: 'corpus' | 'train';
  /** What was measured on held-out texts; nothing when none were held out. */
  metrics(record: RunRecord): CardMetric[];
  /** What it is. @param base what it was trained from, as a link where there is one */
  introduction(record: RunRecord, base: string): string;
  /** How a sentence encoder's vectors come in. @param reads what they are made of, in words */
  vectors(reads: string, record: RunRecord): string;
  /** What is measured and shown for use, where a run may train another head than the card's. */
  readonly trained?: (record: RunRecord) => HeadName;
  /** The sentences around the table of metrics. @param measuredOn names the held-out texts */
  results(record: RunRecord, measuredOn: string): { readonly before: string; readonly after?: string };
  /** The texts that it was trained on. @param names of their files */
  trainingData(record: RunRecord, names: string): string;
  /** A text to try, and the command line that tries it, but for the model's path. */
  readonly example: CardExample;
  /** What it cannot do. */
  limits(record: RunRecord): string[];
  /** What a layer on vectors or words was fitted by, where that is not logistic regression. */
  readonly fit?: string;
  /** Lines of Python that print answers from `logits` [texts, labels], `names` by their numbers and `config`. */
  readonly python?: readonly string[];
  /** What became of texts that were too long. */
  readonly longTexts: string;
}

export interface CardExample {
  readonly text: string;
  readonly command: string;
}

/** The family of the model; records of the first version name none, and knew one alone. */
export function familyOf({ about }: RunRecord): NonNullable<ModelFacts['family']> {
  return about?.family ?? { type: 'bert', title: 'BERT' };
}

/** What cards use of the settings of a run. */
export interface CardConfiguration extends Readonly<Record<string, unknown>> {
  readonly corpus?: DataOptions;
  readonly train?: DataOptions;
  readonly eval?: DataOptions;
}

export function listed(names: readonly string[]): string {
  const shown = names.slice(0, 80).map(plain).join(', ');
  return names.length > 80 ? `${shown}, and ${names.length - 80} more` : shown;
}

/** A text of the user's as Markdown that shows it and does nothing else. */
export function plain(text: string): string {
  return text
    .replace(/\s+/g, ' ')
    .replace(/[\\`*_{}[\]<>#|]/g, '\\$&')
    .trim();
}

export function decimals(value: number): string {
  if (value >= 1e6) return value.toExponential(2);
  return String(Number(value.toFixed(value >= 10 ? 2 : 4)));
}
