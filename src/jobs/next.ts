import { BertuneError, counted, UsageError } from '../core/errors.ts';
import { breathe } from '../core/interrupt.ts';
import { say, setting } from '../core/message.ts';
import { randomBelow } from '../core/random.ts';
import { labelNames } from '../data/labels.ts';
import { NearDuplicates } from '../data/nearDuplicates.ts';
import { openRecords } from '../data/records.ts';
import { checkRowPath, textColumn, writeRows } from '../data/rowFile.ts';
import type { Chosen } from '../evaluation/choosing.ts';
import type { OptionsOf } from '../settings/options.ts';
import { resolve } from '../settings/resolve.ts';
import { vectorLearner } from '../tasks/learner.ts';
import { nextTexts } from '../tasks/nextTexts.ts';
import { repeatedForm } from '../text/normalize.ts';
import { auditedLabels } from './auditing/classes.ts';
import { classNumbers } from './classNumbers.ts';
import { invalidUtf8Notes } from './dataNotes.ts';
import { note } from './note.ts';
import { checkNotInput } from './predict.ts';
import { readLabels, withTexts } from './readLabels.ts';
import type { Decision, ReviewItem } from './reviewing/item.ts';
import { readReview } from './reviewing/readReview.ts';
import { checkReviewPath, writeReview } from './reviewing/writeReview.ts';
import { textVectors, withVectors } from './textVectors.ts';
import type { DataOptions, JobHooks } from './types.ts';

export interface NextOptions extends OptionsOf<'next'> {}

export interface NextResult {
  /** Texts that were chosen from. */
  readonly pool: number;
  /** Texts that have labels already, and their classes. */
  readonly labeled: number;
  readonly classes: number;
  /** Texts of the pool that repeat a labeled one, or nearly. */
  readonly known: number;
  /** What to label, what says most first. */
  readonly items: readonly ReviewItem[];
  readonly files: readonly string[];
}

/** Labels that were given. */
export interface NextLabels {
  readonly labeled: number;
  readonly classes: number;
  /** Texts without a label. */
  readonly open: number;
  readonly output: string;
}

/**
 * Chooses the texts of a pool that are worth a label next, and writes them for people to label; before there are labels,
 * too. With `apply` the labels that they gave are written as a table.
 *
 * @throws UsageError for options, paths or columns to change, or a model without vectors; InterruptedError
 */
export async function next(options: NextOptions, hooks: JobHooks = {}): Promise<NextResult | NextLabels> {
  const all = resolve('next', options);
  const { model, unlabeled, train, output, apply, format, seed, count, strategy } = all;
  if (apply !== undefined) return labelsOf(apply, output, hooks);
  if (model === undefined || unlabeled === undefined) {
    throw new UsageError(say`next needs ${setting(model === undefined ? 'model' : 'unlabeled')}`);
  }
  await checkReviewPath(output, format);
  checkNotInput(output, unlabeled, setting('unlabeled'));
  checkNotInput(output, train, setting('train'));
  const set =
    train && withTexts(await readLabels(train, setting('train'), hooks, 'single texts'), setting('train'), hooks);
  const labels = set ? labelNames(set.labels) : [];
  if (set && labels.length > 1) auditedLabels(set, setting('train'));
  const pool = await readPool(unlabeled, seed, hooks);
  const own = set?.texts ?? [];
  const texts = [...own, ...pool.map(({ text }) => text)];
  const { groups, known } = await groupsOf(texts, own.length, hooks);
  const open = Array.from(pool.keys(), (i) => own.length + i).filter((i) => !known.has(groups[i] as number));
  if (open.length === 0) throw new BertuneError(say`${setting('unlabeled')} holds no text that is not labeled yet`);
  const left = pool.length - open.length;
  if (left > 0)
    note(hooks, say`${counted(left, 'text')} left out: labeled already, or nearly the same as a labeled one`);
  const opened = await textVectors({ ...all, model }, texts, own.length > 0, hooks);
  const { engine, vectors } = withVectors(opened, model, 'next');
  const labeled = {
    texts: Int32Array.from(own.keys()),
    labels: classNumbers(set?.labels ?? [], labels, setting('train')),
    classes: labels.length,
  };
  if (labels.length < 2 && (strategy === 'margin' || strategy === 'entropy')) {
    note(
      hooks,
      say`${setting('strategy')} ${strategy} needs labels of two classes: texts that stand for many are taken, as by coverage`,
    );
  }
  const learner = vectorLearner(engine, texts, vectors, hooks.signal);
  const chosen = await nextTexts({ learner, vectors, labeled, pool: open, groups, strategy, count, seed });
  if (chosen.length < count) {
    const others = chosen.length < open.length ? 'all others are nearly the same as these' : 'there are no more';
    note(hooks, say`${counted(chosen.length, 'text')} only: ${others}`);
  }
  const items = chosen.map((one): ReviewItem => {
    const { row, id, text } = pool[one.index - own.length] as PoolText;
    return { row, ...(id === undefined ? {} : { id }), text, ...proposal(one, labels) };
  });
  const review = { items, labels, answer: 'label', canDrop: false } as const;
  const files = await writeReview(output, format, review, hooks.signal);
  return { pool: pool.length, labeled: own.length, classes: labels.length, known: left, items, files };
}

function proposal({ score, between, standsFor }: Chosen, labels: readonly string[]) {
  if (between) {
    const [first, second] = between.map((c) => labels[c] as string);
    return { likely: first, score, reason: `in doubt between ${first} and ${second}` };
  }
  const reason = standsFor === undefined ? 'by chance' : `stands for ${counted(standsFor, 'text')}`;
  return { score, reason };
}

interface PoolText {
  readonly row: number;
  readonly id?: string | number;
  readonly text: string;
}

/** Texts that are chosen from at most: of more, chance takes some. */
const mostTexts = 20_000;

async function readPool(data: DataOptions, seed: number, hooks: JobHooks): Promise<PoolText[]> {
  const flag = setting('unlabeled');
  const { labelColumn: _, groupColumn: __, ...read } = data;
  const records = await openRecords({ ...read, flag, onNote: (line) => note(hooks, line) });
  const pool: PoolText[] = [];
  const seen = new Set<string>();
  let [row, total] = [0, 0];
  try {
    for await (const batch of records.batches()) {
      await breathe(hooks.signal);
      for (const { text, id } of batch) {
        row++;
        const form = repeatedForm(text);
        if (form === '' || seen.has(form)) continue;
        seen.add(form);
        // A uniform sample of a stream (Vitter 1985).
        const place = total < mostTexts ? total : randomBelow(total + 1, seed, 'sample', total);
        total++;
        if (place < mostTexts) pool[place] = { row, ...(id === undefined ? {} : { id }), text };
      }
    }
  } finally {
    await records.close();
  }
  for (const line of invalidUtf8Notes(records.invalidUtf8, flag)) note(hooks, line);
  if (total === 0) throw new BertuneError(say`${flag} holds no text; check the file`);
  if (total > pool.length) note(hooks, say`${flag}: ${pool.length} of ${counted(total, 'text')}, taken by chance`);
  return pool.sort((a, b) => a.row - b.row);
}

/** Numbers that texts share which are nearly the same, and those of the first ones, which are labeled. */
async function groupsOf(texts: readonly string[], labeled: number, { signal }: JobHooks) {
  const near = new NearDuplicates((i) => texts[i] as string);
  for (const [i, text] of texts.entries()) {
    if (i % 1000 === 0) await breathe(signal);
    near.add(text);
  }
  const groups = Int32Array.from(texts.keys());
  for (const { members } of near.groups()) for (const member of members) groups[member] = members[0] as number;
  return { groups, known: new Set(groups.subarray(0, labeled)) };
}

async function labelsOf(apply: string, output: string, hooks: JobHooks): Promise<NextLabels> {
  await checkRowPath(output);
  checkNotInput(output, { files: [apply] }, setting('apply'));
  const decisions = await readReview(apply, setting('apply'), 'label');
  const given = decisions.filter(({ newLabel, isDropped }) => newLabel !== undefined && !isDropped);
  if (given.length === 0)
    throw new BertuneError(say`${setting('apply')} ${apply} holds no label; label some texts first`);
  const labels = new Map<string, Decision>();
  for (const decision of given) {
    const form = repeatedForm(decision.text);
    const before = labels.get(form) ?? decision;
    labels.set(form, before);
    if (before.newLabel === decision.newLabel) continue;
    throw new BertuneError(
      say`${setting('apply')} ${apply}: entries ${before.place} and ${decision.place} are one text, labeled ${before.newLabel} and ${decision.newLabel}; nothing is written`,
    );
  }
  const rows = [...labels.values()].map(({ text, newLabel = '' }) => [text, newLabel.trim()]);
  async function* all() {
    yield rows;
  }
  await writeRows(output, [textColumn('text'), textColumn('label')], all(), hooks.signal);
  const again = given.length - rows.length;
  if (again > 0) note(hooks, say`${counted(again, 'text')} of ${apply} left out that came before`);
  const open = decisions.length - given.length;
  if (open > 0) note(hooks, say`${counted(open, 'text')} of ${apply} without a label left out`);
  return { labeled: rows.length, classes: new Set(rows.map(([, label]) => label)).size, open, output };
}
