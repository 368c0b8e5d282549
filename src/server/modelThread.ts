import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { SHARE_ENV, Worker } from 'node:worker_threads';
import { BertuneError, messageOf, UsageError } from '../core/errors.ts';
import { Message } from '../core/message.ts';
import { createRunner } from './modelRunner.ts';
import type { BatchRequest, FromThread, ModelInfo, ModelSetup, Outcome } from './protocol.ts';

/** A model in a thread of its own, so that computing holds nobody else. One batch at a time. */
export interface ModelThread {
  readonly info: ModelInfo;
  readonly notes: readonly string[];
  /** Why it no longer answers, once it does not. */
  readonly failure: BertuneError | undefined;
  /** @throws BertuneError when the thread has ended */
  run(batch: BatchRequest): Promise<readonly Outcome[]>;
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
  let waiting: { resolve(message: FromThread): void; reject(error: BertuneError): void } | undefined;
  const fail = (cause: unknown) => {
    const [line = ''] = messageOf(cause).split('\n');
    failure ??= new BertuneError(`the thread of ${name} failed: ${line}; start the server again`);
    waiting?.reject(failure);
    waiting = undefined;
  };
  worker.on('message', (message: FromThread) => {
    waiting?.resolve(message);
    waiting = undefined;
  });
  worker.on('messageerror', fail);
  worker.on('error', fail);
  worker.on('exit', (code) => fail(new Error(`it ended with code ${code}`)));
  const next = () =>
    new Promise<FromThread>((resolve, reject) => {
      if (failure) reject(failure);
      else waiting = { resolve, reject };
    });
  const first = await next();
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
      const answer = next();
      worker.postMessage(batch);
      const message = await answer;
      return 'outcomes' in message ? message.outcomes : [];
    },
    async close() {
      const ended = new Promise((resolve) => worker.once('exit', resolve));
      if (failure) return;
      worker.postMessage('close');
      await ended;
    },
  };
}
