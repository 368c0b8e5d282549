import { BertuneError, counted, UsageError } from '../core/errors.ts';
import { formatBytes } from '../core/memory.ts';
import { type Message, type Origin, say, setting } from '../core/message.ts';
import type { RemoteObject } from '../remote/objects.ts';
import type { Column } from './columnKinds.ts';
import {
  type ColumnChoice,
  type ColumnOptions,
  checkNoneNested,
  chooseColumns,
  columnsLine,
  findColumn,
  namesTaken,
  type SeveralLabels,
} from './columns.ts';
import { Database } from './duckdb.ts';
import { type OnNote, openPart } from './openPart.ts';
import { countOf, type DataRecord, limited, type Part, recordsOf } from './recordRows.ts';
import { mostCopied, type OnFetch, RemoteCopies } from './remoteCopies.ts';
import { filesByPart, type ReadPart } from './sharedFiles.ts';
import { findSources, type Source } from './source.ts';
import type { Table } from './table.ts';
import { openWholeRows, type WholeRows } from './wholeRows.ts';

export type { DataRecord, Part } from './recordRows.ts';

export interface RecordsOptions extends ColumnOptions {
  /** Files, globs, folders, or queries that start with SELECT, WITH or FROM; read in this order. */
  readonly files: readonly string[];
  /** The CLI flag that named the files, for messages: `--corpus`. */
  readonly flag: Origin;
  /** Most records that are read. */
  readonly limit?: number;
  /** Read only this part of the files, where there are enough of them; else all, and the caller deals out the rows. */
  readonly part?: ReadPart;
  /** Whether there may be a column of second texts: then every text is a pair (see `pairText`). */
  readonly readsPairs?: boolean;
  /**
   * Told in one line each which files were left out or are not what their names say, and which columns were taken and
   * which were left out; of lines of text there are no columns to tell of.
   */
  readonly onNote?: OnNote;
  /** Hears how far the copying of a file is that is not on this machine. */
  readonly onFetch?: OnFetch;
}

/** An opened corpus or labeled set; close it when done. */
export interface Records {
  /** Columns of the (first) file. */
  readonly columns: readonly string[];
  readonly textColumn: string;
  /** Of the second text, where each text is a pair (see `pairText`). */
  readonly pairColumn?: string;
  readonly labelColumn?: string;
  readonly choice: ColumnChoice;
  /** What was taken of the columns, and what was left out and why, in one line; absent for lines of text. */
  readonly taken?: string;
  /** Columns of the (first) file that are not read. */
  readonly leftOut: readonly Column[];
  /** Names and sizes of all files, where a part of them is read; absent where all are. */
  readonly sharedFiles?: readonly (readonly [name: string, bytes: number])[];
  /** What was opened, with the encoding of what is text. */
  readonly sources: readonly { readonly name: string; readonly encoding?: string }[];
  /** How many U+FFFD stand for bytes that were not UTF-8, as far as was read. */
  readonly invalidUtf8: number;
  /**
   * The records in the files' order, a few thousand at a time, from the beginning at every call. Blank lines of text
   * files are left out; a null text is ''.
   * @throws BertuneError when a file turns out malformed.
   */
  batches(): AsyncGenerator<DataRecord[]>;
  /** How many rows there are, lines without text counted in; undefined for queries, which may take long to run twice. */
  count(): Promise<number | undefined>;
  /** The same rows with all of their columns. */
  whole(): Promise<WholeRows>;
  close(): Promise<void>;
}

/**
 * Opens text files, tables or queries for streaming: memory does not grow with their size. Text that is not UTF-8 is
 * read with U+FFFD in place of what cannot be decoded, and counted.
 * @throws UsageError for files or columns that are not there, BertuneError for files that cannot be read.
 */
export async function openRecords(options: RecordsOptions): Promise<Records> {
  if (options.pairColumn !== undefined && options.readsPairs !== true)
    throw new UsageError(say`${options.flag} are single texts here; leave out ${setting('pairColumn')}`);
  const database = await Database.open();
  try {
    return await openWith(database, options);
  } catch (error) {
    await database.close();
    throw error;
  }
}

/** Files of which each is told that it is not what its name says; the rest are counted. */
const mostTold = 5;

async function openWith(database: Database, options: RecordsOptions): Promise<Records> {
  const { sources: all, notes } = await findSources(options.files, options.flag, database);
  for (const line of notes) options.onNote?.(line, 'files');
  const shared = options.part && (await filesByPart(all, options.part.of));
  const own = shared?.[(options.part?.index ?? 0) - 1]?.map(({ source }) => source);
  // Columns are chosen by the first table, whichever part has it.
  const sources: readonly Source[] = own ? [...firstTables(all, own), ...own] : all;
  const size = copiedSize(sources);
  if (size > toldBytes) {
    const most = size > mostCopied ? `, at most ${formatBytes(mostCopied)} at a time` : '';
    options.onNote?.(
      say`${options.flag}: what is not on this machine is copied to ${database.folder} while it is read: ${formatBytes(size)}${most}`,
      'files',
    );
  }
  const opened: Part[] = [];
  const parts: Part[] = [];
  const first = new Map<string, Table>();
  let told = 0;
  const onNote = (line: Message, about: 'files' | 'columns') => {
    told++;
    if (told <= mostTold) options.onNote?.(line, about);
  };
  const copies = new RemoteCopies(database.folder, options.onFetch);
  const beside = sources.length - (own?.length ?? sources.length);
  for (const [i, source] of sources.entries()) {
    if (i < beside && opened.length > 0) continue;
    copies.expect(sources.slice(i).flatMap(copiedOf));
    const like = source.kind === 'file' ? first.get(source.format) : undefined;
    const part = await openPart(source, opened.length, options.flag, database, onNote, like, copies);
    if (part === undefined) continue;
    opened.push(part);
    if (i >= beside) parts.push(part);
    if (source.kind === 'file' && !like) first.set(source.format, part.table);
  }
  if (told > mostTold) {
    const more = counted(told - mostTold, 'more file is', 'more files are');
    options.onNote?.(say`${options.flag}: ${more} not what the name says`, 'files');
  }
  const main = opened.find((part) => !part.isPlainText) ?? opened[0];
  const sharedFiles = shared?.flat().map(({ name, bytes }) => [name, bytes] as const);
  if (main === undefined && sharedFiles) return noRecords(sharedFiles, database);
  if (main === undefined) throw emptyError(sources, options.flag);
  if (main.isPlainText && options.needLabel === true) {
    throw new UsageError(
      say`${options.flag}: ${main.name} holds lines of text without labels; give a .csv, .tsv, .jsonl or .parquet file with a label column`,
    );
  }
  const choice = await chooseColumns(main.table, options, main.place);
  const choices: ColumnChoice[] = [];
  for (const part of parts) choices.push(part === main ? choice : await sameColumns(part, choice, options.several));
  const taken = main.isPlainText ? undefined : takenLine(main, choice);
  if (taken !== undefined) options.onNote?.(say`${main.place}: ${taken}`, 'columns');
  const ofParts = parts.reduce((sum, part) => sum + part.invalidUtf8, 0);
  let ofValues = 0;
  const onReplaced = (count: number) => {
    ofValues += count;
  };
  return {
    columns: main.table.columns.map(({ name }) => name),
    textColumn: choice.text,
    pairColumn: choice.pair,
    labelColumn: choice.label,
    taken,
    choice,
    sharedFiles,
    leftOut: main.table.columns.filter(({ name }) => !namesTaken(choice).includes(name)),
    sources: parts.map(({ name, encoding }) => ({ name, encoding })),
    get invalidUtf8() {
      return ofParts + ofValues;
    },
    batches() {
      ofValues = 0;
      return limited(
        recordsOf(parts, choices, database, onReplaced, options.several),
        options.limit ?? Number.POSITIVE_INFINITY,
      );
    },
    count: () => countOf(parts, choices, database),
    whole: () => openWholeRows(parts, choices, database),
    close: () => database.close(),
  };
}

/** Those of a part whose files are all empty. */
function noRecords(sharedFiles: Records['sharedFiles'], database: Database): Records {
  const choice = { text: 'text' };
  return {
    ...{ columns: ['text'], textColumn: 'text', choice, leftOut: [], sources: [], invalidUtf8: 0, sharedFiles },
    async *batches() {},
    count: async () => 0,
    whole: () => openWholeRows([], [], database),
    close: () => database.close(),
  };
}

/** Files with columns that stand before the first one of a part; none where none has columns, as of lines of text. */
function firstTables(all: readonly Source[], own: readonly Source[]): Source[] {
  const tables = all.filter((source) => source.kind !== 'file' || source.format !== 'text');
  const first = tables.findIndex((source) => own.includes(source));
  return first < 0 ? tables : tables.slice(0, first);
}

/** What a source has copied, unless it is read where it lies. */
function copiedOf(source: Source): RemoteObject[] {
  return source.kind === 'file' && source.remote && source.format !== 'parquet' ? [source.remote] : [];
}

function copiedSize(sources: readonly Source[]): number {
  return sources.flatMap(copiedOf).reduce((sum, { bytes = 0 }) => sum + bytes, 0);
}

/** Copies of less are not worth a word. */
const toldBytes = 100e6;

function emptyError(sources: readonly Source[], flag: Origin): BertuneError {
  const [first] = sources;
  const name = first?.kind === 'file' ? first.path : first?.kind === 'database' ? first.name : 'query';
  return new BertuneError(say`${flag}: ${name} is empty${sources.length > 1 ? ', and so are the other files' : ''}`);
}

function takenLine({ table }: Part, choice: ColumnChoice): string {
  const layout = table.layout === undefined ? '' : `read as ${table.layout}; `;
  return `${layout}${columnsLine(table, choice)}`;
}

/** The same columns in a further file. Lines of text have no names: they are the text, whatever it is called. */
async function sameColumns(
  { table, place, isPlainText }: Part,
  choice: ColumnChoice,
  several: SeveralLabels | undefined,
): Promise<ColumnChoice> {
  const { columns } = table;
  const find = (wanted: string | undefined, option: Origin) =>
    wanted === undefined ? undefined : findColumn(columns, wanted, option, place);
  const same = {
    text: isPlainText ? 'text' : findColumn(columns, choice.text, setting('textColumn'), place),
    label: find(choice.label, setting('labelColumn')),
    pair: find(choice.pair, setting('pairColumn')),
    group: find(choice.group, setting('groupColumn')),
    slice: find(choice.slice, setting('sliceColumn')),
    id: columns.find(({ name }) => name === choice.id)?.name,
    ...(choice.labels && {
      labels: choice.labels.map((wanted) => findColumn(columns, wanted, setting('labelColumns'), place)),
    }),
  };
  checkNoneNested(several ? await table.look() : columns, same, place, several);
  return same;
}
