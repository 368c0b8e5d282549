import { createHash } from 'node:crypto';
import { appendFileSync, createReadStream, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { BertuneError, counted } from '../../core/errors.ts';
import { writeError } from '../../core/files.ts';
import { type Message, type Origin, say, setting } from '../../core/message.ts';
import type { Corpus } from '../../data/corpus.ts';
import { noGroup, textFiles } from '../../data/corpusWriter.ts';
import { hashText } from '../../data/hashText.ts';
import { drawHeldOut, type HeldOutOptions } from '../../data/heldOut.ts';
import { NumberFile, NumberFileWriter } from '../../data/numberFile.ts';
import type { DataRecord, RecordsOptions } from '../../data/records.ts';
import { TokenStore, TokenStoreWriter } from '../../data/tokenStore.ts';
import { normalizedForm } from '../../text/normalize.ts';
import type { TextTokenizer } from '../../text/textTokenizer.ts';
import { unitStarts } from '../../text/words.ts';
import { invalidUtf8Notes } from '../dataNotes.ts';

/** Texts on disk, each once and each one sequence of tokens: what a student reads, and what its teacher is asked. */
export interface WholeTexts extends Pick<Corpus, 'store' | 'heldOut' | 'excluded' | 'textHashes'> {
  readonly counts: TextCounts;
  /** Tokens of the longest sequence, without the special ones around it. */
  readonly longest: number;
  /** Changes when the sequences, their order or the held-out part do. */
  readonly digest: string;
  /** The texts in the order of their sequences, so many at a time. */
  batches(size: number): AsyncGenerator<string[]>;
  close(): void;
}

export interface TextCounts {
  readonly texts: number;
  readonly tokens: number;
  /** Texts without a token, which are left out. */
  readonly empty: number;
  /** Texts that came before, to the letter, and are left out. */
  readonly repeated: number;
  /** Texts that were cut to the longest sequence. */
  readonly cut: number;
  readonly heldOut: number;
  /** Bytes that were not UTF-8, replaced by U+FFFD. */
  readonly invalidUtf8: number;
}

export interface WholeTextsOptions extends HeldOutOptions {
  readonly records: RecordsOptions;
  readonly tokenizer: TextTokenizer;
  /** Tokens of a sequence, special ones included. */
  readonly maxLength: number;
  /** What every text begins with for the student. */
  readonly prompt: string;
  /** Where they are kept. */
  readonly folder: string;
  readonly onProgress: (texts: number) => void;
}

/**
 * Reads texts, streaming, and keeps those that are not empty and did not come before, cut to the longest sequence.
 * Memory grows by some 60 bytes a text.
 *
 * @throws BertuneError when no text is left, or the disk is full
 */
export async function readWholeTexts(options: WholeTextsOptions): Promise<WholeTexts> {
  const { folder, tokenizer, records: asked } = options;
  mkdirSync(folder, { recursive: true });
  const { openRecords } = await import('../../data/records.ts');
  const records = await openRecords(asked);
  const writer = new TextWriter(options, asked.groupColumn !== undefined);
  let digest = '';
  try {
    for await (const batch of records.batches()) {
      writer.add(batch);
      options.onProgress(writer.counts.texts);
    }
  } finally {
    await records.close();
    digest = writer.finish();
  }
  const { counts, grouped, longest, tokens } = writer;
  if (counts.texts === 0) throw noTexts(asked.flag, counts.empty);
  const hashes = new NumberFile(join(folder, textFiles.hashes));
  const tokenized = { counts: { ...counts, tokens, skipped: 0, split: 0, invalidUtf8: 0 }, grouped, digest };
  const drawn = drawHeldOut(tokenized, folder, hashes, options);
  const store = new TokenStore(folder, tokenizer.vocabularySize);
  return {
    ...{ store, longest, heldOut: drawn.heldOut, excluded: drawn.excluded, textHashes: hashes },
    counts: { ...counts, tokens, heldOut: drawn.texts, invalidUtf8: records.invalidUtf8 },
    digest: createHash('sha256').update(digest).update(`${drawn.heldOut} ${drawn.excluded}`).digest('hex'),
    batches: (size) => batchesOf(join(folder, textFile), size),
    close() {
      store.close();
      hashes.close();
    },
  };
}

/** The texts, a line of JSON each. */
const textFile = 'texts.jsonl';

/** The text as JSON. What it leaves as it is of what `readline` takes for the end of a line is escaped. */
function lineOf(text: string): string {
  return `${JSON.stringify(text).replaceAll('\u2028', '\\u2028').replaceAll('\u2029', '\\u2029')}\n`;
}

async function* batchesOf(path: string, size: number): AsyncGenerator<string[]> {
  const file = createReadStream(path);
  let batch: string[] = [];
  try {
    for await (const line of createInterface({ input: file, crlfDelay: Number.POSITIVE_INFINITY })) {
      batch.push(JSON.parse(line));
      if (batch.length < size) continue;
      yield batch;
      batch = [];
    }
    if (batch.length > 0) yield batch;
  } finally {
    file.destroy();
  }
}

class TextWriter {
  readonly counts = { texts: 0, empty: 0, repeated: 0, cut: 0 };
  readonly grouped: boolean;
  longest = 0;
  readonly #options: WholeTextsOptions;
  readonly #seen = new NumberSet();
  readonly #store: TokenStoreWriter;
  readonly #hashes: NumberFileWriter;
  readonly #pieces: NumberFileWriter;
  readonly #groups: NumberFileWriter | undefined;
  readonly #path: string;

  constructor(options: WholeTextsOptions, grouped: boolean) {
    const { folder, tokenizer } = options;
    const open = (name: string) => new NumberFileWriter(join(folder, name));
    this.#options = options;
    this.grouped = grouped;
    this.#store = new TokenStoreWriter(folder, tokenizer.vocabularySize);
    this.#hashes = open(textFiles.hashes);
    this.#pieces = open(textFiles.pieces);
    this.#groups = grouped ? open(textFiles.groups) : undefined;
    this.#path = join(folder, textFile);
    writeFileSync(this.#path, '');
  }

  get tokens(): number {
    return this.#store.tokens;
  }

  /** @throws BertuneError when the disk is full */
  add(records: readonly DataRecord[]): void {
    const lines: string[] = [];
    for (const { text, group } of records) {
      const hash = hashText(text);
      if (text.trim() === '') this.counts.empty++;
      else if (!this.#seen.add(hash)) this.counts.repeated++;
      else if (this.#tokenize(text)) {
        lines.push(lineOf(text));
        this.#hashes.add(hashText(normalizedForm(text)));
        this.#groups?.add(group === undefined ? noGroup : hashText(group));
        this.counts.texts++;
      } else this.counts.empty++;
    }
    try {
      appendFileSync(this.#path, lines.join(''));
    } catch (error) {
      throw writeError(this.#path, error);
    }
  }

  /** Closes the files. @returns the digest of the sequences */
  finish(): string {
    const digest = this.#store.finish();
    for (const file of [this.#hashes, this.#pieces, this.#groups]) file?.finish();
    return digest;
  }

  /** Stores a text's tokens. @returns whether it has any */
  #tokenize(text: string): boolean {
    const { tokenizer, maxLength, prompt } = this.#options;
    const encoding = tokenizer.encode(prompt + text);
    if (encoding.ids.length === 0) return false;
    const most = maxLength - tokenizer.frame.size;
    const over = Math.max(0, encoding.ids.length - most);
    const from = tokenizer.truncationSide === 'left' ? over : 0;
    const ids = encoding.ids.slice(from, from + most);
    this.#store.add(ids, unitStarts(encoding).subarray(from, from + most));
    this.longest = Math.max(this.longest, ids.length);
    if (over > 0) this.counts.cut++;
    return true;
  }
}

/** A set of any number of numbers: one of JavaScript's ends at 2^24. */
class NumberSet {
  readonly #parts = Array.from({ length: 64 }, () => new Set<number>());

  /** @returns whether it was not there */
  add(number: number): boolean {
    const part = this.#parts[number % 64] as Set<number>;
    const before = part.size;
    return part.add(number).size > before;
  }
}

function noTexts(flag: Origin, empty: number): BertuneError {
  return new BertuneError(
    empty > 0
      ? say`${flag} has no text with a token (${counted(empty, 'text')} without one); check the file and the tokenizer`
      : say`${flag} holds no text; check the file and ${setting('textColumn')}`,
  );
}

/** What there is to say of the texts, one line each. */
export function wholeTextNotes(counts: TextCounts, flag: Origin, maxLength: number): (string | Message)[] {
  const { texts, tokens, empty, repeated, cut, heldOut, invalidUtf8 } = counts;
  const notes: (string | Message)[] = [say`${flag}: ${counted(texts, 'text')}, ${counted(tokens, 'token')}`];
  if (heldOut > 0) notes.push(`${counted(heldOut, 'text')} held out to measure the student`);
  if (repeated > 0) notes.push(`${counted(repeated, 'text')} left out that came before`);
  if (empty > 0) notes.push(`${counted(empty, 'text')} without a token left out`);
  if (cut > 0) notes.push(`${counted(cut, 'text')} longer than ${maxLength} tokens truncated for the student`);
  return [...notes, ...invalidUtf8Notes(invalidUtf8, flag)];
}
