import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { z } from 'zod';
import { type DocumentFormat, readDocument, writeDocument } from '../core/document.ts';
import { BertuneError } from '../core/errors.ts';
import { say } from '../core/message.ts';
import { sha256 } from './cacheFolder.ts';
import { CorpusWriter, groupHashes, noGroup, textFiles } from './corpusWriter.ts';
import { NumberFile, NumberFileWriter } from './numberFile.ts';
import type { Records } from './records.ts';
import type { ReadPart } from './sharedFiles.ts';
import { type GroupedBatch, type TokenizedCorpus, type TokenizingOptions, textBatches } from './tokenizedCorpus.ts';
import { type CorpusMaking, makingSchema, tokenizedSchema } from './tokenizedFolder.ts';
import type { TokenizedTexts } from './tokenizedTexts.ts';
import { tokenizeInOrder } from './tokenizingThreads.ts';
import { TokenStore } from './tokenStore.ts';

/** What a part of a tokenized corpus says of itself, beside its files. */
export interface TokenizedPartHeader extends ReadPart {
  /** Whether parts have whole files, one after the other, or lists of rows in turn. */
  readonly by: 'files' | 'rows';
  /** Of the tokenizer and every setting that matters. */
  readonly work: string;
  /** Of what tells whether the files that were read are the same; undefined where nothing does. */
  readonly sources?: string;
  /** Of what all parts have to agree on: the files, or all rows that were read. */
  readonly input: string;
  readonly making: CorpusMaking;
  readonly tokenized: Omit<TokenizedCorpus, 'digest'>;
}

/** Written last: a folder without it is no part. */
const headerFile = 'part.json';
/** How many texts of each list of rows are kept, one number a list that the part has. */
const listsFile = 'lists.bin';
/** Rows that go to one part together. */
const together = 512;

const headerFormat: DocumentFormat<TokenizedPartHeader> = {
  schema: z.object({
    ...{ index: z.int(), of: z.int(), by: z.enum(['files', 'rows']), work: z.string(), sources: z.string().optional() },
    ...{ input: z.string(), making: makingSchema, tokenized: tokenizedSchema },
  }),
  migrations: [],
};

/** The header of a part; undefined for a folder without one. Throws what `readDocument` throws. */
export function readPartHeader(folder: string): TokenizedPartHeader | undefined {
  return readDocument(join(folder, headerFile), headerFormat);
}

/**
 * Tokenizes one part of a corpus to a folder: whole files where there are enough of them, else every n-th list of rows.
 * The folder is one when its header is there.
 *
 * @throws BertuneError when the disk is full, or a file is malformed
 */
export async function tokenizePart(
  options: TokenizingOptions,
  part: ReadPart,
  said: Pick<TokenizedPartHeader, 'work' | 'sources' | 'making'>,
  folder: string,
): Promise<TokenizedPartHeader> {
  const { tokenizer, mostTokens, overlap, threads, onProgress } = options;
  const { openRecords } = await import('./records.ts');
  const records = await openRecords({ ...options.records, part });
  const by = records.sharedFiles ? 'files' : 'rows';
  const { flag, onNote } = options.records;
  if (by === 'rows' && part.of > 1) {
    onNote?.(
      say`${flag}: too few files, or too uneven ones, for ${part.of} parts of whole files: each part reads all rows, and tokenizes one list of ${together} in ${part.of}`,
      'files',
    );
  }
  const grouped = options.records.groupColumn !== undefined;
  const writer = new CorpusWriter(folder, tokenizer.vocabularySize, grouped);
  const lists = new NumberFileWriter(join(folder, listsFile));
  const rows = createHash('sha256');
  try {
    const batches = records.sharedFiles ? textBatches(records) : rowsOf(records, part, rows);
    for await (const { batch, tokenized } of tokenizeInOrder(batches, tokenizer, { mostTokens, overlap }, threads)) {
      const before = writer.counts.texts;
      writer.add(tokenized, groupHashes(batch.groups));
      lists.add(writer.counts.texts - before);
      onProgress?.(writer.counts.texts);
    }
  } finally {
    await records.close();
    writer.finish();
    lists.finish();
  }
  const { invalidUtf8, taken, sharedFiles } = records;
  const header: TokenizedPartHeader = {
    ...{ ...part, by, ...said, input: sharedFiles ? sha256(JSON.stringify(sharedFiles)) : rows.digest('hex') },
    tokenized: { counts: { ...writer.counts, tokens: writer.tokens, invalidUtf8 }, columns: taken, grouped },
  };
  await writeDocument(join(folder, headerFile), headerFormat, header);
  return header;
}

/** The part's lists of rows. @param read hears all rows, those of other parts, too */
async function* rowsOf(
  records: Records,
  { index, of }: ReadPart,
  read: { update(text: string): unknown },
): AsyncGenerator<GroupedBatch> {
  let row = 0;
  let texts: string[] = [];
  let groups: (string | undefined)[] = [];
  for await (const batch of records.batches()) {
    for (const { text, group } of batch) {
      read.update(`${JSON.stringify([text, group])}\n`);
      const isOwn = Math.floor(row++ / together) % of === index - 1;
      if (isOwn) {
        texts.push(text);
        groups.push(group);
      }
      if (texts.length === 0 || row % together > 0) continue;
      yield { texts, groups };
      texts = [];
      groups = [];
    }
  }
  if (texts.length > 0) yield { texts, groups };
}

/** Reads the texts of a part, in their order, as they were tokenized. */
export class TokenizedPartReader {
  readonly header: TokenizedPartHeader;
  readonly #store: TokenStore;
  readonly #files: NumberFile[] = [];
  readonly #hashes: Generator<number>;
  readonly #pieces: Generator<number>;
  readonly #groups: Generator<number> | undefined;
  readonly #lists: Generator<number>;
  #text = 0;
  #sequence = 0;
  /** The next text that has not one sequence, with their number. */
  #next: readonly [text: number, sequences: number];

  /** @throws BertuneError for a part whose files are not as long as it says */
  constructor(folder: string, header: TokenizedPartHeader) {
    this.header = header;
    this.#store = new TokenStore(folder, header.making.vocabularySize);
    const open = (name: string) => {
      const file = new NumberFile(join(folder, name));
      this.#files.push(file);
      return file.values();
    };
    this.#hashes = open(textFiles.hashes);
    this.#pieces = open(textFiles.pieces);
    this.#lists = open(listsFile);
    this.#groups = header.tokenized.grouped ? open(textFiles.groups) : undefined;
    if (this.#files[0]?.length !== header.tokenized.counts.texts)
      throw new BertuneError(`${folder} is no whole part (its files end early); remove it and make the part again`);
    this.#next = this.#nextPieces();
  }

  /** Texts of the next list; undefined after the last one. */
  nextList(): number | undefined {
    const { done, value } = this.#lists.next();
    return done ? undefined : value;
  }

  /** The next texts, with the hash of the group of each. @param count of which there are as many left */
  read(count: number): { readonly texts: TokenizedTexts; readonly groups: readonly number[] } {
    const pieces = new Uint32Array(count).fill(1);
    const hashes = new Float64Array(count);
    const groups: number[] = [];
    for (let i = 0; i < count; i++, this.#text++) {
      if (this.#next[0] === this.#text) {
        pieces[i] = this.#next[1];
        this.#next = this.#nextPieces();
      }
      hashes[i] = this.#hashes.next().value as number;
      if (this.#groups) groups.push((this.#groups.next().value as number | undefined) ?? noGroup);
    }
    const from = this.#sequence;
    this.#sequence += pieces.reduce((sum, of) => sum + of, 0);
    return { texts: { ...this.#store.readRange(from, this.#sequence), pieces, hashes, split: 0 }, groups };
  }

  close(): void {
    this.#store.close();
    for (const file of this.#files) file.close();
  }

  #nextPieces(): readonly [number, number] {
    const { done, value } = this.#pieces.next();
    return done ? [-1, 0] : [value, this.#pieces.next().value as number];
  }
}
