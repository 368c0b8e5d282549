import { BertuneError } from '../core/errors.ts';
import { say } from '../core/message.ts';
import { randomUnit } from '../core/random.ts';
import { normalizedForm, repeatedForm } from '../text/normalize.ts';
import { type DataRecord, openRecords, type RecordsOptions } from './records.ts';

/** Labeled texts in memory; the arrays are parallel. */
export interface AnsweredSet<T> {
  readonly texts: string[];
  readonly labels: T[];
  /** Only when the data has an id column; '' where a row has none. */
  readonly ids?: (string | number)[];
  /** Only when a group column was named; a row without a group is a group of its own. */
  readonly groups?: string[];
  /** Only when a column to slice by was named; '' where a row has no value. */
  readonly slices?: string[];
  readonly textColumn: string;
  /** Of the second text, where each text is a pair. */
  readonly pairColumn?: string;
  readonly labelColumn: string;
  /** Rows that were left out, since nothing is learned of them. */
  readonly unlabeled?: number;
  readonly invalidUtf8: number;
}

/** Texts with one label each. */
export interface LabeledSet extends AnsweredSet<string> {}

/** Reads a labeled set. @throws BertuneError when a row has no label, and what `openRecords` throws. */
export async function readLabeledSet(options: RecordsOptions): Promise<LabeledSet> {
  return readAnsweredSet(options, ({ label }, row, column) => {
    if (label !== undefined && label !== '') return label;
    throw new BertuneError(say`${options.flag}: row ${row} has no label in column ${column}`);
  });
}

/**
 * Reads labeled texts of any kind. Throws what `openRecords` and `take` throw.
 *
 * @param take makes what is learned of a record, given its row from 1 and the column of the labels; undefined leaves it out
 */
export async function readAnsweredSet<T>(
  options: RecordsOptions,
  take: (record: DataRecord, row: number, labelColumn: string) => T | undefined,
): Promise<AnsweredSet<T>> {
  const records = await openRecords({ ...options, needLabel: true });
  try {
    const labelColumn = records.labelColumn ?? records.choice.labels?.join(', ') ?? 'label';
    const texts: string[] = [];
    const labels: T[] = [];
    const ids: (string | number)[] = [];
    const groups: string[] = [];
    const slices: string[] = [];
    let hasIds = false;
    let row = 0;
    for await (const batch of records.batches()) {
      for (const record of batch) {
        const { text, id, group, slice } = record;
        const label = take(record, ++row, labelColumn);
        if (label === undefined) continue;
        labels.push(label);
        hasIds ||= id !== undefined;
        // A prefix that tells the groups of the data from those made up for rows without one.
        groups.push(group === undefined ? `row:${texts.length}` : `group:${group}`);
        slices.push(slice ?? '');
        texts.push(text);
        ids.push(id ?? '');
      }
    }
    const { textColumn, pairColumn, invalidUtf8 } = records;
    return {
      texts,
      labels,
      ids: hasIds ? ids : undefined,
      groups: options.groupColumn === undefined ? undefined : groups,
      slices: options.sliceColumn === undefined ? undefined : slices,
      textColumn,
      pairColumn,
      labelColumn,
      unlabeled: row - texts.length,
      invalidUtf8,
    };
  } finally {
    await records.close();
  }
}

/** The distinct labels in a fixed order: by value when all are integers, by code point otherwise. */
export function labelNames(labels: Iterable<string>): string[] {
  const names = [...new Set(labels)];
  const byCodePoint = (a: string, b: string) => Buffer.compare(Buffer.from(a), Buffer.from(b));
  if (!names.every((name) => /^-?\d+$/.test(name))) return names.sort(byCodePoint);
  return names.sort((a, b) => Number(a) - Number(b) || byCodePoint(a, b));
}

export interface Split {
  /** Indices, ascending. */
  readonly train: number[];
  /** Indices, ascending. */
  readonly heldOut: number[];
  /** Labels with one example, which stays in training. */
  readonly singletons: string[];
}

/**
 * Holds out about `fraction` of every class: at least one example, never all. With `groups` (one for each example) a
 * group stays on one side, so shares are as close as whole groups allow, and a class that lies in one group is not
 * held out.
 */
export function stratifiedSplit(options: {
  readonly labels: readonly string[];
  readonly groups?: readonly string[];
  readonly fraction: number;
  readonly seed: number;
}): Split {
  const { labels, fraction, seed } = options;
  const classes = new Map<string, ClassShare>();
  for (const [label, members] of membersOf(labels)) {
    const size = members.length;
    const target = size < 2 ? 0 : Math.min(size - 1, Math.max(1, Math.round(size * fraction)));
    classes.set(label, { inTraining: size, missing: target, target });
  }
  const held = new Set<number>();
  const bundles = shuffledBundles(options.groups ?? labels.map((_, index) => String(index)), seed);
  const consider = (isWanted: (counts: ReadonlyMap<string, number>) => boolean) => {
    for (const bundle of bundles) {
      if (held.has(bundle[0] as number)) continue;
      const counts = countsOf(bundle.map((index) => labels[index] as string));
      if (!leavesTraining(counts, classes) || !isWanted(counts)) continue;
      for (const index of bundle) held.add(index);
      for (const [label, count] of counts) take(classes.get(label) as ClassShare, count);
    }
  };
  consider((counts) => fillsMoreThanItOverfills(counts, classes));
  consider((counts) => [...counts.keys()].some((label) => holdsNone(classes.get(label) as ClassShare)));
  return {
    train: labels.map((_, index) => index).filter((index) => !held.has(index)),
    heldOut: [...held].sort((a, b) => a - b),
    singletons: labelNames(labels).filter((label) => classes.get(label)?.target === 0),
  };
}

/** At most `perClass` examples of every class. @returns indices, ascending; a smaller sample is part of a larger. */
export function samplePerClass(options: {
  readonly labels: readonly string[];
  readonly perClass: number;
  readonly seed: number;
}): number[] {
  const chosen: number[] = [];
  for (const members of membersOf(options.labels).values()) {
    chosen.push(...shuffled(members, options.seed, 'sample').slice(0, options.perClass));
  }
  return chosen.sort((a, b) => a - b);
}

/**
 * `limit` examples with every class in its share, and at least one of each when the limit allows.
 * @returns indices, ascending; all of them when there are no more than `limit`.
 */
export function sampleLimit(options: {
  readonly labels: readonly string[];
  readonly limit: number;
  readonly seed: number;
}): number[] {
  const { labels, limit, seed } = options;
  if (labels.length <= limit) return labels.map((_, index) => index);
  const members = membersOf(labels);
  const names = labelNames(labels);
  const exact = names.map((name) => ((members.get(name)?.length ?? 0) * limit) / labels.length);
  const least = limit >= names.length ? 1 : 0;
  const quotas = exact.map((share) => Math.max(least, Math.floor(share)));
  for (let sum = total(quotas); sum !== limit; sum = total(quotas)) {
    const step = Math.sign(limit - sum);
    const gaps = exact.map((share, index) => {
      const quota = quotas[index] as number;
      return step < 0 && quota <= least ? Number.NEGATIVE_INFINITY : (share - quota) * step;
    });
    const at = gaps.indexOf(Math.max(...gaps));
    quotas[at] = (quotas[at] as number) + step;
  }
  const chosen = names.flatMap((name, index) =>
    shuffled(members.get(name) ?? [], seed, 'sample').slice(0, quotas[index]),
  );
  return chosen.sort((a, b) => a - b);
}

/**
 * Leaves out of the held-out texts those that training has seen: the same but for case, white space and Unicode form.
 * Numbers count: they may be what tells one class from another.
 * @returns indices into `heldOut` of the texts that stay, how many do not, and how many of those that stay differ from a
 * text of training in numbers alone.
 */
export function dropSeen(
  train: Iterable<string>,
  heldOut: readonly string[],
): { kept: number[]; dropped: number; alike: number } {
  const seen = new Set<string>();
  const patterns = new Set<string>();
  for (const text of train) {
    seen.add(repeatedForm(text));
    patterns.add(normalizedForm(text));
  }
  const textAt = (index: number) => heldOut[index] as string;
  const kept = Array.from(heldOut.keys()).filter((index) => !seen.has(repeatedForm(textAt(index))));
  const alike = kept.filter((index) => patterns.has(normalizedForm(textAt(index)))).length;
  return { kept, dropped: heldOut.length - kept.length, alike };
}

interface ClassShare {
  /** Examples not held out. */
  inTraining: number;
  /** Examples still to hold out; negative when a group brought more than asked. */
  missing: number;
  readonly target: number;
}

function take(share: ClassShare, count: number): void {
  share.inTraining -= count;
  share.missing -= count;
}

function holdsNone(share: ClassShare): boolean {
  return share.target > 0 && share.missing === share.target;
}

function leavesTraining(counts: ReadonlyMap<string, number>, classes: ReadonlyMap<string, ClassShare>): boolean {
  return [...counts].every(([label, count]) => count < (classes.get(label)?.inTraining ?? 0));
}

function fillsMoreThanItOverfills(
  counts: ReadonlyMap<string, number>,
  classes: ReadonlyMap<string, ClassShare>,
): boolean {
  let filled = 0;
  let over = 0;
  for (const [label, count] of counts) {
    const useful = Math.min(count, Math.max(0, classes.get(label)?.missing ?? 0));
    filled += useful;
    over += count - useful;
  }
  return filled > 0 && filled >= over;
}

/** Indices by label, ascending, labels in their fixed order. */
function membersOf(labels: readonly string[]): Map<string, number[]> {
  const members = new Map<string, number[]>(labelNames(labels).map((name) => [name, []]));
  for (const [index, label] of labels.entries()) members.get(label)?.push(index);
  return members;
}

/** The indices of every group, groups in random order. */
function shuffledBundles(groups: readonly string[], seed: number): number[][] {
  const bundles = new Map<string, number[]>();
  for (const [index, group] of groups.entries()) {
    const bundle = bundles.get(group);
    if (bundle === undefined) bundles.set(group, [index]);
    else bundle.push(index);
  }
  const all = [...bundles.values()];
  return shuffled(
    all.map((_, index) => index),
    seed,
    'split',
  ).map((index) => all[index] as number[]);
}

function shuffled(indices: readonly number[], seed: number, purpose: 'split' | 'sample'): number[] {
  const keyed = indices.map((index) => ({ index, key: randomUnit(seed, purpose, index) }));
  return keyed.sort((a, b) => a.key - b.key || a.index - b.index).map(({ index }) => index);
}

function countsOf(labels: readonly string[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const label of labels) counts.set(label, (counts.get(label) ?? 0) + 1);
  return counts;
}

function total(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0);
}
