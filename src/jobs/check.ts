import { UsageError } from '../core/errors.ts';
import { throwIfAborted } from '../core/interrupt.ts';
import { type Message, type Origin, say, setting } from '../core/message.ts';
import { kindTitles } from '../data/columnKinds.ts';
import type { ColumnChoice } from '../data/columns.ts';
import { type LabelReview, reviewLabels } from '../data/labelReview.ts';
import { openRecords, type Records } from '../data/records.ts';
import { type Reading, type TextReview, TextReviewer, type TokenReview } from '../data/textReview.ts';
import { inspectText } from '../hub/textFolder.ts';
import type { OptionsOf } from '../settings/options.ts';
import { resolve } from '../settings/resolve.ts';
import { loadTokenizer } from '../text/tokenizer.ts';
import { type Finding, findingsOf, heldOutFindings, type Reviewed } from './checking/findings.ts';
import { NearTexts } from './checking/nearTexts.ts';
import { findModel, readFound } from './findModel.ts';
import { activity, fetching, note } from './note.ts';
import { sequenceLength } from './textModel.ts';
import { throttled } from './training.ts';
import type { DataOptions, JobHooks } from './types.ts';
import { readWordsAlone } from './wordsPart.ts';

export interface CheckOptions extends OptionsOf<'check'> {}

export interface CheckResult {
  /** Whether nothing is wrong. */
  readonly ok: boolean;
  /** What is wrong first. `wrong`: training would learn it, or a score would not mean what it says; `note`: good to know. */
  readonly findings: readonly {
    readonly level: 'wrong' | 'note';
    readonly text: string;
    /** The text with the settings that it names apart. */
    readonly line: Message;
  }[];
  readonly data: CheckedSet;
  readonly eval?: CheckedSet;
}

/** What was found in a set of texts. */
export interface CheckedSet {
  readonly files: readonly { readonly name: string; readonly encoding?: string }[];
  /** Columns that were taken. */
  readonly columns: ColumnChoice;
  readonly leftOut: readonly { readonly name: string; readonly holds: string }[];
  readonly texts: TextReview;
  /** As the model's tokenizer reads the texts; absent without a model. */
  readonly tokens?: TokenReview;
  /** Rows without a label; absent, as `labels`, where no column of labels was taken. */
  readonly unlabeled?: number;
  readonly labels?: LabelReview;
  /** Byte sequences that could not be decoded. */
  readonly invalidUtf8: number;
}

/**
 * Looks through texts before they are worked with: what is read of the files, what training would learn that is wrong,
 * and what a model makes of them. Memory grows by some 60 bytes a text. Of the
 * first 20,000 that differ it is told which are nearly the same.
 *
 * @throws UsageError for options, paths or columns to change; BertuneError for files that cannot be read
 */
export async function check(options: CheckOptions, hooks: JobHooks = {}): Promise<CheckResult> {
  const { data, eval: held, model, maxLength, offline } = resolve('check', options);
  const reading = model === undefined ? undefined : await readingOf(model, { maxLength, offline }, hooks);
  if (maxLength !== undefined && model === undefined) {
    throw new UsageError(say`${setting('maxLength')} counts tokens; give ${setting('model')} as well`);
  }
  const near = new NearTexts();
  const first = await reviewed(data, setting('data'), near, hooks, reading);
  const second = held && (await reviewed(held, setting('eval'), near, hooks, reading, first.reviewer));
  const findings = [
    ...findingsOf(first),
    ...unlabeledFindings(first),
    ...(second ? [...heldOutFindings(second, first), ...findingsOf(second)] : []),
    ...(await near.findings(hooks.signal)),
  ].sort((a, b) => Number(a.level === 'note') - Number(b.level === 'note'));
  return {
    ok: findings.every(({ level }) => level === 'note'),
    findings: findings.map(({ level, line }) => ({ level, text: String(line), line })),
    data: first.set,
    ...(second ? { eval: second.set } : {}),
  };
}

/** Where columns are left out, one of them may be the labels. */
function unlabeledFindings({ flag, labels, set }: Looked): Finding[] {
  if (labels || set.leftOut.length === 0) return [];
  const line = say`${flag}: no column was taken for the labels; ${setting('labelColumn')} names one`;
  return [{ level: 'note', line }];
}

/** What reads the texts as a model does; undefined of a classifier on words alone. */
async function readingOf(
  name: string,
  { maxLength, offline }: Pick<CheckOptions, 'maxLength' | 'offline'>,
  hooks: JobHooks,
): Promise<Reading | undefined> {
  const found = await findModel(name, { offline }, hooks);
  if (await readWordsAlone(found)) {
    note(hooks, say`${setting('model')} ${name} reads words alone: it has no tokens to count`);
    return undefined;
  }
  const facts = await readFound(found, (folder) => inspectText(folder));
  const tokenizer = await readFound(
    found,
    async (folder, onNote) => loadTokenizer(folder, { lowerCase: facts.sentence?.lowerCase, onNote }),
    (line) => note(hooks, line),
  );
  return { tokenizer, maxLength: sequenceLength({ ...facts, tokenizer }, maxLength, name) };
}

interface Looked extends Reviewed {
  readonly set: CheckedSet;
  readonly reviewer: TextReviewer;
}

async function reviewed(
  data: DataOptions,
  flag: Origin,
  near: NearTexts,
  hooks: JobHooks,
  reading: Reading | undefined,
  known?: TextReviewer,
): Promise<Looked> {
  const records = await openRecords({
    ...{ ...data, flag, needLabel: 'if any' },
    // The columns are part of what is reported.
    onNote: (line, about) => about === 'files' && note(hooks, line),
    onFetch: fetching(hooks),
  });
  // Lines of text have no header that could come again.
  const reviewer = new TextReviewer(records.taken === undefined ? {} : records, known);
  near.begin(flag);
  const sizes = new Map<string, number>();
  let unlabeled = 0;
  let rows = 0;
  const report = throttled((done) => hooks.onEvent?.({ type: 'progress', ...activity(say`reading ${flag}`), done }));
  try {
    for await (const batch of records.batches()) {
      throwIfAborted(hooks.signal);
      for (const { text, label } of batch) {
        const isLabeled = label !== undefined && label !== '';
        reviewer.add(text, isLabeled ? label : undefined);
        near.add(text, isLabeled ? label : undefined);
        if (isLabeled) sizes.set(label, (sizes.get(label) ?? 0) + 1);
        else unlabeled++;
      }
      rows += batch.length;
      report(rows);
    }
  } finally {
    await records.close();
  }
  const { labelColumn: column, invalidUtf8 } = records;
  const labels = column === undefined ? undefined : { ...reviewLabels(column, sizes), column };
  const found = {
    texts: reviewer.review(),
    ...(reading ? { tokens: await reviewer.tokens(reading, hooks.signal) } : {}),
    ...(labels ? { labels, unlabeled } : {}),
    invalidUtf8,
  };
  return { ...found, flag, isHeld: known !== undefined, reviewer, set: { ...sourcesOf(records), ...found } };
}

function sourcesOf({ sources, choice, leftOut }: Records): Pick<CheckedSet, 'files' | 'columns' | 'leftOut'> {
  return {
    files: sources,
    columns: choice,
    leftOut: leftOut.map(({ name, kind }) => ({ name, holds: kindTitles[kind] })),
  };
}
