import { basename, join } from 'node:path';
import { type DuckDBConnection, DuckDBInstance, type DuckDBType, type DuckDBValue } from '@duckdb/node-api';
import { messageOf } from '../core/errors.ts';
import { removeFolder, temporaryFolder } from '../core/files.ts';
import { throwIfAborted } from '../core/interrupt.ts';

/** A DuckDB of this process with a temporary folder of its own, for what it spills and what is written beside it. */
export class Database {
  /** Removed with everything in it when the database is closed. */
  readonly folder: string;
  readonly #instance: DuckDBInstance;
  #files = 0;
  /** Those with a query that may still run. */
  readonly #busy = new Set<DuckDBConnection>();

  private constructor(instance: DuckDBInstance, folder: string) {
    this.#instance = instance;
    this.folder = folder;
  }

  /** @param file Name inside the temporary folder of a database on disk; without it, the database is in memory. */
  static async open(file?: string): Promise<Database> {
    const folder = temporaryFolder();
    try {
      const path = file === undefined ? ':memory:' : join(folder, file);
      const instance = await DuckDBInstance.create(path, {
        threads: '2',
        memory_limit: '1GB',
        temp_directory: join(folder, 'spill'),
        preserve_insertion_order: 'true',
        // Nothing is fetched that nobody asked for.
        autoinstall_known_extensions: 'false',
      });
      return new Database(instance, folder);
    } catch (error) {
      removeFolder(folder);
      throw error;
    }
  }

  connect(): Promise<DuckDBConnection> {
    return this.#instance.connect();
  }

  /**
   * Chunks of rows as DuckDB produces them, in order; the result as a whole is never in memory.
   * @throws what DuckDB throws, also in the middle of the rows.
   */
  async *rows(select: string): AsyncGenerator<DuckDBValue[][]> {
    const connection = await this.connect();
    try {
      // A stream that fails midway ends like a complete one: the bindings do not hand its error on. So a last row says
      // that the rows are complete, and without it the query is run once more in a way that does report.
      const result = await connection.stream(`(FROM (${select}\n)) UNION ALL BY NAME (SELECT true AS ${endMark})`);
      let isComplete = false;
      for await (const rows of result.yieldRows()) {
        if (rows.at(-1)?.at(-1) === true) {
          rows.pop();
          isComplete = true;
        }
        if (rows.length > 0) yield rows;
      }
      if (isComplete) return;
      await connection.run(`SELECT bit_xor(hash(part)) FROM (${select}\n) AS part`);
      throw new Error('the rows ended early');
    } finally {
      connection.closeSync();
    }
  }

  /** A path in the temporary folder that no one else was given. */
  newFile(): string {
    this.#files++;
    return join(this.folder, `file${this.#files}`);
  }

  /** All rows of a small result. */
  async all(sql: string): Promise<DuckDBValue[][]> {
    const connection = await this.connect();
    this.#busy.add(connection);
    try {
      return (await connection.runAndReadAll(sql)).getRows();
    } finally {
      this.#busy.delete(connection);
      connection.closeSync();
    }
  }

  /** Types of a query's columns. */
  async types(select: string): Promise<readonly DuckDBType[]> {
    const connection = await this.connect();
    try {
      return (await connection.runAndReadAll(`FROM (${select}\n) LIMIT 0`)).columnTypes();
    } finally {
      connection.closeSync();
    }
  }

  /** Paths of the files that match a pattern with *, ?, [] or **; hidden files only where it names them. */
  async glob(pattern: string): Promise<string[]> {
    const rows = await this.all(`SELECT file FROM glob(${quoted(pattern)})`);
    const showsHidden = basename(pattern).startsWith('.');
    const files = rows.map(([file]) => String(file).replace(/^\.\//, ''));
    return files.filter((file) => showsHidden || !basename(file).startsWith('.'));
  }

  /** Stops what still runs, too. */
  async close(): Promise<void> {
    for (const connection of this.#busy) connection.interrupt();
    this.#instance.closeSync();
    removeFolder(this.folder);
  }
}

/** Runs a statement until the signal. @throws what DuckDB throws; InterruptedError */
export async function runUntilAborted(connection: DuckDBConnection, sql: string, signal?: AbortSignal): Promise<void> {
  throwIfAborted(signal);
  const interrupt = () => connection.interrupt();
  signal?.addEventListener('abort', interrupt);
  try {
    await connection.run(sql);
  } catch (error) {
    throwIfAborted(signal);
    throw error;
  } finally {
    signal?.removeEventListener('abort', interrupt);
  }
}

const endMark = '"all rows read"';

/** A string as an SQL literal. */
export function quoted(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}

/** The path of one file as an SQL literal; DuckDB would take an unescaped `[`, `*` or `?` in it as a pattern. */
export function quotedFile(path: string): string {
  // And `~` at its start for the user's home.
  return quoted(path.replace(/^~/, './~').replace(/[[*?]/g, '[$&]'));
}

/** A name as an SQL identifier. */
export function identifier(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

/** What DuckDB complained about, in one line. */
export function firstLine(error: unknown): string {
  const [line = ''] = messageOf(error).split('\n');
  return line.replace('Failed to extract statements: ', '').trim();
}
