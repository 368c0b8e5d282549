import { isUtf8 } from 'node:buffer';
import { createReadStream, createWriteStream } from 'node:fs';
import { pipeline } from 'node:stream';
import { pipeline as finish } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';

export type Encoding = 'utf-8' | 'utf-16le' | 'utf-16be';

export interface TextScan {
  /** Whether the file holds nothing but white space. */
  readonly blank: boolean;
  /** Whether the file is UTF-8 throughout, so that it can be read as it is. */
  readonly valid: boolean;
  /** UTF-16 when the file starts with its byte order mark. */
  readonly encoding: Encoding;
  readonly hasByteOrderMark: boolean;
  /** No line has more bytes than this. */
  readonly longestLine: number;
  /** The beginning of the file, decoded, without a byte order mark. */
  readonly head: string;
}

/** Reads a text file once, in constant memory. @throws what the file system or zlib throws. */
export async function scanText(path: string, gzip: boolean): Promise<TextScan> {
  let head = Buffer.alloc(0);
  let blank = true;
  let valid = true;
  const lines = new LineLengths();
  for await (const piece of completePieces(byteChunks(path, gzip))) {
    if (head.length < headBytes) head = Buffer.concat([head, piece.subarray(0, headBytes - head.length)]);
    if (blank) blank = isBlank(piece);
    if (valid) valid = isUtf8(piece);
    lines.add(piece);
  }
  const encoding = encodingOf(head);
  return {
    blank,
    valid: valid && encoding === 'utf-8',
    encoding,
    hasByteOrderMark: encoding !== 'utf-8' || head.subarray(0, 3).equals(byteOrderMark),
    longestLine: lines.longest,
    head: new TextDecoder(encoding).decode(head),
  };
}

/**
 * Writes the text of `path` to `target` as plain UTF-8, with U+FFFD in place of what cannot be decoded and
 * without a byte order mark.
 * @returns how many U+FFFD were put in (those already in the text are not counted).
 */
export async function repairText(path: string, gzip: boolean, encoding: Encoding, target: string): Promise<number> {
  let replaced = 0;
  async function* repaired(): AsyncGenerator<string | Buffer> {
    if (encoding !== 'utf-8') {
      const decoder = new TextDecoder(encoding);
      for await (const chunk of byteChunks(path, gzip)) {
        const text = decoder.decode(chunk, { stream: true });
        replaced += occurrences(text, '\ufffd');
        yield text;
      }
      const rest = decoder.decode();
      replaced += occurrences(rest, '\ufffd');
      yield rest;
      return;
    }
    let isFirst = true;
    for await (const piece of completePieces(byteChunks(path, gzip))) {
      const bytes = isFirst && piece.subarray(0, 3).equals(byteOrderMark) ? piece.subarray(3) : piece;
      isFirst = false;
      if (isUtf8(bytes)) {
        yield bytes;
        continue;
      }
      const text = bytes.toString('utf8');
      replaced += occurrences(text, '\ufffd') - occurrences(bytes, '\ufffd');
      yield text;
    }
  }
  await finish(repaired(), createWriteStream(target));
  return replaced;
}

const byteOrderMark = Buffer.from('\ufeff');
const headBytes = 1 << 16;
const chunkBytes = 1 << 20;

async function* byteChunks(path: string, gzip: boolean): AsyncGenerator<Buffer> {
  const file = createReadStream(path, { highWaterMark: chunkBytes });
  // The stream itself throws its error to whoever reads it; pipeline's callback would only repeat it.
  const stream = gzip ? pipeline(file, createGunzip({ chunkSize: chunkBytes }), () => {}) : file;
  for await (const chunk of stream) yield chunk as Buffer;
}

/** The same bytes, cut so that no UTF-8 sequence lies across two pieces. */
async function* completePieces(chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  let carried = Buffer.alloc(0);
  for await (const chunk of chunks) {
    const bytes = carried.length > 0 ? Buffer.concat([carried, chunk]) : chunk;
    const end = bytes.length - unfinishedBytes(bytes);
    // Copied: a stream may use its chunk's memory again.
    carried = Buffer.from(bytes.subarray(end));
    if (end > 0) yield bytes.subarray(0, end);
  }
  if (carried.length > 0) yield carried;
}

/** How many bytes at the end belong to a UTF-8 sequence that goes on after them: 0 to 3. */
function unfinishedBytes(bytes: Buffer): number {
  for (let back = 1; back <= Math.min(3, bytes.length); back++) {
    const byte = bytes[bytes.length - back] as number;
    if ((byte & 0xc0) === 0x80) continue;
    const needed = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : byte >= 0xc0 ? 2 : 1;
    return needed > back ? back : 0;
  }
  return 0;
}

/** An upper bound of the line lengths: exact where a line spans chunks, at most a chunk where it does not. */
class LineLengths {
  longest = 0;
  #current = 0;

  add(chunk: Buffer): void {
    const first = chunk.indexOf(10);
    if (first < 0) {
      this.#current += chunk.length;
      this.longest = Math.max(this.longest, this.#current);
      return;
    }
    this.longest = Math.max(this.longest, this.#current + first, chunk.length);
    this.#current = chunk.length - chunk.lastIndexOf(10) - 1;
  }
}

function encodingOf(head: Buffer): Encoding {
  if (head[0] === 0xff && head[1] === 0xfe) return 'utf-16le';
  if (head[0] === 0xfe && head[1] === 0xff) return 'utf-16be';
  return 'utf-8';
}

function isBlank(bytes: Buffer): boolean {
  return bytes.toString('utf8').trim() === '';
}

function occurrences(text: string | Buffer, part: string): number {
  let count = 0;
  const step = typeof text === 'string' ? part.length : Buffer.byteLength(part);
  for (let at = text.indexOf(part); at >= 0; at = text.indexOf(part, at + step)) count++;
  return count;
}
