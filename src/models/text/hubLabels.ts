import { z } from 'zod';
import { BertuneError } from '../../core/errors.ts';
import type { HubConfig } from './config.ts';
import type { HeadRecord } from './heads/head.ts';
import { parsedKeys } from './hubKeys.ts';

/** Keys of `config.json` that name the classes of a head, in every family. */
const labelSchema = z.object({
  architectures: z.array(z.string()).nullish(),
  num_labels: z.int().positive().nullish(),
  id2label: z.record(z.string(), z.union([z.string(), z.number()])).nullish(),
  // A map, since a record of zod drops a label `__proto__`.
  label2id: z
    .preprocess(
      (value) => (isObject(value) ? new Map(Object.entries(value)) : value),
      z.map(z.string(), z.union([z.int(), z.string()])).nullable(),
    )
    .optional(),
});

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

type LabelKeys = z.infer<typeof labelSchema>;

/**
 * The class names that a `config.json` gives; undefined when it gives none.
 *
 * @param classifiers classes of transformers whose default is two labels
 * @throws BertuneError when its keys contradict each other
 */
export function labelsOf(raw: HubConfig, classifiers: readonly string[], where: string): string[] | undefined {
  const hub = parsedKeys(labelSchema, raw, where);
  const named = Object.entries(hub.id2label ?? {}).sort(([a], [b]) => Number(a) - Number(b));
  const isClassifier = hub.architectures?.some((name) => classifiers.includes(name)) ?? false;
  // Some tools write it beside an encoder without a classifier.
  const isUnnamed = named.length === 1 && named[0]?.[1] === defaultLabels(1)[0];
  if (isUnnamed && !isClassifier && hub.architectures?.length) return undefined;
  if (named.length > 0) return checkedLabels(named, hub, where);
  // transformers does not write the names of a classifier with its two default labels.
  const count = hub.num_labels ?? (isClassifier ? 2 : 0);
  return count > 0 ? defaultLabels(count) : undefined;
}

/**
 * `problem_type` of a `config.json`; where it says nothing, transformers takes one label for a number.
 *
 * @param labels class names, as `labelsOf` gives them
 */
export function problemTypeOf({ problem_type: type }: HubConfig, labels: readonly string[] | undefined): unknown {
  return type ?? (labels?.length === 1 ? 'regression' : undefined);
}

/** The label names of transformers for a head that has none. */
export function defaultLabels(count: number): string[] {
  return Array.from({ length: count }, (_, index) => `LABEL_${index}`);
}

/** The keys that name a head's classes for transformers; none for a head without any. */
export function labelKeys({ problem, tags }: HeadRecord, labels: readonly string[] | undefined): HubConfig {
  if (problem === undefined && !tags) return {};
  if (labels === undefined) throw new Error('internal: a classifier without labels');
  return {
    id2label: Object.fromEntries(labels.map((label, index) => [String(index), label])),
    label2id: Object.fromEntries(labels.map((label, index) => [label, index])),
    ...(problem && { problem_type: problem.type }),
  };
}

function checkedLabels(named: readonly [string, string | number][], hub: LabelKeys, where: string): string[] {
  const labels = named.map(([, label]) => String(label));
  const gap = named.findIndex(([key], index) => key !== String(index));
  if (gap >= 0) throw new BertuneError(`${where}: id2label has no label ${gap}, though it has ${labels.length} labels`);
  const twice = labels.find((label, index) => labels.indexOf(label) !== index);
  if (twice !== undefined) throw new BertuneError(`${where}: id2label names "${twice}" twice`);
  if (hub.num_labels && hub.num_labels !== labels.length) {
    throw new BertuneError(`${where}: num_labels is ${hub.num_labels}, but id2label has ${labels.length} labels`);
  }
  return labels;
}

/**
 * What there is to say of a `label2id` that numbers the classes otherwise than `id2label`, which alone counts, as in
 * transformers; undefined where they agree or one is not there.
 */
export function labelNote(raw: HubConfig): string | undefined {
  const hub = labelSchema.safeParse(raw).data;
  const ids = idsOf(hub?.label2id);
  const named = Object.entries(hub?.id2label ?? {});
  const other = ids && named.find(([id, label]) => ids.get(String(label)) !== Number(id));
  if (!other) return undefined;
  return `id2label and label2id of config.json disagree about ${JSON.stringify(String(other[1]))}: id2label counts`;
}

/** A number that was written as text is one, and other texts say nothing. */
function idsOf(label2id: LabelKeys['label2id']): Map<string, number> | undefined {
  const ids = [...(label2id ?? [])].map(
    ([label, id]) => [label, typeof id === 'number' ? id : Number(id || 'x')] as const,
  );
  return label2id && ids.every(([, id]) => Number.isInteger(id)) ? new Map(ids) : undefined;
}
