import { isUtf8 } from 'node:buffer';
import { createReadStream, createWriteStream } from 'node:fs';
import { pipeline } from 'node:stream';
import { pipeline as finish } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import { BertuneError } from '../core/errors.ts';
import { decoderOf, type Encoding, encodingOf, type FoundEncoding } from './encoding.ts';

export interface TextScan {
  /** Whether the file holds nothing but white space. */
  readonly blank: boolean;
  /** Whether the file is UTF-8 throughout, so that it can be read as it is. */
  readonly valid: boolean;
  readonly encoding: FoundEncoding;
  /** Where the first zero byte of a UTF-8 text is; undefined where there is none. */
  readonly zeroAt: number | undefined;
  /** Bytes of the file, unpacked. */
  readonly size: number;
  /** No line has more bytes than this. */
  readonly longestLine: number;
  /** The beginning of the file, decoded, without a byte order mark. */
  readonly head: string;
  /** Whether that is all of it. */
  readonly isWhole: boolean;
}

/**
 * Reads a text file once, in constant memory.
 *
 * @param whole all of its bytes, where they are at hand
 * @param onStart gets the first bytes; what it throws ends the reading
 * @throws what the file system or zlib throws, BertuneError for what unpacks to far more than text does
 */
export async function scanText(
  path: string,
  gzip: boolean,
  whole: Buffer | undefined,
  onStart: (head: Buffer) => void,
): Promise<TextScan> {
  let head = Buffer.alloc(0);
  let blank = true;
  let valid = true;
  let zeroAt: number | undefined;
  let size = 0;
  const lines = new LineLengths();
  for await (const piece of completePieces(whole ? [whole] : byteChunks(path, gzip))) {
    if (size === 0) onStart(piece);
    if (head.length < headBytes) head = Buffer.concat([head, piece.subarray(0, headBytes - head.length)]);
    if (blank) blank = isBlank(piece);
    if (valid) valid = isUtf8(piece);
    const zero = zeroAt === undefined ? piece.indexOf(0) : -1;
    if (zero >= 0) zeroAt = size + zero;
    size += piece.length;
    lines.add(piece);
  }
  const encoding = encodingOf(head);
  const isWide = encoding.encoding !== 'utf-8';
  return {
    blank,
    valid: valid && !isWide,
    encoding,
    zeroAt: isWide ? undefined : zeroAt,
    size,
    longestLine: lines.longest,
    isWhole: size <= headBytes,
    head: decoderOf(encoding.encoding).decode(head),
  };
}

/** The line, counted from 1, in which a byte of a text file lies. */
export async function lineAt(path: string, gzip: boolean, position: number): Promise<number> {
  let line = 1;
  let at = 0;
  for await (const chunk of byteChunks(path, gzip)) {
    line += occurrences(chunk.subarray(0, position - at), '\n');
    at += chunk.length;
    if (at > position) break;
  }
  return line;
}

/** A text written anew. */
export interface Repaired {
  /** U+FFFD that were put in; those already in the text are not counted. */
  readonly replaced: number;
  readonly blank: boolean;
  readonly longestLine: number;
}

/**
 * Writes the text of `path` to `target` as plain UTF-8, with U+FFFD in place of what cannot be decoded and
 * without a byte order mark.
 */
export async function repairText(path: string, gzip: boolean, encoding: Encoding, target: string): Promise<Repaired> {
  let replaced = 0;
  let blank = true;
  const lines = new LineLengths();
  const decode = encoding === 'utf-8' ? utf8Pieces : widePieces;
  async function* repaired(): AsyncGenerator<Buffer> {
    for await (const piece of decode(byteChunks(path, gzip), encoding)) {
      replaced += piece.replaced;
      if (blank) blank = isBlank(piece.bytes);
      lines.add(piece.bytes);
      yield piece.bytes;
    }
  }
  await finish(repaired(), createWriteStream(target));
  return { replaced, blank, longestLine: lines.longest };
}

interface RepairedPiece {
  readonly bytes: Buffer;
  readonly replaced: number;
}

async function* widePieces(chunks: AsyncIterable<Buffer>, encoding: Encoding): AsyncGenerator<RepairedPiece> {
  const decoder = decoderOf(encoding);
  const piece = (text: string) => ({ bytes: Buffer.from(text), replaced: occurrences(text, '\ufffd') });
  for await (const chunk of chunks) yield piece(decoder.decode(chunk, { stream: true }));
  yield piece(decoder.decode());
}

async function* utf8Pieces(chunks: AsyncIterable<Buffer>): AsyncGenerator<RepairedPiece> {
  let isFirst = true;
  for await (const piece of completePieces(chunks)) {
    const bytes = isFirst && piece.subarray(0, 3).equals(byteOrderMark) ? piece.subarray(3) : piece;
    isFirst = false;
    if (isUtf8(bytes)) {
      yield { bytes, replaced: 0 };
      continue;
    }
    const text = bytes.toString('utf8');
    yield { bytes: Buffer.from(text), replaced: occurrences(text, '\ufffd') - occurrences(bytes, '\ufffd') };
  }
}

const byteOrderMark = Buffer.from('\ufeff');
/** Bytes of a file's beginning that are looked at. */
export const headBytes = 1 << 16;
const chunkBytes = 1 << 20;

/** Text shrinks to a fifth, a log to a fiftieth: what unpacks to more than this is made to fill disks. */
const mostGrowth = 500;
/** Up to this size whatever grows is read. */
const smallBytes = 1 << 30;

async function* byteChunks(path: string, gzip: boolean): AsyncGenerator<Buffer> {
  const file = createReadStream(path, { highWaterMark: chunkBytes });
  // The stream itself throws its error to whoever reads it; pipeline's callback would only repeat it.
  const stream = gzip ? pipeline(file, createGunzip({ chunkSize: chunkBytes }), () => {}) : file;
  let size = 0;
  for await (const chunk of stream) {
    size += (chunk as Buffer).length;
    if (gzip && size > smallBytes && size > mostGrowth * file.bytesRead) {
      throw new BertuneError(
        `${path} unpacks to more than ${mostGrowth} times its size; check where it comes from, or unpack it`,
      );
    }
    yield chunk as Buffer;
  }
}

/** The same bytes, cut so that no UTF-8 sequence lies across two pieces. */
async function* completePieces(chunks: AsyncIterable<Buffer> | Iterable<Buffer>): AsyncGenerator<Buffer> {
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

function isBlank(bytes: Buffer): boolean {
  return bytes.toString('utf8').trim() === '';
}

function occurrences(text: string | Buffer, part: string): number {
  let count = 0;
  const step = typeof text === 'string' ? part.length : Buffer.byteLength(part);
  for (let at = text.indexOf(part); at >= 0; at = text.indexOf(part, at + step)) count++;
  return count;
}
