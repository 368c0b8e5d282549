import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { SHARE_ENV, Worker } from 'node:worker_threads';
import { BertuneError, messageOf, UsageError } from '../core/errors.ts';
import { Message } from '../core/message.ts';
import type { Explanation } from '../jobs/types.ts';
import { createRunner } from './modelRunner.ts';
import type {
  Answered,
  BatchRequest,
  ExplainQuestion,
  FromThread,
  ModelInfo,
  ModelSetup,
  Outcome,
  ToThread,
} from './protocol.ts';

/** A model in a thread of its own, so that computing holds nobody else. One batch and one explanation at a time. */
export interface ModelThread {
  readonly info: ModelInfo;
  readonly notes: readonly string[];
  /** Why it no longer answers, once it does not. */
  readonly failure: BertuneError | undefined;
  /** @throws BertuneError when the thread has ended */
  run(batch: BatchRequest): Promise<readonly Outcome[]>;
  /** @param signal ends it when aborted, with an error for outcome @throws BertuneError when the thread has ended */
  explain(question: ExplainQuestion, signal: AbortSignal): Promise<Outcome<Explanation>>;
  close(): Promise<void>;
}

/** Node runs no TypeScript below 22, so from the sources there are no threads; a bundle may have left the file out. */
const workerFile = ['./modelWorker.js']
  .map((name) => new URL(name, import.meta.url))
  .find((url) => url.protocol === 'file:' && existsSync(fileURLToPath(url)));

/** Loads a model in a thread, or in this one where there is no file to start one from. Throws what loading throws. */
export async function startModel(setup: ModelSetup): Promise<ModelThread> {
  if (workerFile !== undefined)
    return startThread(new Worker(workerFile, { workerData: setup, execArgv: [], env: SHARE_ENV }), setup);
  return { failure: undefined, ...(await createRunner(setup)) };
}

async function startThread(worker: Worker, { name }: ModelSetup): Promise<ModelThread> {
  let failure: BertuneError | undefined;
  const waiting = new Map<number, { resolve(message: Answered): void; reject(error: BertuneError): void }>();
  const loaded = new Promise<FromThread>((resolve, reject) => {
    worker.once('message', resolve);
    const fail = (cause: unknown) => {
      const [line = ''] = messageOf(cause).split('\n');
      failure ??= new BertuneError(`the thread of ${name} failed: ${line}; start the server again`);
      for (const asked of waiting.values()) asked.reject(failure);
      waiting.clear();
      reject(failure);
    };
    worker.on('messageerror', fail);
    worker.on('error', fail);
    worker.on('exit', (code) => fail(new Error(`it ended with code ${code}`)));
  });
  worker.on('message', (message: FromThread) => {
    if (!('id' in message)) return;
    waiting.get(message.id)?.resolve(message);
    waiting.delete(message.id);
  });
  let asked = 0;
  const ask = (id: number, message: ToThread) =>
    new Promise<Answered>((resolve, reject) => {
      if (failure) return reject(failure);
      waiting.set(id, { resolve, reject });
      worker.postMessage(message);
    });
  const first = await loaded;
  if ('failed' in first) {
    const line = new Message(first.failed);
    throw first.isUsage ? new UsageError(line) : new BertuneError(line);
  }
  if (!('ready' in first)) throw new Error('internal: the thread did not say what it holds');
  return {
    info: first.ready,
    notes: first.notes,
    get failure() {
      return failure;
    },
    async run(batch) {
      const id = asked++;
      const message = await ask(id, { id, batch });
      return 'outcomes' in message ? message.outcomes : [];
    },
    async explain(question, signal) {
      const id = asked++;
      const stop = () => worker.postMessage({ stop: id } satisfies ToThread);
      signal.addEventListener('abort', stop, { once: true });
      try {
        const message = await ask(id, { id, explain: question });
        return 'explained' in message ? message.explained : { answers: [] };
      } finally {
        signal.removeEventListener('abort', stop);
      }
    },
    async close() {
      const ended = new Promise((resolve) => worker.once('exit', resolve));
      if (failure) return;
      worker.postMessage('close' satisfies ToThread);
      await ended;
    },
  };
}
