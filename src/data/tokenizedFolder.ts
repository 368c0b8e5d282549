import { existsSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { z } from 'zod';
import { type DocumentFormat, readDocument, writeDocument } from '../core/document.ts';
import { UsageError } from '../core/errors.ts';
import { say, setting } from '../core/message.ts';
import type { TextTokenizer } from '../text/textTokenizer.ts';
import { sha256 } from './cacheFolder.ts';
import { isTokenized, tokenizedFile } from './corpusWriter.ts';
import { versions } from './tokenCache.ts';
import type { TokenizedCorpus, TokenizingOptions } from './tokenizedCorpus.ts';

/** How a corpus was tokenized: what has to agree with what a run asks for. */
export interface CorpusMaking {
  /** Of what tokenizes: this package, its libraries, and what Node knows of characters. */
  readonly version: string;
  /** Of the tokenizer's files. */
  readonly tokenizer: string;
  readonly vocabularySize: number;
  /** As `CutOptions` has them. */
  readonly mostTokens: number;
  readonly overlap: number;
  /** As they were asked for; null where they were not. */
  readonly textColumn: string | null;
  readonly groupColumn: string | null;
}

interface FolderHeader {
  readonly making: CorpusMaking;
  readonly tokenized: TokenizedCorpus;
}

export const makingSchema: z.ZodType<CorpusMaking> = z.object({
  ...{ version: z.string(), tokenizer: z.string(), mostTokens: z.int(), overlap: z.int(), vocabularySize: z.int() },
  ...{ textColumn: z.string().nullable(), groupColumn: z.string().nullable() },
});
const counts = z.object({
  ...{ texts: z.int(), tokens: z.int(), skipped: z.int(), split: z.int(), invalidUtf8: z.int() },
});
/** What a tokenized corpus is known by, but for its digest. */
export const tokenizedSchema = z.object({ counts, columns: z.string().optional(), grouped: z.boolean() });

const headerFormat: DocumentFormat<FolderHeader> = {
  schema: z.object({ making: makingSchema, tokenized: tokenizedSchema.extend({ digest: z.string() }) }),
  migrations: [],
};

/** How options have a corpus tokenized. */
export function makingOf({ records, tokenizer, mostTokens, overlap = 0 }: TokenizingOptions): CorpusMaking {
  const { textColumn = null, groupColumn = null } = records;
  const { vocabularySize } = tokenizer;
  const version = sha256(JSON.stringify(versions()));
  return { version, tokenizer: digestOf(tokenizer), vocabularySize, mostTokens, overlap, textColumn, groupColumn };
}

/** Of a tokenizer's files, in whatever order they were read. */
function digestOf(tokenizer: TextTokenizer): string {
  return sha256(JSON.stringify([...tokenizer.files()].sort(([a], [b]) => (a < b ? -1 : 1))));
}

/** Makes a folder with the files of a tokenized corpus one that says what it is. */
export function finishFolder(folder: string, header: FolderHeader): Promise<void> {
  // In the order of the schema, whoever made it.
  return writeDocument(join(folder, tokenizedFile), headerFormat, headerFormat.schema.parse(header));
}

/**
 * The tokenized corpus that stands in place of files of texts; undefined for other files.
 *
 * @throws UsageError when it was tokenized in another way than is asked for, or is still in parts
 */
export async function tokenizedFolder(
  options: TokenizingOptions,
): Promise<{ readonly folder: string; readonly tokenized: TokenizedCorpus } | undefined> {
  const { files, flag, limit } = options.records;
  for (const file of files) await refuseParts(file, options);
  const folder = files.find(isTokenized);
  if (folder === undefined) return undefined;
  const header = readDocument(join(folder, tokenizedFile), headerFormat);
  if (!header) return undefined;
  if (files.length > 1)
    throw new UsageError(say`${flag}: ${folder} is a tokenized corpus, which stands alone; leave out the others`);
  if (limit !== undefined)
    throw new UsageError(say`${flag}: ${folder} is a tokenized corpus, which is read whole; leave out its limit`);
  const [asked, { making, tokenized }] = [makingOf(options), header];
  const room = options.tokenizer.frame.size;
  const different = [
    making.tokenizer === asked.tokenizer ? [] : ['with the tokenizer of another model'],
    making.mostTokens === asked.mostTokens
      ? []
      : [say`for ${setting('maxLength')} ${making.mostTokens + room}, not ${asked.mostTokens + room}`],
    making.overlap === asked.overlap ? [] : [say`with ${setting('overlap')} ${making.overlap}, not ${asked.overlap}`],
    asked.textColumn === null || asked.textColumn === making.textColumn
      ? []
      : [say`with ${setting('textColumn')} ${making.textColumn ?? 'left out'}, not ${asked.textColumn}`],
    asked.groupColumn === null || asked.groupColumn === making.groupColumn
      ? []
      : [say`with ${setting('groupColumn')} ${making.groupColumn ?? 'left out'}, not ${asked.groupColumn}`],
  ].flat();
  const [first] = different;
  if (first !== undefined) {
    throw new UsageError(
      say`${flag}: ${folder} was tokenized ${first}; tokenize the texts again, or give the same here`,
    );
  }
  if (making.version !== asked.version) {
    options.records.onNote?.(
      say`${flag}: ${folder} was tokenized by another version of bertune or its libraries, and is taken as it is`,
      'files',
    );
  }
  return { folder, tokenized };
}

/** @throws UsageError for the name of a corpus of which there are parts alone */
async function refuseParts(path: string, { records: { flag } }: TokenizingOptions): Promise<void> {
  if (existsSync(path) || !/^[^\n]{1,1000}$/.test(path)) return;
  const names = await readdir(dirname(path)).catch(() => []);
  const part = names.find((name) => name.startsWith(`${basename(path)}.part-`));
  if (part === undefined || !existsSync(join(dirname(path), part, 'part.json'))) return;
  throw new UsageError(say`${flag}: of ${path} there are parts alone (${part}); put them together with bertune join`);
}
