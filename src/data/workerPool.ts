import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { type Transferable, Worker } from 'node:worker_threads';
import { BertuneError, messageOf } from '../core/errors.ts';
import { type Message, say } from '../core/message.ts';

/**
 * The file of a thread beside a module, when threads can run it: Node runs no TypeScript below 22, so from the sources
 * there are none; a bundle may have left the file out.
 *
 * @param name such as `./tokenizeWorker.js`
 * @param from the module's own URL
 */
export function workerFile(name: string, from: string): URL | undefined {
  const url = new URL(name, from);
  return url.protocol === 'file:' && existsSync(fileURLToPath(url)) ? url : undefined;
}

/** Who waits for an answer of a thread. */
interface Waiting<Answer> {
  resolve(answer: Answer): void;
  reject(error: BertuneError): void;
}

/** Threads that all run one file: each answers its questions in their order, one message a question. */
export class WorkerPool<Question, Answer> {
  readonly #threads: { readonly worker: Worker; readonly waiting: Waiting<Answer>[] }[];
  readonly #name: string;
  readonly #wayOut: string | Message;
  #failure: BertuneError | undefined;

  /**
   * @param name what a message calls one of the threads, with its article
   * @param wayOut what to do when one of them failed
   * @param setup what each thread finds as its `workerData`
   */
  constructor(
    file: URL,
    { name, wayOut }: { name: string; wayOut: string | Message },
    threads: number,
    setup: unknown,
  ) {
    this.#name = name;
    this.#wayOut = wayOut;
    this.#threads = Array.from({ length: threads }, () => {
      // Options of the caller's process, such as --input-type, are none for a file.
      const worker = new Worker(file, { workerData: setup, execArgv: [] });
      const waiting: Waiting<Answer>[] = [];
      worker.on('message', (answer: Answer) => waiting.shift()?.resolve(answer));
      worker.on('messageerror', (error) => this.#fail(error));
      worker.on('error', (error) => this.#fail(error));
      worker.on('exit', (code) => this.#fail(new Error(`it ended with code ${code}`)));
      return { worker, waiting };
    });
  }

  /**
   * Hands a question to the thread with the fewest under way.
   *
   * @throws BertuneError when a thread failed
   */
  ask(question: Question, transfer: readonly Transferable[] = []): Promise<Answer> {
    const answer = new Promise<Answer>((resolve, reject) => {
      if (this.#failure) return reject(this.#failure);
      const free = this.#threads.reduce((a, b) => (b.waiting.length < a.waiting.length ? b : a));
      free.waiting.push({ resolve, reject });
      free.worker.postMessage(question, transfer);
    });
    // Whoever asked may have gone before a failure comes.
    answer.catch(() => {});
    return answer;
  }

  async close(): Promise<void> {
    await Promise.all(this.#threads.map(({ worker }) => worker.terminate()));
  }

  #fail(cause: unknown): void {
    const [line = ''] = messageOf(cause).split('\n');
    this.#failure ??= new BertuneError(say`${this.#name} failed: ${line}; ${this.#wayOut}`);
    for (const { waiting } of this.#threads) for (const { reject } of waiting.splice(0)) reject(this.#failure);
  }
}
