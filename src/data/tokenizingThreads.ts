import { availableParallelism } from 'node:os';
import { defined } from '../core/errors.ts';
import { say, setting } from '../core/message.ts';
import type { TextTokenizer } from '../text/textTokenizer.ts';
import { type CutOptions, type TokenizedTexts, tokenizeTexts } from './tokenizedTexts.ts';
import { WorkerPool, workerFile } from './workerPool.ts';

const tokenizing = { name: 'a tokenizing thread', wayOut: say`run again with ${setting('threads')} 1` };

/** What a tokenizing thread is told once. */
export interface WorkerSetup {
  /** Contents of the tokenizer's files by name. */
  readonly files: ReadonlyMap<string, string>;
  readonly cut: CutOptions;
}

/** Texts to tokenize together, with what else belongs to them. */
export interface TextBatch {
  readonly texts: readonly string[];
}

/** Characters that are tokenized before threads are started: less is done sooner than threads are ready. */
const charactersWithoutThreads = 1_000_000;
/** Batches under way for each thread: enough that none waits, few enough that memory stays small. */
const batchesAhead = 3;

/**
 * Tokenizes batches in worker threads and gives the results in the batches' order: the same whatever the number of
 * threads. With one thread, or few texts, all is done in the caller's.
 *
 * @param threads all cores without it
 * @throws BertuneError when a thread fails
 */
export async function* tokenizeInOrder<Batch extends TextBatch>(
  batches: AsyncIterable<Batch>,
  tokenizer: TextTokenizer,
  cut: CutOptions,
  threads: number = availableParallelism(),
): AsyncGenerator<{ batch: Batch; tokenized: TokenizedTexts }> {
  const underWay: { batch: Batch; result: Promise<TokenizedTexts> }[] = [];
  let characters = 0;
  let pool: WorkerPool<readonly string[], TokenizedTexts> | undefined;
  try {
    for await (const batch of batches) {
      if (!pool && file && threads > 1 && characters > charactersWithoutThreads) {
        const setup: WorkerSetup = { files: tokenizer.files(), cut };
        pool = new WorkerPool(file, tokenizing, threads, setup);
      }
      if (!pool) {
        for (const text of batch.texts) characters += text.length;
        yield { batch, tokenized: tokenizeTexts(batch.texts, tokenizer, cut) };
        continue;
      }
      underWay.push({ batch, result: pool.ask(batch.texts) });
      if (underWay.length >= threads * batchesAhead) yield await oldest(underWay);
    }
    while (underWay.length > 0) yield await oldest(underWay);
  } finally {
    await pool?.close();
  }
}

const file = workerFile('./tokenizeWorker.js', import.meta.url);

async function oldest<Batch>(
  underWay: { batch: Batch; result: Promise<TokenizedTexts> }[],
): Promise<{ batch: Batch; tokenized: TokenizedTexts }> {
  const { batch, result } = defined(underWay.shift(), 'a batch under way');
  return { batch, tokenized: await result };
}
