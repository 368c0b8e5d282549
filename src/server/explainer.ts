import { BertuneError, counted, UsageError } from '../core/errors.ts';
import type { Explanation } from '../jobs/types.ts';
import { OverloadedError } from './batcher.ts';
import type { ModelThread } from './modelThread.ts';
import type { ExplainQuestion } from './protocol.ts';

export interface ExplainerOptions {
  /** Characters of the texts that may wait; more are refused. */
  readonly mostWaiting: number;
  /** Hears of each request that was explained: its texts and the seconds it took. */
  readonly onExplained?: (texts: number, seconds: number) => void;
}

interface Waiting {
  readonly question: ExplainQuestion;
  readonly signal: AbortSignal;
  resolve(explanations: readonly Explanation[]): void;
  reject(error: Error): void;
}

/**
 * Has one request at a time explained: each text takes dozens of passes, between which the model answers what else it is
 * asked. What its caller no longer waits for ends at the next of them.
 */
export class Explainer {
  readonly #model: ModelThread;
  readonly #options: ExplainerOptions;
  readonly #queue: Waiting[] = [];
  /** What is under way. */
  #current: AbortController | undefined;
  #working: Promise<void> | undefined;
  #isClosing = false;

  constructor(model: ModelThread, options: ExplainerOptions) {
    this.#model = model;
    this.#options = options;
  }

  /** Texts that wait for their turn. */
  get waiting(): number {
    return this.#waitingTexts().length;
  }

  /**
   * What the words of a request's texts do to their labels, in the order of the texts.
   *
   * @param signal ends it when aborted
   * @throws OverloadedError when too much is waiting, or the server stops; UsageError for a text that cannot be explained;
   * BertuneError when the caller is gone or the model's thread has failed
   */
  explain(question: ExplainQuestion, signal: AbortSignal): Promise<readonly Explanation[]> {
    if (this.#isClosing) return Promise.reject(stopping());
    const before = this.#waitingTexts();
    if (before.length > 0 && charactersOf([...before, ...question.texts]) > this.#options.mostWaiting) {
      return Promise.reject(
        new OverloadedError(`waiting to be explained already: ${counted(before.length, 'text')}; ask again later`),
      );
    }
    return new Promise((resolve, reject) => {
      this.#queue.push({ question, signal, resolve, reject });
      this.#working ??= this.#work();
    });
  }

  /** Refuses what waits, lets what is under way come to its end for a while, and resolves when nothing is. */
  async close(graceMs: number): Promise<void> {
    this.#isClosing = true;
    for (const { reject } of this.#queue.splice(0)) reject(stopping());
    const tooLate = setTimeout(() => this.#current?.abort(), graceMs);
    await this.#working;
    clearTimeout(tooLate);
  }

  /** Without those whose caller has gone. */
  #waitingTexts(): string[] {
    return this.#queue.flatMap(({ question, signal }) => (signal.aborted ? [] : question.texts));
  }

  async #work(): Promise<void> {
    for (let next = this.#queue.shift(); next !== undefined; next = this.#queue.shift()) await this.#run(next);
    this.#working = undefined;
  }

  async #run({ question, signal, resolve, reject }: Waiting): Promise<void> {
    if (signal.aborted) return reject(new BertuneError('the caller has gone'));
    const started = performance.now();
    const current = new AbortController();
    this.#current = current;
    signal.addEventListener('abort', () => current.abort(), { once: true });
    try {
      const outcome = await this.#model.explain(question, current.signal);
      if ('answers' in outcome) {
        this.#options.onExplained?.(question.texts.length, (performance.now() - started) / 1000);
        resolve(outcome.answers);
      } else if (current.signal.aborted && !signal.aborted) reject(stopping());
      else reject(outcome.isCallers ? new UsageError(outcome.error) : new BertuneError(outcome.error));
    } catch (error) {
      reject(error as Error);
    }
  }
}

function stopping(): OverloadedError {
  return new OverloadedError('the server stops, and explains nothing more');
}

/** Characters of texts, as strings count them. */
export function charactersOf(texts: readonly string[]): number {
  return texts.reduce((sum, { length }) => sum + length, 0);
}
