import type { HeadRecord, PartName } from './head.ts';
import { maskedLm } from './maskedLm.ts';
import { oneLabel } from './oneLabel.ts';
import { pooled } from './pooled.ts';

/** Every head, in the order in which a model with several is taken for one of them. */
export const heads = { oneLabel, maskedLm, pooled } as const satisfies Readonly<Record<string, HeadRecord>>;

export type HeadName = keyof typeof heads;

export const headNames: readonly HeadName[] = Object.keys(heads).filter((name) => isHeadName(name));

/** What pipelines call the tasks of our heads. */
export type Pipeline = (typeof heads)[HeadName]['pipeline'];

/** The head of a pipeline. */
export function headOfPipeline(pipeline: Pipeline): HeadName {
  const found = headNames.find((name) => heads[name].pipeline === pipeline);
  if (found === undefined) throw new Error(`internal: no head for ${pipeline}`);
  return found;
}

function isHeadName(name: string): name is HeadName {
  return Object.hasOwn(heads, name);
}

/** The heads that a model with these parts has. */
export function headsOf(present: readonly PartName[]): HeadName[] {
  return headNames.filter((name) => {
    const { part }: HeadRecord = heads[name];
    return part === null ? present.includes('encoder') : present.includes(part);
  });
}
