import { closeSync, createReadStream, existsSync, openSync, readFileSync, renameSync, writeSync } from 'node:fs';
import { basename } from 'node:path';
import { createInterface } from 'node:readline';
import { createGunzip } from 'node:zlib';
import { dataFile, workPath } from './environment.ts';

/** The lines of a corpus below BERTUNE_DATA, or a file of its first `lines` ones; 0 takes all. */
export async function corpusFile(path: string, lines: number): Promise<string> {
  const whole = dataFile(path);
  if (lines === 0) return whole;
  const part = workPath('corpora', `${lines}-${basename(path, '.gz')}`);
  if (existsSync(part)) return part;
  const writer = new LineWriter(part);
  for await (const line of linesOf(whole)) {
    writer.add(line);
    if (writer.lines === lines) break;
  }
  writer.finish();
  return part;
}

/** Lines of a file, unpacked when it ends in .gz. */
export async function* linesOf(path: string): AsyncGenerator<string> {
  const file = createReadStream(path);
  const input = path.endsWith('.gz') ? file.pipe(createGunzip()) : file;
  yield* createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY });
  file.destroy();
}

/**
 * A generated corpus of short messages, all of them different: the support messages that come with the package, two
 * halves to a line, numbered. Made once.
 */
export function generatedCorpus({ lines, bytes }: { lines?: number; bytes?: number }): string {
  const path = workPath('corpora', lines === undefined ? `generated-${bytes}-bytes.txt` : `generated-${lines}.txt`);
  if (existsSync(path)) return path;
  const stock = readFileSync('corpora/support.txt', 'utf8').split('\n').filter(Boolean);
  const pick = (i: number) => stock[i % stock.length];
  const writer = new LineWriter(path);
  for (let i = 0; lines === undefined ? writer.bytes < (bytes ?? 0) : i < lines; i++) {
    writer.add(`${pick(i)} ${pick(7 * i + Math.floor(i / stock.length))} ${i}`);
  }
  writer.finish();
  return path;
}

/** Writes lines in large pieces; the file has its name once it is whole. */
class LineWriter {
  lines = 0;
  bytes = 0;
  readonly #path: string;
  readonly #file: number;
  #pending = '';

  constructor(path: string) {
    this.#path = path;
    this.#file = openSync(`${path}.partial`, 'w');
  }

  add(line: string): void {
    this.#pending += `${line}\n`;
    this.lines++;
    if (this.#pending.length > 2 ** 20) this.#flush();
  }

  finish(): void {
    this.#flush();
    closeSync(this.#file);
    renameSync(`${this.#path}.partial`, this.#path);
  }

  #flush(): void {
    this.bytes += writeSync(this.#file, this.#pending);
    this.#pending = '';
  }
}
