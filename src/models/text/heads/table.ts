import type { HeadRecord, PartName } from './head.ts';
import { maskedLm } from './maskedLm.ts';
import { oneLabel } from './oneLabel.ts';
import { pooled } from './pooled.ts';
import { tokenLabels } from './tokenLabels.ts';

/** Every head, in the order in which a model with several is taken for one of them. */
export const heads = { oneLabel, tokenLabels, maskedLm, pooled } as const satisfies Readonly<
  Record<string, HeadRecord>
>;

export type HeadName = keyof typeof heads;

/** Heads that families describe: those that share a class of transformers are described once. */
export type FamilyHeadName = {
  [H in HeadName]: (typeof heads)[H] extends { readonly through: string } ? never : H;
}[HeadName];

/** Kinds of answers that are learned from labeled texts, by their heads. */
export type LabelKindName = {
  [H in HeadName]: (typeof heads)[H] extends { readonly problem: object } ? H : never;
}[HeadName];

export const headNames: readonly HeadName[] = Object.keys(heads).filter((name) => isHeadName(name));

/** What pipelines call the tasks of our heads. */
export type Pipeline = (typeof heads)[HeadName]['pipeline'];

/** The head of a pipeline: of several, the first that is among `available`. */
export function headOfPipeline(pipeline: Pipeline, available: readonly HeadName[] = []): HeadName {
  const found = headNames.filter((name) => heads[name].pipeline === pipeline);
  const head = found.find((name) => available.includes(name)) ?? found[0];
  if (head === undefined) throw new Error(`internal: no head for ${pipeline}`);
  return head;
}

function isHeadName(name: string): name is HeadName {
  return Object.hasOwn(heads, name);
}

export const labelKindNames: readonly LabelKindName[] = headNames.filter((name) => isLabelKind(name));

/** Whether a head is one that is learned from labeled texts. */
export function isLabelKind(head: HeadName): head is LabelKindName {
  return 'problem' in heads[head];
}

/** Whether a head's answer comes of the classifier of whole texts. */
export function isClassifier(head: HeadName): boolean {
  return heads[head].part === 'classifier';
}

/** The head under which families describe this one. */
export function familyHeadOf(head: HeadName): FamilyHeadName {
  const { through }: HeadRecord = heads[head];
  return (through ?? head) as FamilyHeadName;
}

/**
 * The heads that a model with these parts has.
 *
 * @param problemType `problem_type` of its `config.json`: of heads that share a part, the model has the one it names
 * @see problemTypeOf for what a `config.json` says without naming it
 */
export function headsOf(present: readonly PartName[], problemType?: unknown): HeadName[] {
  const record = (name: HeadName): HeadRecord => heads[name];
  const sharing = (part: PartName) => headNames.filter((name) => record(name).part === part);
  return headNames.filter((name) => {
    const { part } = record(name);
    if (part === null) return present.includes('encoder');
    const named = sharing(part).find((other) => record(other).problem?.type === problemType);
    return present.includes(part) && name === (named ?? sharing(part)[0]);
  });
}
