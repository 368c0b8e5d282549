import { existsSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { BertuneError, defined, messageOf } from '../core/errors.ts';
import type { BertTokenizer } from '../text/tokenizer.ts';
import { type CutOptions, type TokenizedTexts, tokenizeTexts } from './tokenizedTexts.ts';

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
  tokenizer: BertTokenizer,
  cut: CutOptions,
  threads: number = availableParallelism(),
): AsyncGenerator<{ batch: Batch; tokenized: TokenizedTexts }> {
  const mayStart = threads > 1 && workerFile !== undefined;
  const underWay: { batch: Batch; result: Promise<TokenizedTexts> }[] = [];
  let characters = 0;
  let pool: WorkerPool | undefined;
  try {
    for await (const batch of batches) {
      if (!pool && mayStart && characters > charactersWithoutThreads) {
        pool = new WorkerPool(threads, { files: tokenizer.files(), cut });
      }
      if (!pool) {
        for (const text of batch.texts) characters += text.length;
        yield { batch, tokenized: tokenizeTexts(batch.texts, tokenizer, cut) };
        continue;
      }
      underWay.push({ batch, result: pool.tokenize(batch.texts) });
      if (underWay.length >= threads * batchesAhead) yield await oldest(underWay);
    }
    while (underWay.length > 0) yield await oldest(underWay);
  } finally {
    await pool?.close();
  }
}

/** Node runs no TypeScript below 22, so from the sources there are no threads; a bundle may have left the file out. */
const workerFile = ['./tokenizeWorker.js']
  .map((name) => new URL(name, import.meta.url))
  .find((url) => url.protocol === 'file:' && existsSync(fileURLToPath(url)));

async function oldest<Batch>(
  underWay: { batch: Batch; result: Promise<TokenizedTexts> }[],
): Promise<{ batch: Batch; tokenized: TokenizedTexts }> {
  const { batch, result } = defined(underWay.shift(), 'a batch under way');
  return { batch, tokenized: await result };
}

/** Who waits for an answer of a thread. */
interface Waiting {
  resolve(result: TokenizedTexts): void;
  reject(error: BertuneError): void;
}

class WorkerPool {
  readonly #threads: { readonly worker: Worker; readonly waiting: Waiting[] }[];
  #failure: BertuneError | undefined;

  constructor(threads: number, setup: WorkerSetup) {
    this.#threads = Array.from({ length: threads }, () => {
      // Options of the caller's process, such as --input-type, are none for a file.
      const worker = new Worker(defined(workerFile, 'the worker file'), { workerData: setup, execArgv: [] });
      const waiting: Waiting[] = [];
      worker.on('message', (result: TokenizedTexts) => waiting.shift()?.resolve(result));
      worker.on('messageerror', (error) => this.#fail(error));
      worker.on('error', (error) => this.#fail(error));
      worker.on('exit', (code) => this.#fail(new Error(`it ended with code ${code}`)));
      return { worker, waiting };
    });
  }

  /** Hands texts to the thread with the fewest under way. */
  tokenize(texts: readonly string[]): Promise<TokenizedTexts> {
    const result = new Promise<TokenizedTexts>((resolve, reject) => {
      if (this.#failure) return reject(this.#failure);
      const free = this.#threads.reduce((a, b) => (b.waiting.length < a.waiting.length ? b : a));
      free.waiting.push({ resolve, reject });
      free.worker.postMessage(texts);
    });
    // Whoever asked may have gone before a failure comes.
    result.catch(() => {});
    return result;
  }

  async close(): Promise<void> {
    await Promise.all(this.#threads.map(({ worker }) => worker.terminate()));
  }

  #fail(cause: unknown): void {
    const [line = ''] = messageOf(cause).split('\n');
    this.#failure ??= new BertuneError(`a tokenizing thread failed: ${line}; run again with --threads 1`);
    for (const { waiting } of this.#threads) for (const { reject } of waiting.splice(0)) reject(this.#failure);
  }
}
