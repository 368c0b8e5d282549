import { alone } from '../core/collective.ts';
import { BertuneError, counted, UsageError } from '../core/errors.ts';
import { untilAborted } from '../core/interrupt.ts';
import { joined, type Message, say, setting } from '../core/message.ts';
import { openRecords } from '../data/records.ts';
import {
  type CellValue,
  checkNames,
  checkRowPath,
  type FileColumn,
  jsonColumn,
  numberColumn,
  textColumn,
  writeRows,
} from '../data/rowFile.ts';
import type { WholeRows } from '../data/wholeRows.ts';
import type { OptionsOf, Resolved } from '../settings/options.ts';
import { resolve } from '../settings/resolve.ts';
import { isBlank, shownText } from '../text/pair.ts';
import { answerKinds } from './answers/table.ts';
import { chunksOf } from './chunks.ts';
import { invalidUtf8Notes } from './dataNotes.ts';
import { findModel } from './findModel.ts';
import { openModel } from './model.ts';
import { refuseOtherModel } from './modelDigest.ts';
import { fetching, note } from './note.ts';
import type { OpenModel } from './openModel.ts';
import { checkPairs, noteTurned } from './pairsOfTexts.ts';
import { checkNotInput, lineReader, noTexts, stdinTexts, textsProgress } from './predict.ts';
import { refuseOtherStart } from './sameEverywhere.ts';
import { beginPart, partName } from './shardedOutput.ts';
import { type Shard, shardFor, takenBy } from './shards.ts';
import { checkAllRead, madeOf, writtenByFirst } from './sharedChunks.ts';
import { predictTagged } from './tokens/predictTagged.ts';
import { checkTagSettings, taggedFileOf } from './tokens/tagSettings.ts';
import { asksTrust } from './trust/decisions.ts';
import { type TrustedAnswers, trustedAnswers, withCostsRead } from './trust/trustedAnswers.ts';
import type { JobHooks, PredictFileResult } from './types.ts';

/**
 * Its `output` is a `.csv`, `.parquet` or `.jsonl` file; of a model that labels parts of texts also `.conll` or `.tsv`, for
 * words and tags, or `.json` with `format` label-studio.
 */
export interface PredictFileOptions extends OptionsOf<'predictFile'> {}

export type { PredictFileResult } from './types.ts';

/**
 * Labels texts and writes their rows with all columns, in their order, and the label and its probability behind them.
 *
 * @throws UsageError for a model without a classifier, or paths or columns to change; BertuneError for an input without
 * texts or a full disk; InterruptedError. Then there is no file.
 */
export async function predictFile(options: PredictFileOptions, hooks: JobHooks = {}): Promise<PredictFileResult> {
  const all = resolve('predictFile', options);
  const tagged = taggedFileOf(options);
  if (tagged) return predictTagged(options, tagged, hooks);
  const { model: path, threads, device, maxLength, int8, offline, scores } = all;
  const { output, input } = options;
  await checkRowPath(output);
  checkNotInput(output, input);
  const { onEvent, signal, collective = alone } = hooks;
  const shared = await withCostsRead(all);
  await refuseOtherStart(collective, { command: 'predict', settings: { ...shared, stdin: undefined } });
  checkAllRead(collective, input);
  const shard = shardFor(options.shard, collective);
  if (shard && !input) throw new UsageError(say`${setting('shard')} goes with ${setting('input')}`);
  const onNote = (text: string) => onEvent?.({ type: 'note', text });
  const found = await findModel(path, { offline }, hooks);
  await refuseOtherModel(collective, found);
  const part =
    shard && input
      ? await beginPart(
          {
            job: 'predictFile',
            output,
            shard,
            input,
            model: found,
            settings: { maxLength, int8, scores, ...usedOf(all), ...trustOf(shared) },
          },
          hooks,
        )
      : undefined;
  const written = shard ? partName(output, shard) : output;
  if (typeof part === 'number') return { count: part, labels: {}, added: [], output: written };
  const entities = { offsets: all.offsets, aggregation: all.aggregation };
  const using = { threads, device, maxLength, int8, offline, onNote, onEvent, signal, entities };
  const model = await openModel(found, using, collective);
  try {
    // Says that there is no classifier before anything is read.
    await model.predict([]);
    checkTagSettings(options, model);
    if (input) {
      checkPairs(model.pairs, input, setting('input'), path);
      noteTurned(model.pairs, input, path, hooks);
    }
    const rows = await openRows(options, { pairs: model.pairs, path }, hooks);
    try {
      if (model.kind === null) throw new Error('internal: a model that answers nothing');
      const kind = model.kind === 'tokenLabels' ? entityColumns : answerKinds[model.kind];
      if (scores && !kind.hasScores) {
        throw new UsageError(
          say`${setting('scores')}: ${path} answers with ${kind.title}, which has no scores of labels; leave it out`,
        );
      }
      const labels = scores ? (model.labels ?? []) : [];
      const trusted = await trustedAnswers(model, all, hooks);
      const answers = { ...trusted, columns: trusted.columns ?? kind.columns };
      const { columns, names, renamed } = addedColumns(rows.columns, answers, labels);
      if (renamed.length > 0) note(hooks, say`${rows.place} has ${joined(renamed, ', ')}`);
      for (const { name, columns: lacks } of rows.lacking) {
        note(
          hooks,
          say`${rows.place}: ${name} has no ${lacks.length === 1 ? 'column' : 'columns'} ${shortList(lacks)}: empty in its rows`,
        );
      }
      const counts = new Map<string, number>();
      const labeled = labeledRows(answers, rows, labels, counts, hooks, shard, (row) =>
        part?.onRow(row.text, row.values),
      );
      const whole = [...rows.columns, ...columns];
      if (part) checkNames(output, whole);
      return await writtenByFirst(collective, labeled, async () => {
        const count = await (part ? part.write(whole, labeled) : writeRows(output, whole, labeled, signal));
        const { promises, promised } = answers;
        const known = promises ? { promises, promised } : {};
        return { count, labels: Object.fromEntries(counts), added: names, output: written, ...known };
      });
    } finally {
      await rows.close();
    }
  } finally {
    await model.dispose();
  }
}

/** What a file holds of the answers of a model that labels parts of texts. */
const entityColumns = {
  title: 'parts of texts',
  columns: [{ name: 'entities', holds: 'json' }],
  hasScores: false,
} as const;

/** Settings of labels on tokens, as far as they were given. */
function usedOf({ offsets, aggregation }: Resolved<'predictFile'>): object {
  return { ...(offsets === 'utf-16' && { offsets }), ...(aggregation && { aggregation }) };
}

interface Row {
  readonly text: string;
  readonly values: readonly CellValue[];
}

/** What is labeled, with what is kept of it. */
interface Rows {
  readonly columns: readonly FileColumn[];
  /** What to call it in a message. */
  readonly place: Message;
  /** Files without some of the columns. */
  readonly lacking: WholeRows['lacking'];
  /** How many there are; undefined where that is not known. */
  readonly total: number | undefined;
  /** Whether its rows come one by one. */
  readonly isStream: boolean;
  items(): AsyncGenerator<Row>;
  close(): Promise<void>;
}

async function openRows(
  { input, stdin, output }: PredictFileOptions,
  { pairs, path }: Pick<OpenModel, 'pairs' | 'path'>,
  hooks: JobHooks,
): Promise<Rows> {
  if (!input) {
    const lines = stdinTexts(stdin);
    const ofLine = lineReader(pairs, path);
    return {
      columns: [textColumn('text'), ...(pairs ? [textColumn('pair')] : [])],
      ...{ place: say`standard input`, lacking: [], total: undefined, isStream: true, close: async () => {} },
      async *items() {
        let isEmpty = true;
        for await (const line of lines) {
          isEmpty = false;
          const text = ofLine(line);
          yield { text, values: Object.values(shownText(text)) };
        }
        if (isEmpty) throw new BertuneError('standard input holds no text; give it one a line');
      },
    };
  }
  const flag = setting('input');
  const records = await openRecords({
    ...{ ...input, flag, readsPairs: true },
    // All columns are kept.
    onNote: (line, about) => about === 'files' && note(hooks, line),
    onFetch: fetching(hooks),
  });
  try {
    // A folder or a glob names its files only now.
    checkNotInput(output, { files: records.sources.map(({ name }) => name) });
  } catch (error) {
    await records.close();
    throw error;
  }
  if (records.taken !== undefined)
    note(
      hooks,
      say`${flag}: text: ${records.textColumn}${records.pairColumn === undefined ? '' : `, pair: ${records.pairColumn}`}; every column is kept`,
    );
  for (const line of invalidUtf8Notes(records.invalidUtf8, flag)) note(hooks, line);
  try {
    const whole = await records.whole();
    return {
      ...{ columns: whole.columns, lacking: whole.lacking },
      place: say`${setting('input')}`,
      isStream: false,
      total: await untilAborted(records.count(), hooks.signal),
      async *items() {
        let isEmpty = true;
        for await (const batch of whole.batches()) {
          isEmpty = false;
          yield* batch;
        }
        for (const line of invalidUtf8Notes(whole.replaced, flag)) note(hooks, line);
        if (isEmpty) throw noTexts(input);
      },
      close: () => records.close(),
    };
  } catch (error) {
    await records.close();
    throw error;
  }
}

async function* labeledRows(
  answers: Columns & Pick<TrustedAnswers, 'answered'>,
  rows: Rows,
  labels: readonly string[],
  counts: Map<string, number>,
  hooks: JobHooks,
  shard: Shard | undefined,
  onRow: (row: Row) => void,
): AsyncGenerator<CellValue[][]> {
  const total = rows.total && Math.ceil(rows.total / (shard?.of ?? 1));
  const progress = textsProgress('labeling texts', total, hooks);
  let empty = 0;
  const { columns } = answers;
  const answered = (texts: string[]) => answers.answered(texts);
  const items = rows.items();
  // What comes along standard input is not waited for.
  const lists = rows.isStream ? chunksOf(items) : takenBy(items, shard, onRow);
  for await (const { items: chunk, results } of madeOf(hooks.collective ?? alone, lists, answered)) {
    const written: CellValue[][] = [];
    for (const [i, { text, values }] of chunk.entries()) {
      if (isBlank(text)) {
        empty++;
        written.push([...values, ...columns.map(() => null), ...labels.map(() => null)]);
        continue;
      }
      const answer = results[i];
      if (!answer) throw new Error('internal: a text without an answer');
      for (const label of answer.counted) counts.set(label, (counts.get(label) ?? 0) + 1);
      const of = new Map(answer.scores.map(({ label, score }) => [label, score]));
      written.push([...values, ...answer.cells, ...labels.map((label) => of.get(label) ?? null)]);
    }
    yield written;
    progress.add(chunk.length);
  }
  progress.finish();
  if (empty > 0)
    note(
      hooks,
      say`${rows.place}: ${counted(empty, 'row')} without a text: nothing is said of ${empty === 1 ? 'it' : 'them'}`,
    );
}

/** What is asked of answers, for what parts of a file have to share. */
function trustOf(all: Resolved<'predictFile'>): object {
  const { abstain, mostWrong, confidence, answered, costs, coverage, sets } = all;
  return asksTrust(all) ? { abstain, mostWrong, confidence, answered, costs, coverage, sets } : {};
}

/** What is known of the columns of answers. */
interface Columns {
  readonly columns: readonly { readonly name: string; readonly holds: keyof typeof columnOf }[];
}

const columnOf = { text: textColumn, number: numberColumn, json: jsonColumn } as const;

function shortList(names: readonly string[]): string {
  return names.length > 6 ? `${names.slice(0, 5).join(', ')} and ${names.length - 5} more` : names.join(', ');
}

/** The columns behind those of the input, under names that are free there. @throws UsageError when there is none */
function addedColumns(columns: readonly FileColumn[], kind: Columns, labels: readonly string[]) {
  const taken = new Map(columns.map(({ name }) => [name.toLowerCase(), name]));
  const renamed: Message[] = [];
  const free = (name: string) => {
    const own = taken.get(name.toLowerCase());
    const other = own === undefined ? name : `predicted_${name}`;
    const second = taken.get(other.toLowerCase());
    if (own !== undefined && second !== undefined) {
      throw new UsageError(
        say`${setting('input')} has the columns ${own} and ${second}, so there is no name for the column ${name}; rename one of them`,
      );
    }
    taken.set(other.toLowerCase(), other);
    if (own !== undefined) renamed.push(say`a column ${own} of its own: the one that is added is ${other}`);
    return other;
  };
  const added = [
    ...kind.columns.map(({ name, holds }) => columnOf[holds](free(name))),
    ...labels.map((label) => numberColumn(free(`score_${label}`))),
  ];
  return { columns: added, names: added.map(({ name }) => name), renamed };
}
