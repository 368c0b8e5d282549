import { createInterface } from 'node:readline';
import { Transform } from 'node:stream';
import { UsageError } from '../core/errors.ts';
import { throwIfAborted } from '../core/interrupt.ts';
import { decoderOf, encodingOf, type TextPieces } from '../data/encoding.ts';
import { contentOf } from '../data/fileContent.ts';
import { invalidUtf8Notes } from './dataNotes.ts';
import { note } from './note.ts';
import type { JobHooks } from './types.ts';

/**
 * The lines of text that a stream brings, as they come, until it ends or the signal is given: in UTF-8, or in UTF-16 or
 * UTF-32 with a byte order mark, which is no part of the text. What cannot be decoded becomes U+FFFD, told at the end.
 *
 * @param name what a message calls the stream
 * @throws UsageError for what is no text; InterruptedError at the signal
 */
export async function* textLines(bytes: NodeJS.ReadableStream, name: string, hooks: JobHooks): AsyncGenerator<string> {
  const decoding = new Decoding(name);
  const failed = new Promise<never>((_, reject) => {
    decoding.once('error', reject);
    bytes.once('error', reject);
  });
  failed.catch(() => {}); // asked for with each line
  const input = bytes.pipe(decoding);
  const reader = createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY, signal: hooks.signal });
  const lines = reader[Symbol.asyncIterator]();
  try {
    for (;;) {
      // `failed` first: where both are settled, the lines have ended because of it.
      const next = await Promise.race([failed, lines.next()]);
      if (next.done) break;
      yield next.value;
    }
    throwIfAborted(hooks.signal);
    for (const line of invalidUtf8Notes(decoding.replaced, name)) note(hooks, line);
  } finally {
    bytes.unpipe(decoding);
    bytes.pause();
    reader.close();
  }
}

/** Bytes in, text out. */
class Decoding extends Transform {
  /** How many U+FFFD were put in, with those already there. */
  replaced = 0;
  readonly #name: string;
  #decoder: TextPieces | undefined;

  constructor(name: string) {
    super({ decodeStrings: true, encoding: 'utf8' });
    this.#name = name;
  }

  override _transform(chunk: Buffer, _: string, done: (error?: Error | null, text?: string) => void): void {
    try {
      this.#decoder ??= this.#open(chunk);
      done(null, this.#checked(this.#decoder.decode(chunk, { stream: true })));
    } catch (error) {
      done(error instanceof Error ? error : new Error(String(error)));
    }
  }

  override _flush(done: (error?: Error | null, text?: string) => void): void {
    done(null, this.#checked(this.#decoder?.decode() ?? ''));
  }

  #open(start: Buffer): TextPieces {
    const content = contentOf(start);
    if (content.kind === 'other') throw new UsageError(`${this.#name} is ${content.title}; ${content.wayOut}`);
    if (content.kind === 'gzip') throw new UsageError(`${this.#name} is packed with gzip; unpack it: gunzip -c`);
    if (content.kind === 'parquet')
      throw new UsageError(`${this.#name} is a Parquet file; name the file in place of it`);
    return decoderOf(encodingOf(start).encoding);
  }

  #checked(text: string): string {
    if (text.includes('\0'))
      throw new UsageError(`${this.#name} holds zero bytes, which no text does; give it in UTF-8`);
    for (let at = text.indexOf('\ufffd'); at >= 0; at = text.indexOf('\ufffd', at + 1)) this.replaced++;
    return text;
  }
}
