import type { DuckDBValue } from '@duckdb/node-api';
import { BertuneError, counted, UsageError } from '../core/errors.ts';
import { type Message, type Origin, say, setting } from '../core/message.ts';
import { withoutSecrets } from '../remote/address.ts';
import { type Column, isNumeric, kindTitles } from './columnKinds.ts';
import { Database } from './duckdb.ts';
import { openPart } from './openPart.ts';
import type { Part } from './recordRows.ts';
import { type OnFetch, RemoteCopies } from './remoteCopies.ts';
import { findSources } from './source.ts';
import { UnreadableValueError } from './unreadableValue.ts';
import type { ValueReader } from './values.ts';

/** Numeric columns of a table, in memory. */
export interface NumberTable {
  readonly columns: readonly string[];
  /** The other columns and why they were left out, where none were asked for: `b ("NA" in row 51)`. */
  readonly leftOut?: string;
  readonly rows: number;
  /** Row-major [rows, columns]. */
  readonly values: Float64Array;
}

export interface NumbersOptions {
  /** One file that DuckDB reads, or a query. */
  readonly file: string;
  /** Without it, every column that holds numbers alone. */
  readonly columns?: readonly string[];
  /** Whether the columns are those of a model rather than the caller's choice. */
  readonly isOfModel?: boolean;
  /** What a message calls the option that names the file. */
  readonly flag: Origin;
  /** Told which files were left out or are not what their names say. */
  readonly onNote?: (line: Message) => void;
  readonly onFetch?: OnFetch;
}

/**
 * Reads numeric columns of a CSV, TSV, JSON Lines or Parquet file, or of a query, in the order of the rows.
 *
 * @throws UsageError for files or columns that are not there; BertuneError for a value that is no number, by row
 */
export async function readNumbers(options: NumbersOptions): Promise<NumberTable> {
  const database = await Database.open();
  try {
    return await readWith(database, options);
  } finally {
    await database.close();
  }
}

async function readWith(database: Database, options: NumbersOptions): Promise<NumberTable> {
  const { file, columns, flag, onNote, onFetch } = options;
  const { sources, notes } = await findSources([file], flag, database);
  for (const line of notes) onNote?.(line);
  const [source] = sources;
  if (!source || sources.length > 1) {
    throw new UsageError(
      say`${flag}: ${withoutSecrets(file)} names ${counted(sources.length, 'file')}; give one, or a query over all`,
    );
  }
  const part = await openPart(source, 0, flag, database, onNote, undefined, new RemoteCopies(database.folder, onFetch));
  if (!part) throw new BertuneError(say`${flag}: ${withoutSecrets(file)} is empty`);
  if (part.isPlainText)
    throw new UsageError(say`${flag}: ${part.name} holds lines of text; give a .csv or .parquet file`);
  const names = columns ?? part.table.columns.filter(isNumeric).map(({ name }) => name);
  checkColumns(part, names, options);
  const others = columns ? [] : part.table.columns.filter((column) => !isNumeric(column));
  const leftOut = others.length > 0 ? others.slice(0, 12).map(reasonOf).join(', ') : undefined;
  const more = others.length > 12 ? `, and ${others.length - 12} more` : '';
  try {
    return { ...(await readColumns(database, part, names, options)), leftOut: leftOut && `${leftOut}${more}` };
  } catch (error) {
    throw error instanceof BertuneError ? error : await part.failure(error);
  }
}

/** A column and why it is none of numbers. */
function reasonOf({ name, kind, sample }: Column): string {
  if (!sample?.odd) return `${name} (${kindTitles[kind]})`;
  const { value, row } = sample.odd;
  return `${name} (${JSON.stringify(value.slice(0, 40))} in row ${row}${commaOf(value.trim())})`;
}

/** What a comma in a number is, as far as it can be told: "1,500" may be one and a half or fifteen hundred. */
function commaOf(value: string): string {
  if (/^[+-]?[1-9]\d{0,2},\d{3}$/.test(value)) return ', a comma of decimals or of thousands';
  return /^[+-]?\d+,\d+$/.test(value) ? ', a decimal comma' : '';
}

function checkColumns(part: Part, names: readonly string[], { flag, isOfModel }: NumbersOptions): void {
  const known = part.table.columns.map(({ name }) => name);
  const listed = known.slice(0, 12).join(', ') + (known.length > 12 ? `, and ${known.length - 12} more` : '');
  const missing = names.find((name) => !known.includes(name));
  if (missing !== undefined && isOfModel) {
    throw new UsageError(
      say`${flag}: ${part.name} has no column "${missing}", which the model was trained on; its columns are ${listed}`,
    );
  }
  if (missing !== undefined) {
    throw new UsageError(
      say`${setting('columns')}: ${flag} ${part.name} has no column "${missing}"; its columns are ${listed}`,
    );
  }
  const twice = names.find((name, i) => names.indexOf(name) !== i);
  if (twice !== undefined) throw new UsageError(say`${setting('columns')} names "${twice}" twice`);
  if (names.length === 0) {
    throw new UsageError(
      say`${flag}: ${part.name} has no column of numbers (its columns are ${listed}); name them with ${setting('columns')}`,
    );
  }
}

async function readColumns(
  database: Database,
  part: Part,
  names: readonly string[],
  { flag, isOfModel }: NumbersOptions,
): Promise<NumberTable> {
  const readers = names.map((name) => part.table.reader(name));
  let values = new Float64Array(1024 * names.length);
  let rows = 0;
  for await (const chunk of database.rows(part.table.select(names))) {
    for (const row of chunk) {
      if ((rows + 1) * names.length > values.length) {
        const grown = new Float64Array(2 * values.length);
        grown.set(values);
        values = grown;
      }
      for (let c = 0; c < names.length; c++) {
        const value = valueAt(readers[c], row[c] ?? null);
        const number = value === null || String(value).trim() === '' ? Number.NaN : Number(String(value));
        if (!(Math.abs(number) <= largestNumber)) {
          const fault = faultOf(value === null ? null : String(value), names[c] ?? '', rows + 1);
          const wayOut = isOfModel ? '' : say`choose other ${setting('columns')}, or `;
          throw new BertuneError(
            say`${flag}: ${part.name} ${fault}; ${wayOut}leave such rows out with ${setting('query', 'a query')}`,
          );
        }
        values[rows * names.length + c] = number;
      }
      rows++;
    }
  }
  if (rows === 0) throw new BertuneError(say`${flag}: ${part.name} has no rows`);
  return { columns: names, rows, values: values.slice(0, rows * names.length) };
}

/** A value that is a list or object is no number either. */
function valueAt(reader: ValueReader | undefined, value: DuckDBValue): string | number | null {
  try {
    return reader?.key(value) ?? null;
  } catch (error) {
    if (error instanceof UnreadableValueError) return String(value);
    throw error;
  }
}

/** Of larger ones the deviation is infinite. */
const largestNumber = 1e150;

function faultOf(value: string | null, column: string, row: number): string {
  const reason = Number.isFinite(Number(value)) ? `is beyond ${largestNumber}` : 'is no number';
  const what =
    value === null || value.trim() === '' ? 'no value' : `${JSON.stringify(value.slice(0, 40))}, which ${reason},`;
  return `has ${what} in column "${column}" of row ${row}`;
}

/** The columns' names for a message: `3 columns (a, b, c)`. */
export function shownColumns({ columns }: NumberTable): string {
  const more = columns.length > 12 ? `, and ${columns.length - 12} more` : '';
  return `${counted(columns.length, 'column')} (${columns.slice(0, 12).join(', ')}${more})`;
}

/** What a message says of the columns that were left out. */
export function leftOut({ leftOut }: NumberTable): string {
  return leftOut === undefined ? '' : `; left out: ${leftOut}`;
}

/** What brings each column to mean 0 and deviation 1. */
export interface Scaling {
  readonly mean: readonly number[];
  readonly deviation: readonly number[];
}

/** The scaling of the rows from `from` up to `to`; a column that does not vary gets a deviation of 1. */
export function scalingOf({ columns, values }: NumberTable, from: number, to: number): Scaling {
  const width = columns.length;
  const mean = columns.map((_, c) => {
    let sum = 0;
    for (let row = from; row < to; row++) sum += values[row * width + c] as number;
    return sum / (to - from);
  });
  const deviation = mean.map((centre, c) => {
    let sum = 0;
    for (let row = from; row < to; row++) sum += ((values[row * width + c] as number) - centre) ** 2;
    const found = Math.sqrt(sum / (to - from));
    return found > 1e-12 * Math.abs(centre) ? found : 1;
  });
  return { mean, deviation };
}

/** (value - mean) / deviation, column by column. */
export function standardize({ columns, values }: NumberTable, { mean, deviation }: Scaling): Float32Array {
  const width = columns.length;
  return Float32Array.from(values, (value, i) => {
    return (value - (mean[i % width] as number)) / (deviation[i % width] as number);
  });
}
