import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { alone, ofEach } from '../core/collective.ts';
import { UsageError } from '../core/errors.ts';
import { say, setting } from '../core/message.ts';
import { textFiles } from './corpusWriter.ts';
import { drawHeldOut, type HeldOutOptions, intersection } from './heldOut.ts';
import { NumberFile } from './numberFile.ts';
import { type CachedCorpus, cachedCorpus } from './tokenCache.ts';
import type { TokenizedCorpus, TokenizingOptions } from './tokenizedCorpus.ts';
import { tokenizedFolder } from './tokenizedFolder.ts';
import { TokenStore } from './tokenStore.ts';

export interface CorpusOptions extends TokenizingOptions, HeldOutOptions {
  /** Where the tokenized corpus is kept when it is not kept in the cache. */
  readonly folder: string;
  /** Folder in which tokenized corpora are kept for later runs; without it none are. */
  readonly cache?: string;
}

export type CorpusCounts = TokenizedCorpus['counts'] & {
  readonly heldOut: number;
  /** Texts drawn to be held out that are not, because they occur in the training part. */
  readonly repeated: number;
};

/** A tokenized corpus on disk with its held-out part. */
export interface Corpus {
  readonly store: TokenStore;
  /** Sequences that evaluation reads, ascending. */
  readonly heldOut: readonly number[];
  /** Sequences that training must not see, ascending: those held out, and what else their groups hold. */
  readonly excluded: readonly number[];
  readonly counts: CorpusCounts;
  /** Changes when the tokenized sequences, their order, the texts (but for case and digits) or the held-out part do. */
  readonly digest: string;
  /** Hash of each text's normalized form, in order; read from disk. */
  readonly textHashes: NumberFile;
  /** What was taken of the columns and what was left out, in one line; absent for lines of text. */
  readonly columns?: string;
  /** Whether an earlier run had tokenized it. */
  readonly fromCache: boolean;
  /** Why it is not in the cache, where it should be. */
  readonly cacheFailure: string | undefined;
  /** Closes the files. */
  close(): void;
}

/**
 * Reads and tokenizes a corpus once, streaming, or takes what an earlier run kept of it or `tokenize` wrote, and draws its held-out part:
 * texts (whole groups, where the data has them) of which no text of the training part is a repetition but for case,
 * white space and digits.
 *
 * @throws BertuneError when no text has a token that may be masked
 */
export async function prepareCorpus(options: CorpusOptions): Promise<Corpus> {
  const { tokenized, folder, found, failure } = await tokenizedOf(options);
  await checkSeen(options, folder);
  const store = new TokenStore(folder, options.tokenizer.vocabularySize);
  const textHashes = new NumberFile(join(folder, textFiles.hashes));
  const drawn = drawHeldOut(tokenized, folder, textHashes, options);
  const { heldOut, excluded, repeated } = drawn;
  const digest = createHash('sha256').update(tokenized.digest).update(`${heldOut} ${excluded}`);
  return {
    store,
    heldOut,
    excluded,
    counts: { ...tokenized.counts, heldOut: drawn.texts, repeated },
    digest: digest.digest('hex'),
    textHashes,
    columns: tokenized.columns,
    fromCache: found,
    cacheFailure: failure,
    close() {
      store.close();
      textHashes.close();
    },
  };
}

/** A corpus that was tokenized before, stands in place of the texts, or is tokenized now. */
async function tokenizedOf(options: CorpusOptions): Promise<CachedCorpus> {
  const made = await tokenizedFolder(options);
  return made ? { ...made, found: true } : cachedCorpus(options, options.cache, options.folder);
}

/** How long a shared file system may take to show what another machine wrote, in seconds. */
const mostLag = 10;

/** @throws UsageError, in all processes, when one of them does not see the tokenized corpus */
async function checkSeen({ collective = alone }: CorpusOptions, folder: string): Promise<void> {
  if (collective.size === 1) return;
  const isThere = () => existsSync(join(folder, textFiles.hashes));
  for (let waited = 0; !isThere() && waited < mostLag; waited += 0.1) await sleep(100);
  const all = await ofEach(collective, { host: hostname(), isThere: isThere() });
  const blind = all.findIndex((each) => !each.isThere);
  if (blind < 0) return;
  throw new UsageError(
    say`process ${blind} on ${all[blind]?.host} does not see the tokenized corpus that process 0 on ${all[0]?.host} has in ${folder}: give ${setting('cache')} a folder that all of them share`,
  );
}

type Hashed = Pick<Corpus, 'textHashes'>;

/** How many texts of `heldOut` also occur in `training`, but for case, white space and digits. */
export function countRepeated(training: Hashed, heldOut: Hashed): number {
  const seen = intersection(new Set(heldOut.textHashes.values()), training.textHashes.values());
  let repeated = 0;
  for (const hash of heldOut.textHashes.values()) if (seen.has(hash)) repeated++;
  return repeated;
}
