import { open } from 'node:fs/promises';
import { extname } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { BOOLEAN, DuckDBListValue, FLOAT, LIST, listValue, VARCHAR } from '@duckdb/node-api';
import { UsageError } from '../core/errors.ts';
import { firstNotFinite, NotFiniteError } from '../core/finite.ts';
import { throwIfAborted } from '../core/interrupt.ts';
import { say, setting } from '../core/message.ts';
import { Database, quoted, runUntilAborted } from './duckdb.ts';
import { checkOutputFile, writeOutputFile } from './outputFile.ts';
import type { CellValue, FileColumn } from './rowFile.ts';

/** A vector, float32, with what is known of what it stands for: the same of every row. */
export interface VectorRow {
  readonly id?: string | number;
  readonly text?: string;
  readonly label?: string;
  readonly vector: Float32Array;
}

/**
 * Writes embeddings to `.parquet` (columns id, text and label where any row has one, vector FLOAT[]) or `.jsonl` (the same names).
 * Memory does not grow with the rows; the file appears when it is complete.
 * @param signal stops the writing, and the sending of a file that is to be elsewhere
 * @returns the number of rows.
 * @throws UsageError for another ending or a place that cannot be written to, BertuneError when the disk is full,
 * NotFiniteError for a vector with NaN or an infinite number, InterruptedError.
 */
export async function writeVectors(
  path: string,
  rows: AsyncIterable<VectorRow>,
  signal?: AbortSignal,
): Promise<number> {
  const write = writerFor(path);
  return writeOutputFile(
    path,
    async (partial) => {
      const count = await write(partial, finiteRows(rows), signal);
      throwIfAborted(signal);
      return count;
    },
    signal,
  );
}

/** The rows as they are. @throws NotFiniteError as `writeVectors` */
export async function* finiteRows(rows: AsyncIterable<VectorRow>): AsyncGenerator<VectorRow> {
  let number = 0;
  for await (const row of rows) {
    number++;
    const at = firstNotFinite(row.vector);
    if (at >= 0) throw new NotFiniteError(`the vector of row ${number} holds ${row.vector[at]}, which is no number`);
    yield row;
  }
}

/**
 * Checks an output path before there is any work.
 * @throws UsageError for an ending that is not known or a place that cannot be written to
 */
export async function checkVectorPath(path: string): Promise<void> {
  writerFor(path);
  await checkOutputFile(path);
}

type Writer = (path: string, rows: AsyncIterable<VectorRow>, signal?: AbortSignal) => Promise<number>;

function writerFor(path: string): Writer {
  switch (extname(path).toLowerCase()) {
    case '.parquet':
      return writeParquet;
    case '.jsonl':
      return writeJsonLines;
    default:
      throw new UsageError(say`${setting('output')}: vectors are written to .parquet or .jsonl, not to ${path}`);
  }
}

async function writeParquet(path: string, rows: AsyncIterable<VectorRow>, signal?: AbortSignal): Promise<number> {
  // On disk, so that the rows need not fit into memory.
  const database = await Database.open('vectors.duckdb');
  try {
    const connection = await database.connect();
    await connection.run('CREATE TABLE vectors (id VARCHAR, text VARCHAR, label VARCHAR, vector FLOAT[])');
    const appender = await connection.createAppender('vectors');
    const floats = LIST(FLOAT);
    let count = 0;
    let areIntegers = true;
    const present = new Set<string>();
    for await (const { id, text, label, vector } of rows) {
      areIntegers &&= id === undefined || Number.isSafeInteger(id);
      for (const [name, value] of Object.entries({ id, text, label })) {
        if (value === undefined) appender.appendNull();
        else appender.appendVarchar(String(value));
        if (value !== undefined) present.add(name);
      }
      appender.appendList(listValue(Array.from(vector)), floats);
      appender.endRow();
      if (++count % 2048 === 0) appender.flushSync();
    }
    appender.closeSync();
    const columns = [
      present.has('id') ? `CAST(id AS ${areIntegers ? 'BIGINT' : 'VARCHAR'}) AS id` : [],
      ['text', 'label'].filter((name) => present.has(name)),
      'vector',
    ].flat();
    const copy = `COPY (SELECT ${columns.join(', ')} FROM vectors) TO ${quoted(path)} (FORMAT parquet)`;
    await runUntilAborted(connection, copy, signal);
    connection.closeSync();
    return count;
  } finally {
    await database.close();
  }
}

async function writeJsonLines(path: string, rows: AsyncIterable<VectorRow>): Promise<number> {
  let count = 0;
  async function* lines(): AsyncGenerator<string> {
    for await (const { id, text, label, vector } of rows) {
      count++;
      yield `${JSON.stringify({ id, text, label, vector: Array.from(vector, shortest) })}\n`;
    }
  }
  // Opened first: a stream that opens by itself might still create the file after a failure was cleaned up.
  const file = await open(path, 'w');
  await pipeline(lines(), file.createWriteStream());
  return count;
}

/** A float32 in the nine digits that identify it, rather than the seventeen of the double it is held in. */
function shortest(value: number): number {
  return Number(value.toPrecision(9));
}

/** The columns of a table that keeps vectors with all that is known of them. */
export const vectorColumns: readonly FileColumn[] = [
  { name: 'id', type: VARCHAR },
  { name: 'isNumber', type: BOOLEAN },
  { name: 'text', type: VARCHAR },
  { name: 'label', type: VARCHAR },
  { name: 'vector', type: LIST(FLOAT) },
];

/** Vectors as rows of that table. @throws NotFiniteError as `writeVectors` */
export async function* vectorCells(rows: AsyncIterable<VectorRow>): AsyncGenerator<CellValue[][]> {
  for await (const { id, text, label, vector } of finiteRows(rows)) {
    const name = id === undefined ? null : String(id);
    yield [[name, typeof id === 'number', text ?? null, label ?? null, listValue(Array.from(vector))]];
  }
}

/** The vectors that such rows hold. */
export async function* vectorsOfCells(
  batches: AsyncIterable<readonly (readonly CellValue[])[]>,
): AsyncGenerator<VectorRow> {
  const textOf = (value: CellValue | undefined) => (typeof value === 'string' ? value : undefined);
  for await (const batch of batches) {
    for (const [name, isNumber, text, label, vector] of batch) {
      const id = textOf(name);
      const items = vector instanceof DuckDBListValue ? vector.items : [];
      yield {
        ...{ id: id !== undefined && isNumber === true ? Number(id) : id, text: textOf(text), label: textOf(label) },
        vector: Float32Array.from(items.map(Number)),
      };
    }
  }
}
