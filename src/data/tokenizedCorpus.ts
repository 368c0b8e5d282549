import { alone, type Collective, onFirst, shareOf } from '../core/collective.ts';
import { BertuneError, counted, defined } from '../core/errors.ts';
import { type Origin, say, setting } from '../core/message.ts';
import type { TextTokenizer } from '../text/textTokenizer.ts';
import { CorpusWriter, groupHashes } from './corpusWriter.ts';
import type { Records, RecordsOptions } from './records.ts';
import { type GroupedTexts, ofAll } from './tokenizedByAll.ts';
import type { CutOptions, TokenizedTexts } from './tokenizedTexts.ts';
import { type TextBatch, tokenizeInOrder } from './tokenizingThreads.ts';

export interface TokenizingOptions extends CutOptions {
  readonly records: RecordsOptions;
  readonly tokenizer: TextTokenizer;
  /** Threads that tokenize; all cores without it. The result is the same. */
  readonly threads?: number;
  readonly onProgress?: (texts: number) => void;
  /** Processes that read the same records and share out the tokenizing; the first one writes. The result is the same. */
  readonly collective?: Collective;
}

/** What is known of a tokenized corpus beside its files. */
export interface TokenizedCorpus {
  readonly counts: {
    /** Texts that can be learned from. */
    readonly texts: number;
    readonly tokens: number;
    /** Texts without a token that may be masked. */
    readonly skipped: number;
    /** Texts longer than the limit, which were split. */
    readonly split: number;
    /** U+FFFD put in place of bytes that were not UTF-8. */
    readonly invalidUtf8: number;
  };
  /** Of all sequences and their order. */
  readonly digest: string;
  /** What was taken of the columns and what was left out, in one line; absent for lines of text. */
  readonly columns?: string;
  /** Whether there is a `groups.bin`. */
  readonly grouped: boolean;
}

/**
 * Reads a corpus, streaming, and writes it tokenized to a folder: a token store and what is known of each text. Of several
 * processes all call it, and the first one writes.
 *
 * @throws BertuneError when no text has a token that may be masked, or the disk is full
 */
export async function tokenizeCorpus(options: TokenizingOptions, folder: string): Promise<TokenizedCorpus> {
  const { tokenizer, mostTokens, overlap, threads, onProgress, collective = alone } = options;
  const cut = { mostTokens, overlap };
  // DuckDB takes its time to load, and who has the corpus tokenized does not need it.
  const { openRecords } = await import('./records.ts');
  const records = await openRecords({
    ...options.records,
    // Of the columns tells what is kept of the corpus, also when it is not read again.
    onNote: (line, about) => about === 'files' && options.records.onNote?.(line, about),
  });
  const grouped = options.records.groupColumn !== undefined;
  const isWritten = collective.rank === 0;
  const writer = isWritten ? new CorpusWriter(folder, tokenizer.vocabularySize, grouped) : undefined;
  let digest = '';
  try {
    const own = shareOf(textBatches(records), collective);
    const made = withGroups(tokenizeInOrder(own, tokenizer, cut, threads));
    for await (const { tokenized, groups } of collective.size === 1 ? made : ofAll(made, collective)) {
      writer?.add(tokenized, groupHashes(groups));
      onProgress?.(writer?.counts.texts ?? 0);
    }
  } finally {
    await records.close();
    digest = writer?.finish() ?? '';
  }
  return onFirst(collective, () => {
    const { counts, tokens } = defined(writer, 'the writer of the corpus');
    if (counts.texts === 0) throw emptyCorpus(options.records.flag, counts.skipped);
    const { invalidUtf8, taken } = records;
    return { counts: { ...counts, tokens, invalidUtf8 }, digest, columns: taken, grouped };
  });
}

async function* withGroups(
  made: AsyncIterable<{ batch: GroupedBatch; tokenized: TokenizedTexts }>,
): AsyncGenerator<GroupedTexts> {
  for await (const { batch, tokenized } of made) yield { tokenized, groups: batch.groups };
}

/** Most characters of a batch, but for a longer text: a thread's work of a tenth of a second. */
const batchCharacters = 1 << 18;

export interface GroupedBatch extends TextBatch {
  readonly groups: readonly (string | undefined)[];
}

/** The texts of records in batches for threads. */
export async function* textBatches(records: Records): AsyncGenerator<GroupedBatch> {
  for await (const rows of records.batches()) {
    let characters = 0;
    let from = 0;
    for (const [i, { text }] of rows.entries()) {
      characters += text.length;
      if (characters < batchCharacters && i + 1 < rows.length) continue;
      const part = rows.slice(from, i + 1);
      yield { texts: part.map((row) => row.text), groups: part.map(({ group }) => group) };
      from = i + 1;
      characters = 0;
    }
  }
}

/** What to say of a corpus that nothing can be learned from. */
export function emptyCorpus(flag: Origin, skipped: number): BertuneError {
  return new BertuneError(
    skipped > 0
      ? say`${flag} has no token that may be masked (${counted(skipped, 'text')}, empty or only special or unknown tokens); check the file and the tokenizer`
      : say`${flag} holds no text; check the file and ${setting('textColumn')}`,
  );
}
