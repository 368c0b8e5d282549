import { existsSync, rmSync } from 'node:fs';
import { readdir, rename } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { alone } from '../core/collective.ts';
import { UsageError } from '../core/errors.ts';
import { removeMade, writeError } from '../core/files.ts';
import { throwIfAborted } from '../core/interrupt.ts';
import { type Message, say, setting } from '../core/message.ts';
import { sha256 } from '../data/cacheFolder.ts';
import { isTokenized } from '../data/corpusWriter.ts';
import { type TokenizedCorpus, type TokenizingOptions, tokenizeCorpus } from '../data/tokenizedCorpus.ts';
import { finishFolder, makingOf } from '../data/tokenizedFolder.ts';
import { readPartHeader, type TokenizedPartHeader, tokenizePart } from '../data/tokenizedPart.ts';
import { inspectText } from '../hub/textFolder.ts';
import type { OptionsOf } from '../settings/options.ts';
import { resolve } from '../settings/resolve.ts';
import type { TextTokenizer } from '../text/textTokenizer.ts';
import { loadTokenizer } from '../text/tokenizer.ts';
import { type FoundModel, findModel, readFound } from './findModel.ts';
import { activity, fetching, note } from './note.ts';
import { takeOutput } from './outputFolder.ts';
import { checkOrder, digestOfSources, partName } from './shardedOutput.ts';
import { type Shard, shardFor } from './shards.ts';
import { checkTokenizer, sequenceLength } from './textModel.ts';
import { throttled } from './training.ts';
import type { JobHooks } from './types.ts';

/** Its `output` is a folder. */
export interface TokenizeOptions extends OptionsOf<'tokenize'> {}

export interface TokenizeResult {
  /** Of the corpus, or with `shard` of the part. */
  readonly counts: TokenizedCorpus['counts'];
  /** With `shard`: whether the part has whole files, or lists of rows of all of them. */
  readonly by?: TokenizedPartHeader['by'];
  /** The folder, or with `shard` that of the part. */
  readonly output: string;
}

/**
 * Tokenizes a corpus to a folder that `adapt`, `pretrain` and `evaluate` take in place of the texts, or one part of it,
 * which `join` puts together. What is written appears when it is whole.
 *
 * @throws UsageError for options, paths or columns to change; BertuneError for data that cannot be used;
 * InterruptedError
 */
export async function tokenize(options: TokenizeOptions, hooks: JobHooks = {}): Promise<TokenizeResult> {
  const { corpus, output, overlap, threads, overwrite } = resolve('tokenize', options);
  const flag = setting('corpus');
  const shard = shardFor(options.shard, hooks.collective ?? alone);
  if (!shard) await checkFree(output, overwrite);
  const found = await findModel(options.model, options, hooks);
  const { tokenizer, maxLength } = await tokenizerOf(found, options.maxLength, hooks);
  if (overlap >= maxLength / 2) {
    throw new UsageError(
      say`${setting('overlap')} ${overlap} is not below half of ${setting('maxLength')} ${maxLength}; use at most ${Math.ceil(maxLength / 2) - 1}`,
    );
  }
  const report = throttled((done) => hooks.onEvent?.({ type: 'progress', ...activity(say`tokenizing ${flag}`), done }));
  const tokenizing: TokenizingOptions = {
    records: { ...corpus, flag, onNote: (line) => note(hooks, line), onFetch: fetching(hooks) },
    ...{ tokenizer, mostTokens: maxLength - tokenizer.frame.size, overlap, threads },
    onProgress: (texts) => {
      throwIfAborted(hooks.signal);
      report(texts);
    },
  };
  if (shard) return tokenizeShard({ ...options, shard }, tokenizing, hooks);
  const counts = await written(output, 'tokenize', async (folder) => {
    const tokenized = await tokenizeCorpus(tokenizing, folder);
    if (tokenized.columns !== undefined) note(hooks, say`${flag}: ${tokenized.columns}`);
    await finishFolder(folder, { making: makingOf(tokenizing), tokenized });
    return tokenized.counts;
  });
  return { counts, output };
}

/**
 * Makes a folder that appears when it is whole, in place of what is there. What is written lies beside it, taken for this
 * process, until then; it goes when writing fails.
 */
export async function written<T>(path: string, command: string, write: (folder: string) => Promise<T>): Promise<T> {
  const folder = `${path}.partial`;
  const { lock, made } = takeOutput(folder, command);
  try {
    // What a killed process left.
    await emptied(folder);
    const result = await write(folder);
    lock.release();
    rmSync(path, { recursive: true, force: true });
    await rename(folder, path);
    return result;
  } catch (error) {
    lock.release();
    rmSync(folder, { recursive: true, force: true });
    if (made !== undefined && existsSync(made)) removeMade(made, dirname(folder));
    throw writeError(path, error);
  }
}

/** @throws UsageError where a folder holds something that is not to be replaced */
export async function checkFree(output: string, mayReplace: boolean): Promise<void> {
  const names = existsSync(output) ? await readdir(output).catch(() => undefined) : [];
  if (names?.length === 0) return;
  if (names === undefined || !isTokenized(output)) {
    throw new UsageError(say`${setting('output')} ${output} holds other things; choose an empty or new folder`);
  }
  if (mayReplace) return;
  throw new UsageError(
    say`${setting('output')} ${output} holds a tokenized corpus; replace it with ${setting('overwrite')}, or choose another folder`,
  );
}

async function emptied(folder: string): Promise<void> {
  for (const name of await readdir(folder)) {
    if (!name.startsWith('.')) rmSync(join(folder, name), { recursive: true, force: true });
  }
}

async function tokenizeShard(
  { corpus, output, shard }: Pick<TokenizeOptions, 'corpus' | 'output'> & { readonly shard: Shard },
  tokenizing: TokenizingOptions,
  hooks: JobHooks,
): Promise<TokenizeResult> {
  checkOrder(corpus);
  const path = partName(output, shard);
  const making = makingOf(tokenizing);
  const work = sha256(JSON.stringify(making));
  const sources = await digestOfSources(corpus, setting('corpus'));
  const before = readPartHeader(path);
  const result = ({ by, tokenized: { counts } }: TokenizedPartHeader) => ({ counts, by, output: path });
  if (before && before.work === work && sources !== undefined && before.sources === sources) {
    note(hooks, say`${path} is there already, whole and of the same work: kept`);
    return result(before);
  }
  if (before) note(hooks, say`${path} is of other data, another tokenizer or other settings: it is made anew`);
  else if (existsSync(path))
    throw new UsageError(
      say`${path} is no part of a tokenized corpus; remove it, or choose another ${setting('output')}`,
    );
  const header = await written(path, 'tokenize', (folder) =>
    tokenizePart(tokenizing, shard, { work, sources, making }, folder),
  );
  return result(header);
}

/** The tokenizer of a model or of a folder that has no more, and the length of sequences. */
async function tokenizerOf(
  found: FoundModel,
  asked: number | undefined,
  hooks: JobHooks,
): Promise<{ readonly tokenizer: TextTokenizer; readonly maxLength: number }> {
  const onNote = (line: string | Message) => note(hooks, line);
  const isModel = ['config.json', 'modules.json'].some((name) => existsSync(join(found.folder, name)));
  return readFound(
    found,
    async (folder, onFolderNote) => {
      if (!isModel) return { tokenizer: loadTokenizer(folder, { onNote: onFolderNote }), maxLength: asked ?? 128 };
      const facts = await inspectText(folder);
      const lowerCase = facts.sentence?.lowerCase;
      const tokenizer = loadTokenizer(facts.folder, { lowerCase, onNote: onFolderNote });
      checkTokenizer(tokenizer, facts.model, found.name);
      return { tokenizer, maxLength: sequenceLength({ ...facts, tokenizer }, asked, found.name) };
    },
    onNote,
  );
}
