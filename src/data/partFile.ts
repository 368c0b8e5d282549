import { rm } from 'node:fs/promises';
import type { DuckDBAppender, DuckDBConnection } from '@duckdb/node-api';
import { z } from 'zod';
import { BertuneError, messageOf } from '../core/errors.ts';
import { throwIfAborted } from '../core/interrupt.ts';
import { Database, quoted } from './duckdb.ts';
import { writeOutputFile } from './outputFile.ts';
import { appendRows, type CellValue, type FileColumn } from './rowFile.ts';
import { typeName } from './rowTypes.ts';

/** What a part file says of itself. */
export interface PartHeader {
  /** The job that made it. */
  readonly job: string;
  /** From 1. */
  readonly index: number;
  readonly of: number;
  /** Of the model and of every setting that matters. */
  readonly work: string;
  /** Of what tells whether the files that were read are the same; undefined where nothing does. */
  readonly sources: string | undefined;
  /** Of all rows that were read, those of other parts, too, with every column that is kept. */
  readonly input: string;
  /** How many those are. */
  readonly total: number;
  /** Rows of this part. */
  readonly rows: number;
  readonly columns: readonly string[];
}

/** Changes with what is in a part file. */
const version = 1;
const schema = z.object({
  ...{ version: z.number(), job: z.string(), index: z.int(), of: z.int(), work: z.string() },
  sources: z.string().optional(),
  ...{ input: z.string(), total: z.int(), rows: z.int(), columns: z.array(z.string()) },
});

/**
 * Writes rows to a part file, which keeps every type: a DuckDB database. It appears when it is complete.
 *
 * @param header asked for when the rows have been written
 */
export async function writePart(
  path: string,
  columns: readonly FileColumn[],
  rows: AsyncIterable<readonly (readonly CellValue[])[]>,
  header: (rows: number) => PartHeader,
): Promise<PartHeader> {
  return writeOutputFile(path, async (partial) => {
    const database = await Database.open();
    try {
      await rm(partial, { force: true });
      const connection = await database.connect();
      await connection.run(`ATTACH ${quoted(partial)} AS part`);
      const declared = columns.map(({ type }, i) => `k${i} ${typeName(type)}`);
      await connection.run(`CREATE TABLE part.written (${declared.join(', ')})`);
      const appender = await connection.createAppender('written', 'main', 'part');
      const count = await appendRows(appender, columns, rows).catch((error: unknown) => {
        closeUnfinished(appender, connection);
        throw error;
      });
      const made = header(count);
      await connection.run('CREATE TABLE part.header (json VARCHAR)');
      await connection.run(`INSERT INTO part.header VALUES (${quoted(JSON.stringify({ version, ...made }))})`);
      // Writes all to the one file, and closes it.
      await connection.run('DETACH part');
      connection.closeSync();
      return made;
    } finally {
      await database.close();
      // What DuckDB keeps beside the file until it closes it: after a failure, for good.
      await rm(`${partial}.wal`, { force: true });
    }
  });
}

/** While either is open, so is the file. */
function closeUnfinished(appender: DuckDBAppender, connection: DuckDBConnection): void {
  try {
    appender.closeSync();
  } catch {
    // It may not be able to write the rest, which nobody wants.
  }
  connection.closeSync();
}

/** An opened part file. */
export interface OpenedPart {
  readonly header: PartHeader;
  readonly columns: readonly FileColumn[];
  /** In their order, some thousand at a time. */
  rows(): AsyncGenerator<CellValue[][]>;
}

/**
 * Opens a part file in a database. @param name how a message calls it
 * @throws BertuneError for a file that is none, is damaged, or that a newer version wrote
 */
export async function openPartFile(path: string, name: string, alias: string, database: Database): Promise<OpenedPart> {
  try {
    await database.all(`ATTACH ${quoted(path)} AS ${alias} (READ_ONLY)`);
    const [[json] = []] = await database.all(`SELECT json FROM ${alias}.header`);
    const said: unknown = JSON.parse(String(json));
    if (z.looseObject({ version: z.number() }).parse(said).version > version)
      throw new BertuneError(`${name} was written by a newer version of bertune; update it`);
    const { version: _, sources, ...rest } = schema.parse(said);
    const header = { ...rest, sources };
    const select = `SELECT * FROM ${alias}.written`;
    const types = await database.types(select);
    const columns = header.columns.map((column, i) => ({ name: column, type: types[i] as FileColumn['type'] }));
    return { header, columns, rows: () => database.rows(select) };
  } catch (error) {
    if (error instanceof BertuneError) throw error;
    const reason = messageOf(error).split('\n')[0];
    throw new BertuneError(`${name} is no whole part (${reason}); remove it and make the part again`);
  }
}

/**
 * The rows of all parts in the order in which they were read.
 *
 * @param together rows that went to one part at a time
 * @throws InterruptedError when the signal was aborted
 */
export async function* joinedRows(
  parts: readonly OpenedPart[],
  together: number,
  signal?: AbortSignal,
): AsyncGenerator<CellValue[][]> {
  const readers = parts.map((part) => new Reader(part.rows()));
  try {
    for (;;) {
      let isDone = true;
      for (const reader of readers) {
        throwIfAborted(signal);
        const rows = await reader.next(together);
        if (rows.length > 0) yield rows;
        if (rows.length === together) isDone = false;
      }
      if (isDone) return;
    }
  } finally {
    for (const reader of readers) await reader.close();
  }
}

/** Hands out rows by a number that is asked for. */
class Reader {
  readonly #batches: AsyncGenerator<CellValue[][]>;
  #rows: CellValue[][] = [];

  constructor(batches: AsyncGenerator<CellValue[][]>) {
    this.#batches = batches;
  }

  /** Fewer at the end. */
  async next(count: number): Promise<CellValue[][]> {
    while (this.#rows.length < count) {
      const more = await this.#batches.next();
      if (more.done) break;
      this.#rows = this.#rows.concat(more.value);
    }
    const rows = this.#rows.slice(0, count);
    this.#rows = this.#rows.slice(count);
    return rows;
  }

  async close(): Promise<void> {
    await this.#batches.return(undefined);
  }
}
