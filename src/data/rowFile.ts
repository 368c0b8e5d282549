import { extname } from 'node:path';
import {
  DOUBLE,
  type DuckDBAppender,
  type DuckDBConnection,
  type DuckDBType,
  type DuckDBValue,
  DuckDBVarCharType,
  INTEGER,
  VARCHAR,
} from '@duckdb/node-api';
import { UsageError } from '../core/errors.ts';
import { throwIfAborted } from '../core/interrupt.ts';
import { say, setting } from '../core/message.ts';
import { Database, identifier, quoted, runUntilAborted } from './duckdb.ts';
import { checkOutputFile, writeOutputFile } from './outputFile.ts';
import { asWritten, isJson, jsonAsText, typeName } from './rowTypes.ts';

export interface FileColumn {
  readonly name: string;
  readonly type: DuckDBType;
}

/** What a column holds in a row; null for nothing. */
export type CellValue = DuckDBValue;

/** A column of texts. */
export function textColumn(name: string): FileColumn {
  return { name, type: VARCHAR };
}

/** A column of float64. */
export function numberColumn(name: string): FileColumn {
  return { name, type: DOUBLE };
}

/** A column of JSON: in CSV and Parquet its text. */
export function jsonColumn(name: string): FileColumn {
  return { name, type: DuckDBVarCharType.create('JSON') };
}

/** A column of whole numbers of 32 bits. */
export function integerColumn(name: string): FileColumn {
  return { name, type: INTEGER };
}

type Kind = 'csv' | 'parquet' | 'jsonl';

/**
 * Checks the path of a table before there is any work.
 * @throws UsageError for an ending that is not known or a place that cannot be written to
 */
export async function checkRowPath(path: string): Promise<void> {
  kindOf(path);
  await checkOutputFile(path);
}

/**
 * Writes rows to `.csv`, `.parquet` or `.jsonl`, in their order. Parquet keeps types; in CSV, lists and the like are JSON.
 * Memory does not grow with the rows: until the file appears, complete, they lie in a temporary folder.
 *
 * @param rows values in the order of the columns
 * @param signal stops the writing, too
 * @returns the number of rows
 * @throws UsageError for another ending, a place that cannot be written to, or names that differ in case alone;
 * BertuneError when the disk is full; InterruptedError
 */
export async function writeRows(
  path: string,
  columns: readonly FileColumn[],
  rows: AsyncIterable<readonly (readonly CellValue[])[]>,
  signal?: AbortSignal,
): Promise<number> {
  const kind = kindOf(path);
  checkNames(path, columns);
  return writeOutputFile(
    path,
    async (partial) => {
      const database = await Database.open('rows.duckdb');
      try {
        const connection = await database.connect();
        const declared = columns.map(({ type }, i) => `k${i} ${typeName(type)}`);
        await connection.run(`CREATE TABLE written (${declared.join(', ')})`);
        const count = await appendRows(await connection.createAppender('written'), columns, rows);
        throwIfAborted(signal);
        const select = kind === 'parquet' ? await typedColumns(columns, connection) : textColumns(columns, kind);
        const format = { csv: 'csv, HEADER', parquet: 'parquet', jsonl: 'json' }[kind];
        const copy = `COPY (SELECT ${select} FROM written) TO ${quoted(partial)} (FORMAT ${format})`;
        await runUntilAborted(connection, copy, signal);
        connection.closeSync();
        return count;
      } finally {
        await database.close();
      }
    },
    signal,
  );
}

function kindOf(path: string): Kind {
  const ending = extname(path).toLowerCase().slice(1);
  if (ending === 'csv' || ending === 'parquet' || ending === 'jsonl') return ending;
  throw new UsageError(say`${setting('output')}: labels are written to .csv, .parquet or .jsonl, not to ${path}`);
}

/** @throws UsageError for names that SQL, and much that reads tables, holds for equal */
export function checkNames(path: string, columns: readonly FileColumn[]): void {
  const seen = new Map<string, string>();
  for (const { name } of columns) {
    const other = seen.get(name.toLowerCase());
    if (other !== undefined) {
      throw new UsageError(
        `${path} cannot hold the columns ${other} and ${name}, whose names differ in case alone; rename one of them`,
      );
    }
    seen.set(name.toLowerCase(), name);
  }
}

/** Appends rows, each with the values of the columns, and closes the appender. @returns how many there are */
export async function appendRows(
  appender: DuckDBAppender,
  columns: readonly FileColumn[],
  rows: AsyncIterable<readonly (readonly CellValue[])[]>,
): Promise<number> {
  let count = 0;
  for await (const batch of rows) {
    for (const values of batch) {
      for (const [i, { type }] of columns.entries()) appender.appendValue(values[i] ?? null, type);
      appender.endRow();
      // The appender keeps what was not flushed in memory.
      if (++count % 2048 === 0) appender.flushSync();
    }
  }
  appender.closeSync();
  return count;
}

function textColumns(columns: readonly FileColumn[], kind: 'csv' | 'jsonl'): string {
  return columns.map(({ name, type }, i) => `${asWritten(`k${i}`, type, kind)} AS ${identifier(name)}`).join(', ');
}

/** JSON values get the type that all of a column's have. */
async function typedColumns(columns: readonly FileColumn[], connection: DuckDBConnection): Promise<string> {
  const selected: string[] = [];
  for (const [i, { name, type }] of columns.entries()) {
    const value = isJson(type) ? await typedJson(`k${i}`, connection) : `k${i}`;
    selected.push(`${value} AS ${identifier(name)}`);
  }
  return selected.join(', ');
}

async function typedJson(column: string, connection: DuckDBConnection): Promise<string> {
  const found = await connection.runAndReadAll(
    `SELECT json_type(${column}), bool_and(try_cast(${column} AS BIGINT) IS NOT NULL) FROM written WHERE ${column} IS NOT NULL GROUP BY 1`,
  );
  const types = found.getRows().filter(([type]) => type !== 'NULL');
  const all = (...names: string[]) => types.length > 0 && types.every(([type]) => names.includes(String(type)));
  if (all('BOOLEAN')) return `CAST(${column} AS BOOLEAN)`;
  if (all('BIGINT', 'UBIGINT')) {
    return types.every(([, fits]) => fits === true) ? `CAST(${column} AS BIGINT)` : jsonAsText(column);
  }
  if (all('BIGINT', 'UBIGINT', 'DOUBLE')) return `CAST(${column} AS DOUBLE)`;
  return jsonAsText(column);
}
