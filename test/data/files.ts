import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { DuckDBInstance } from '@duckdb/node-api';
import type { Message } from '../../src/core/message.ts';
import { type DataRecord, openRecords, type RecordsOptions } from '../../src/data/records.ts';

/** A folder of real files for one test file. */
export class TestFolder {
  path = '';

  async create(): Promise<void> {
    this.path = await mkdtemp(join(tmpdir(), 'bertune-test-'));
  }

  async remove(): Promise<void> {
    await rm(this.path, { recursive: true, force: true });
  }

  /** Writes a file (gzipped when its name ends in .gz) and gives its path. */
  async write(name: string, content: string | Buffer): Promise<string> {
    const path = join(this.path, name);
    const bytes = Buffer.from(content as string);
    await writeFile(path, name.endsWith('.gz') ? gzipSync(bytes) : bytes);
    return path;
  }

  /** Writes the result of a query as Parquet. */
  async writeParquet(name: string, query: string): Promise<string> {
    const path = join(this.path, name);
    await runSql(`COPY (${query}) TO '${path}' (FORMAT parquet)`);
    return path;
  }
}

export async function runSql(sql: string): Promise<unknown[][]> {
  const instance = await DuckDBInstance.create(':memory:');
  const connection = await instance.connect();
  const rows = (await connection.runAndReadAll(sql)).getRowsJson();
  connection.closeSync();
  instance.closeSync();
  return rows;
}

export async function readAll(
  files: string | readonly string[],
  options: Partial<RecordsOptions> = {},
): Promise<{ rows: DataRecord[]; invalidUtf8: number; columns: readonly string[]; notes: string[] }> {
  const notes: string[] = [];
  const onNote = (line: Message, about: string) => about === 'files' && notes.push(String(line));
  const records = await openRecords({ files: [files].flat(), flag: '--corpus', onNote, ...options });
  try {
    const rows: DataRecord[] = [];
    for await (const batch of records.batches()) rows.push(...batch);
    return { rows, invalidUtf8: records.invalidUtf8, columns: records.columns, notes };
  } finally {
    await records.close();
  }
}

export async function textsOf(files: string | readonly string[], options: Partial<RecordsOptions> = {}) {
  return (await readAll(files, options)).rows.map(({ text }) => text);
}
