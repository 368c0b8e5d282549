import { z } from 'zod';
import type { DocumentFormat, JsonObject } from '../core/document.ts';
import { type BertuneError, UsageError } from '../core/errors.ts';
import { say, setting } from '../core/message.ts';
import { heads, type LabelKindName, labelKindNames } from '../models/text/heads/table.ts';
import type { PairNames } from '../models/text/model.ts';

/** What `config.json` calls a classifier on words alone, so that transformers refuses it by name. */
export const wordsType = 'bertune-words';

/** The `config.json` of a classifier on words alone. */
export interface WordsConfig {
  readonly kind: LabelKindName;
  readonly labels: readonly string[];
  /** The columns of the pairs that it reads; null for single texts. */
  readonly pairs: PairNames | null;
}

/** Labels are a map with their numbers as keys, as transformers has them. */
const configSchema = z
  .object({
    id2label: z.record(z.string(), z.string()),
    problem_type: z.enum(labelKindNames.map((name) => heads[name].problem.type)).default(heads.oneLabel.problem.type),
    text_pairs: z.object({ text: z.string(), pair: z.string() }).nullable().default(null),
  })
  .transform(({ id2label, problem_type: type, text_pairs: pairs }) => ({
    kind: labelKindNames.find((name) => heads[name].problem.type === type) ?? 'oneLabel',
    labels: Object.keys(id2label).map((_, i) => id2label[String(i)] ?? ''),
    pairs,
  }))
  .refine(({ labels }) => labels.length > 0 && labels.every((label) => label !== ''), {
    message: 'its labels are not numbered from 0',
    path: ['id2label'],
  });

export const wordsConfigFormat: DocumentFormat<WordsConfig> = {
  schema: configSchema,
  migrations: [],
  recognize(content, file) {
    if (isWordsConfig(content)) return;
    const { model_type: found = 'missing' } = content;
    throw new UsageError(say`${file}: model_type is ${found}, not ${wordsType}; choose another ${setting('model')}`);
  },
};

/** Whether a `config.json` says that it is of a classifier on words alone. */
export function isWordsConfig({ model_type: modelType }: JsonObject): boolean {
  return modelType === wordsType;
}

/** What `config.json` of a classifier on words alone holds. */
export function wordsConfig({ kind, labels, pairs }: WordsConfig): object {
  return {
    model_type: wordsType,
    id2label: Object.fromEntries(labels.map((label, i) => [String(i), label])),
    label2id: Object.fromEntries(labels.map((label, i) => [label, i])),
    problem_type: heads[kind].problem.type,
    ...(pairs && { text_pairs: pairs }),
  };
}

/** What jobs that need a network say of a model that has none. */
export function noNetworkError(folder: string): BertuneError {
  return new UsageError(
    say`${folder} is a classifier on words alone, which bertune predicts, evaluates and serves with: it has no network`,
    say`choose another ${setting('model')}; finetune makes one with a network by ${setting('method')} frozen or finetune`,
  );
}

/** `words.json` of the folder `words`: everything of a classifier on words but its numbers. */
export interface WordsDocument {
  /** Lengths of the terms of each block. */
  readonly blocks: { readonly words: readonly [number, number]; readonly characters: readonly [number, number] };
  readonly classes: number;
  /** Weight of its log-probabilities beside those of the network in the same folder; 1 where there is none. */
  readonly weight: number;
  readonly terms: { readonly words: readonly string[]; readonly characters: readonly string[] };
}

const lengths = (least: number) =>
  z
    .tuple([z.int().min(least), z.int().max(8)])
    .refine(([from, to]) => from <= to, { message: 'the least length is over the most' });
// The shortest word has three characters, a space on either side: a longer least length would leave it out.
const schema = z.object({
  blocks: z.object({ words: lengths(1), characters: lengths(2).refine(([from]) => from <= 3) }),
  classes: z.int().min(1),
  weight: z.number().min(0),
  terms: z.object({ words: z.array(z.string()), characters: z.array(z.string()) }),
});

export const wordsFormat: DocumentFormat<WordsDocument> = { schema, migrations: [] };
