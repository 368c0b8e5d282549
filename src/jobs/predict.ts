import { existsSync, realpathSync } from 'node:fs';
import { resolve as resolvePath } from 'node:path';
import { alone } from '../core/collective.ts';
import { BertuneError, counted, UsageError } from '../core/errors.ts';
import { untilAborted } from '../core/interrupt.ts';
import { say, setting } from '../core/message.ts';
import { openRecords } from '../data/records.ts';
import { isQuery } from '../data/source.ts';
import type { PairNames } from '../models/text/model.ts';
import { withoutSecrets } from '../remote/address.ts';
import type { OptionsOf } from '../settings/options.ts';
import { resolve } from '../settings/resolve.ts';
import { isBlank, shownText } from '../text/pair.ts';
import { chunksOf } from './chunks.ts';
import { invalidUtf8Notes } from './dataNotes.ts';
import { findModel } from './findModel.ts';
import { openModel } from './model.ts';
import { refuseOtherModel } from './modelDigest.ts';
import { fetching, note } from './note.ts';
import { checkPairs, noteTurned, pairOfLine } from './pairsOfTexts.ts';
import { refuseOtherStart } from './sameEverywhere.ts';
import { takenBy } from './shards.ts';
import { checkAllRead, madeOf } from './sharedChunks.ts';
import { checkTagSettings } from './tokens/tagSettings.ts';
import { trustedAnswers, withCostsRead } from './trust/trustedAnswers.ts';
import type { Answer, DataOptions, JobHooks, PredictedText } from './types.ts';

export interface PredictOptions extends OptionsOf<'predict'> {}

export interface Item {
  readonly id?: string | number;
  readonly text: string;
}

/**
 * Labels texts, in their order, streaming. Of several processes the first one gives all answers, the others none.
 *
 * @throws UsageError for a model without a classifier, or paths or columns to change
 */
export async function* predict(options: PredictOptions, hooks: JobHooks = {}): AsyncGenerator<PredictedText> {
  const onNote = (text: string) => hooks.onEvent?.({ type: 'note', text });
  const settings = resolve('predict', options);
  const { model: path, threads, device, maxLength, int8, offline } = settings;
  const { onEvent, signal, collective = alone } = hooks;
  await refuseOtherStart(collective, {
    command: 'predict',
    settings: { ...(await withCostsRead(settings)), stdin: undefined },
  });
  checkAllRead(collective, options.input);
  const found = await findModel(path, { offline }, hooks);
  await refuseOtherModel(collective, found);
  const { offsets, aggregation } = settings;
  const entities = { offsets, aggregation };
  const using = { threads, device, maxLength, int8, offline, onNote, onEvent, signal, entities };
  const model = await openModel(found, using, collective);
  let progress = textsProgress('labeling texts', undefined, hooks);
  const onTotal = (total: number) => {
    progress = textsProgress('labeling texts', total, hooks);
  };
  try {
    checkTagSettings(options, model);
    if (options.input) {
      checkPairs(model.pairs, options.input, setting('input'), path);
      noteTurned(model.pairs, options.input, path, hooks);
    }
    const all = itemsOf({ ...options, ofLine: lineReader(model.pairs, path) }, hooks, onTotal);
    // What comes along standard input is not waited for.
    const lists = options.input ? takenBy(all) : chunksOf(all);
    const answers = await trustedAnswers(model, settings, hooks);
    const answer = async (texts: string[]): Promise<(Answer & Pick<PredictedText, 'explanation'>)[]> => {
      const made = (await answers.answered(texts)).map(({ answer }) => answer);
      if (!settings.explain) return made;
      const explanations = await model.explain(texts);
      return made.map((one, i) => ({ ...one, explanation: explanations[i] }));
    };
    for await (const { items, results } of madeOf(collective, lists, answer)) {
      for (const [i, answer] of results.entries()) {
        const { id, text } = items[i] as Item;
        yield { ...(id === undefined ? {} : { id }), ...shownText(text), ...answer };
      }
      progress.add(items.length);
    }
    progress.finish();
  } finally {
    await model.dispose();
  }
}

/**
 * The texts of a job's input with their ids; what was taken of the input is told.
 *
 * @param ofLine what a line of standard input stands for
 * @param onTotal hears how many there are, where that can be told
 * @throws BertuneError for files without a text; UsageError when `output` is one of the files, found in a folder or by a glob
 */
export async function* itemsOf(
  {
    input,
    stdin,
    output,
    ofLine = (line) => line,
  }: Pick<PredictOptions, 'input' | 'stdin'> & { readonly output?: string; readonly ofLine?: (line: string) => string },
  hooks: JobHooks = {},
  onTotal?: (total: number) => void,
): AsyncGenerator<Item> {
  if (!input) {
    for await (const line of stdinTexts(stdin)) yield { text: ofLine(line) };
    return;
  }
  const flag = setting('input');
  const records = await openRecords({
    ...input,
    flag,
    readsPairs: true,
    onNote: (line) => note(hooks, line),
    onFetch: fetching(hooks),
  });
  const ofFiles = records.invalidUtf8;
  for (const line of invalidUtf8Notes(ofFiles, flag)) note(hooks, line);
  try {
    if (output !== undefined) checkNotInput(output, { files: records.sources.map(({ name }) => name) });
    const total = onTotal && (await untilAborted(records.count(), hooks.signal));
    if (total !== undefined) onTotal?.(total);
    let isEmpty = true;
    let blank = 0;
    for await (const batch of records.batches()) {
      isEmpty = false;
      for (const { id, text } of batch) {
        if (isBlank(text)) blank++;
        yield id === undefined ? { text } : { id, text };
      }
    }
    if (isEmpty) throw noTexts(input);
    // Of values that are bytes, as Parquet has them, it shows when they are read.
    for (const line of invalidUtf8Notes(records.invalidUtf8 - ofFiles, flag)) note(hooks, line);
    // Their lines stay, so that the lines of the answer are those of the input.
    if (blank > 0)
      note(
        hooks,
        say`${flag}: ${counted(blank, 'row')} without ${input.pairColumn === undefined ? 'a text' : 'one of the two texts'}: what is said of ${blank === 1 ? 'it' : 'them'} means nothing`,
      );
  } finally {
    await records.close();
  }
}

/** What a line of standard input stands for to a classifier. */
export function lineReader(pairs: PairNames | null, name: string): (line: string) => string {
  return pairs === null ? (line) => line : (line) => pairOfLine(line, pairs, name);
}

/** @throws UsageError when a file would be written that is read */
export function checkNotInput(output: string, input: DataOptions | undefined, flag = setting('input')): void {
  if (!input?.files.some((file) => placeOf(file) === placeOf(output))) return;
  throw new UsageError(say`${setting('output')} ${output} is what ${flag} reads; choose another file`);
}

/** Without links, for what is there. */
function placeOf(path: string): string {
  return existsSync(path) ? realpathSync(path) : resolvePath(path);
}

/** @throws UsageError when there are no lines to read either */
export function stdinTexts(stdin: AsyncIterable<string> | undefined): AsyncIterable<string> {
  if (stdin) return stdin;
  throw new UsageError(say`no texts: give ${setting('input')} FILE or lines on standard input`);
}

/** Of a table with a header alone, or a query without rows. */
export function noTexts({ files }: DataOptions): BertuneError {
  const name = isQuery(files[0] ?? '') ? 'the query' : files.map(withoutSecrets).join(', ');
  return new BertuneError(say`${setting('input')}: ${name} holds no text; a header alone is nothing to read`);
}

/** Tells how many of a job's texts are done. */
export function textsProgress(activity: string, total: number | undefined, { onEvent }: JobHooks) {
  let done = 0;
  const tell = (all: number | undefined) => onEvent?.({ type: 'progress', activity, done, ...(all && { total: all }) });
  return {
    add(count: number) {
      done += count;
      tell(total === undefined ? undefined : Math.max(total, done));
    },
    /** Blank lines were counted, too. */
    finish() {
      if (done > 0 && total !== undefined && done !== total) tell(done);
    },
  };
}
