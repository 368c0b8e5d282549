import { BertuneError, UsageError } from '../core/errors.ts';
import type { ModelThread } from './modelThread.ts';
import type { Answer, Answers, Question, Task } from './protocol.ts';

/** More is waiting than can be answered soon. */
export class OverloadedError extends BertuneError {
  override name = 'OverloadedError';
}

export interface BatcherOptions {
  /** Texts that may wait; more are refused. */
  readonly mostWaiting?: number;
  /** Hears of each batch: what it was, its texts and the seconds it took. */
  readonly onBatch?: (task: Task, texts: number, seconds: number) => void;
}

interface Waiting {
  readonly task: Task;
  readonly question: Question;
  readonly signal: AbortSignal | undefined;
  resolve(answers: readonly Answer[]): void;
  reject(error: Error): void;
}

/**
 * Characters and texts of one batch. About half of what one block of the engine holds, so that under load one half of the
 * callers is answered and asks again while the other half is computed.
 */
const batchCharacters = 2048;
const batchTexts = 64;

/**
 * Gathers requests that arrive while a model computes, or in one turn of the event loop, into one batch: packed together
 * they take a fraction of what each takes alone. Nobody waits for a batch to become full.
 */
export class Batcher {
  readonly #model: ModelThread;
  readonly #options: BatcherOptions;
  readonly #queue: Waiting[] = [];
  #waitingTexts = 0;
  #isRunning = false;
  #idle: (() => void) | undefined;

  constructor(model: ModelThread, options: BatcherOptions = {}) {
    this.#model = model;
    this.#options = options;
  }

  /** Texts that wait for their batch. */
  get waiting(): number {
    return this.#waitingTexts;
  }

  /**
   * The answers to a question's texts, in their order.
   *
   * @param signal when aborted before its batch begins, the question is dropped
   * @throws OverloadedError when too much is waiting; UsageError for a text that cannot be answered; BertuneError when the
   * model's thread has failed
   */
  ask<T extends Task>(task: T, question: Question, signal?: AbortSignal): Promise<readonly Answers[T][]> {
    const { mostWaiting = 4096 } = this.#options;
    if (this.#waitingTexts > 0 && this.#waitingTexts + question.texts.length > mostWaiting) {
      return Promise.reject(
        new OverloadedError(`${this.#waitingTexts} texts are waiting already; ask again in a second`),
      );
    }
    return new Promise((resolve, reject) => {
      // The runner answers each task in its own way.
      const answer = (answers: readonly Answer[]) => resolve(answers as readonly Answers[T][]);
      this.#queue.push({ task, question, signal, resolve: answer, reject });
      this.#waitingTexts += question.texts.length;
      if (!this.#isRunning) {
        this.#isRunning = true;
        // What arrives in this turn goes along.
        setImmediate(() => void this.#work());
      }
    });
  }

  /** Resolves when nothing is waiting or under way. */
  async drained(): Promise<void> {
    if (!this.#isRunning) return;
    await new Promise<void>((resolve) => {
      this.#idle = resolve;
    });
  }

  async #work(): Promise<void> {
    for (let batch = this.#nextBatch(); batch.length > 0; batch = this.#nextBatch()) await this.#run(batch);
    this.#isRunning = false;
    this.#idle?.();
  }

  async #run(batch: readonly Waiting[]): Promise<void> {
    const questions = batch.map(({ question }) => question);
    const task = batch[0]?.task ?? 'predict';
    const started = performance.now();
    try {
      const outcomes = await this.#model.run({ task, questions });
      const texts = questions.reduce((sum, question) => sum + question.texts.length, 0);
      this.#options.onBatch?.(task, texts, (performance.now() - started) / 1000);
      for (const [i, { resolve, reject }] of batch.entries()) {
        const outcome = outcomes[i];
        if (outcome && 'answers' in outcome) resolve(outcome.answers);
        else
          reject(outcome?.isCallers ? new UsageError(outcome.error) : new BertuneError(outcome?.error ?? 'no answer'));
      }
    } catch (error) {
      for (const { reject } of batch) reject(error as Error);
    }
  }

  /** The oldest questions of one task, as far as they make one batch; a large one is a batch of its own. */
  #nextBatch(): Waiting[] {
    const batch: Waiting[] = [];
    let [characters, texts] = [0, 0];
    while (this.#queue.length > 0) {
      const next = this.#queue[0] as Waiting;
      if (next.signal?.aborted) {
        this.#take();
        next.reject(new BertuneError('the caller has gone'));
        continue;
      }
      characters += next.question.texts.reduce((sum, text) => sum + text.length + overheadOfText, 0);
      texts += next.question.texts.length;
      const isOver = characters > batchCharacters || texts > batchTexts;
      if (batch.length > 0 && (isOver || next.task !== batch[0]?.task)) break;
      batch.push(this.#take());
    }
    return batch;
  }

  #take(): Waiting {
    const next = this.#queue.shift() as Waiting;
    this.#waitingTexts -= next.question.texts.length;
    return next;
  }
}

/** Characters that the two special tokens of a text take the room of. */
const overheadOfText = 8;
