import { createReadStream, createWriteStream } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';

/** What the reader of a file has to know of it. */
interface Packed {
  readonly path: string;
  readonly gzip: boolean;
}

/** A line whose end cannot be told from its values. */
export class LineEndError extends Error {
  readonly line: number;

  /** @param line from 1 */
  constructor(line: number) {
    super('has a carriage return amid lines that end otherwise; put the value that holds it in double quotes');
    this.line = line;
  }
}

/**
 * The file with one kind of line ends outside quoted values, which is what DuckDB reads: itself, or a copy with `\\n` in
 * place of `\\r\\n` where it has both.
 *
 * @param delimiter what stands between values
 * @param target file to write a copy to
 * @throws LineEndError for a lone carriage return beside other line ends
 */
export async function withEvenLines<T extends Packed>(file: T, delimiter: string, target: string): Promise<T> {
  if (!(await hasCarriageReturn(file))) return file;
  const scan = new LineScan(delimiter);
  for await (const chunk of chunksOf(file)) scan.add(chunk);
  scan.end();
  const { crlf, lf, cr } = scan.counts;
  if (cr > 0 && crlf + lf > 0) throw new LineEndError(scan.firstCr);
  if (crlf === 0 || lf === 0) return file;
  async function* evened() {
    const scan = new LineScan(delimiter);
    for await (const chunk of chunksOf(file)) {
      const parts: Buffer[] = [];
      scan.add(chunk, parts);
      yield Buffer.concat(parts);
    }
  }
  await pipeline(evened(), createWriteStream(target));
  return { ...file, path: target, gzip: false };
}

async function hasCarriageReturn(file: Packed): Promise<boolean> {
  for await (const chunk of chunksOf(file)) if (chunk.includes(carriageReturn)) return true;
  return false;
}

const newLine = Buffer.from('\n');
const [lineFeed, carriageReturn, quote] = [10, 13, 34];

/** Finds the ends of lines outside quoted values in a file that comes in chunks. */
class LineScan {
  readonly counts = { crlf: 0, lf: 0, cr: 0 };
  /** The line that the first lone carriage return is in, from 1. */
  firstCr = 0;
  readonly #separator: number;
  #isQuoted = false;
  /** After a quote in a quoted value, which may be the first of two. */
  #isAfterQuote = false;
  /** Where a value begins. */
  #isStart = true;
  #isAfterCr = false;

  constructor(delimiter: string) {
    this.#separator = delimiter.charCodeAt(0);
  }

  /** @param parts given: what the chunk holds, with `\n` for every line's end */
  add(chunk: Buffer, parts?: Buffer[]): void {
    let from = 0;
    for (let at = 0; at < chunk.length; at++) {
      const byte = chunk[at] as number;
      if (this.#isAfterCr) {
        this.#isAfterCr = false;
        this.#count(byte === lineFeed ? 'crlf' : 'cr');
        if (byte === lineFeed) {
          from = at + 1;
          continue;
        }
      }
      if (!this.#endsLine(byte)) continue;
      parts?.push(chunk.subarray(from, at), newLine);
      from = at + 1;
      this.#isStart = true;
      if (byte === lineFeed) this.#count('lf');
      else this.#isAfterCr = true;
    }
    parts?.push(chunk.subarray(from));
  }

  end(): void {
    if (this.#isAfterCr) this.#count('cr');
  }

  #count(kind: keyof LineScan['counts']): void {
    const { crlf, lf, cr } = this.counts;
    if (kind === 'cr' && cr === 0) this.firstCr = crlf + lf + 1;
    this.counts[kind]++;
  }

  #endsLine(byte: number): boolean {
    if (this.#isAfterQuote) {
      this.#isAfterQuote = false;
      if (byte === quote) return false;
      this.#isQuoted = false;
    } else if (this.#isQuoted) {
      this.#isAfterQuote = byte === quote;
      return false;
    }
    if (byte === quote && this.#isStart) this.#isQuoted = true;
    this.#isStart = byte === this.#separator;
    return byte === lineFeed || byte === carriageReturn;
  }
}

async function* chunksOf({ path, gzip }: Packed): AsyncGenerator<Buffer> {
  const stream = createReadStream(path, { highWaterMark: 1 << 20 });
  const bytes = gzip ? stream.pipe(createGunzip()) : stream;
  try {
    for await (const chunk of bytes) yield chunk as Buffer;
  } finally {
    stream.destroy();
  }
}
