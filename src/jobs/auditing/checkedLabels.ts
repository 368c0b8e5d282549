import { counted } from '../../core/errors.ts';
import { breathe } from '../../core/interrupt.ts';
import { say, setting } from '../../core/message.ts';
import type { LabeledSet } from '../../data/labels.ts';
import { NearDuplicates, type NearPair } from '../../data/nearDuplicates.ts';
import { onePairs, twoParts } from '../../evaluation/classShapes.ts';
import type { Resolved } from '../../settings/options.ts';
import { classNumbers } from '../classNumbers.ts';
import { note } from '../note.ts';
import type { ReviewItem } from '../reviewing/item.ts';
import type { JobHooks } from '../types.ts';
import { type Judged, judge } from './judge.ts';
import { openLearner } from './openLearner.ts';
import type { AuditResult } from './results.ts';

type Found = Omit<AuditResult, 'classes' | 'files'>;

/** Texts of a part of a class that are shown. */
const examplesShown = 3;
/** Rows that are called a run. */
const leastInRow = 3;

/** What there is to say of the labels of a set. */
export async function checkedLabels(
  options: Resolved<'audit'>,
  set: LabeledSet,
  labels: readonly string[],
  hooks: JobHooks,
): Promise<Found> {
  const rows = Array.from(set.texts.keys()).filter((i) => set.texts[i]?.trim() !== '');
  const blank = set.texts.length - rows.length;
  if (blank > 0) note(hooks, say`${counted(blank, 'row')} without a text left out`);
  const texts = rows.map((i) => set.texts[i] as string);
  const given = classNumbers(
    rows.map((i) => set.labels[i] as string),
    labels,
    setting('data'),
  );
  const examples = { texts: Int32Array.from(texts.keys()), labels: given, classes: labels.length };
  const groups = set.groups && rows.map((i) => set.groups?.[i] as string);
  const { learner, vectors } = await openLearner(options, texts, hooks);
  const judged = await judge(learner, examples, options.seed, groups, hooks);
  const pairs = await conflicts(texts, given, hooks);
  return {
    texts: texts.length,
    method: learner.method,
    ...{ accuracy: judged.accuracy, wrong: judged.found.estimate, unjudged: judged.unjudged },
    runs: runsOf(judged, rows),
    items: itemsOf({ set, rows, texts, given, labels, judged, pairs }),
    nearDuplicates: new Set(pairs.flatMap(({ first, second }) => [first, second])).size,
    mayBeOne: onePairs(judged.logProbabilities, given, labels.length).map(({ classes: [a, b], shares }) => ({
      ...{ labels: [labels[a] as string, labels[b] as string], shares },
    })),
    mayBeTwo: (vectors ? twoParts(vectors, given, labels.length) : []).map(({ class: label, parts: [one, two] }) => {
      const some = (part: readonly number[]) => part.slice(0, examplesShown).map((i) => texts[i] as string);
      return {
        ...{ label: labels[label] as string, texts: [one.length, two.length] },
        examples: [some(one), some(two)],
      };
    }),
  };
}

/** First and last row, from 1, of labels in a row that look wrong; none where they lie as chance would have it. */
function runsOf({ found: { runLength, flagged }, places }: Judged, rows: readonly number[]): [number, number][] {
  if (runLength === undefined) return [];
  const runs: { from: number; to: number }[] = [];
  for (const at of [...flagged].sort((a, b) => a - b)) {
    const last = runs.at(-1);
    if (last?.to === at - 1) last.to = at;
    else runs.push({ from: at, to: at });
  }
  const rowOf = (at: number) => (rows[places[at] as number] as number) + 1;
  return runs
    .filter(({ from, to }) => to - from + 1 >= leastInRow)
    .sort((a, b) => b.to - b.from - (a.to - a.from) || a.from - b.from)
    .map(({ from, to }) => [rowOf(from), rowOf(to)]);
}

/** Texts that are nearly the same and have different labels. */
async function conflicts(texts: readonly string[], given: Int32Array, hooks: JobHooks): Promise<NearPair[]> {
  const near = new NearDuplicates((i) => texts[i] as string);
  for (const [i, text] of texts.entries()) {
    if (i % 1000 === 0) await breathe(hooks.signal);
    near.add(text);
  }
  return near.groups().flatMap((group) => near.closest(group, (a, b) => given[a] !== given[b]));
}

interface Told {
  readonly set: LabeledSet;
  /** Rows of the texts in the set, from 0. */
  readonly rows: readonly number[];
  readonly texts: readonly string[];
  readonly given: Int32Array;
  readonly labels: readonly string[];
  readonly judged: Judged;
  readonly pairs: readonly NearPair[];
}

/** Every text that there is something to say of, once, likeliest wrong first. */
function itemsOf({ set, rows, texts, given, labels, judged, pairs }: Told): ReviewItem[] {
  const { found, places } = judged;
  const name = (i: number) => labels[given[i] as number] as string;
  const placeOf = new Map(places.map((i, at) => [i, at]));
  const flagged = new Set(found.flagged.map((at) => places[at] as number));
  const twins = new Map<number, { twin: number; similarity: number }>();
  for (const { first, second, similarity } of pairs) {
    for (const [one, twin] of [
      [first, second],
      [second, first],
    ] as const) {
      if (similarity > (twins.get(one)?.similarity ?? 0)) twins.set(one, { twin, similarity });
    }
  }
  // Of two that are nearly the same and differ in their labels, one that is flagged answers for both.
  const open = [...twins.keys()].filter((i) => !flagged.has(twins.get(i)?.twin as number));
  const items = [...new Set([...flagged, ...open])].map((i): ReviewItem => {
    const at = placeOf.get(i);
    const twin = twins.get(i);
    const best = at === undefined ? undefined : (found.likely[at] as number);
    const isContradicted = best !== undefined && best !== given[i];
    const likely = isContradicted ? labels[best] : twin && name(twin.twin);
    const id = set.ids?.[rows[i] as number];
    const reasons = [
      ...(flagged.has(i)
        ? [isContradicted ? `reads like ${likely}` : 'stands in a run of labels that look wrong']
        : []),
      ...(twin ? [`nearly the same as row ${(rows[twin.twin] as number) + 1}, which is ${name(twin.twin)}`] : []),
    ];
    return {
      ...{ row: (rows[i] as number) + 1, ...(id === undefined || id === '' ? {} : { id }) },
      ...{ text: texts[i] as string, label: name(i), likely, reason: reasons.join('; ') },
      score: at === undefined ? 0.5 : (found.scores[at] as number),
    };
  });
  return items.sort((a, b) => b.score - a.score || a.row - b.row);
}
