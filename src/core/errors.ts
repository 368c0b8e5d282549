import { type Message, say } from './message.ts';

/** What went wrong, in one line that names the thing and the way out. The terminal shows the message alone. */
export class BertuneError extends Error {
  override name = 'BertuneError';
  /** Exit status of the command that fails with this error. */
  readonly exitCode: number = 1;
  readonly #line: Message;
  readonly #what: Message;

  /** @param wayOut the end of the line, apart where a caller may know a better one */
  constructor(what: string | Message, wayOut?: string | Message) {
    const line = wayOut === undefined ? say`${what}` : say`${what}: ${wayOut}`;
    super(String(line));
    this.#line = line;
    this.#what = say`${what}`;
  }

  /** The message, with the settings that it names apart. */
  get line(): Message {
    return this.#line;
  }

  /** The message without its way out, where that is apart. */
  get what(): Message {
    return this.#what;
  }
}

/** Wrong usage: a setting, path or column that the caller has to change. */
export class UsageError extends BertuneError {
  override name = 'UsageError';
  override readonly exitCode = 2;
}

/** The run was asked to stop; what it saved can be resumed. */
export class InterruptedError extends BertuneError {
  override name = 'InterruptedError';
  override readonly exitCode = 130;
}

/** The message of anything thrown, with the settings that it names apart. */
export function lineOf(error: unknown): Message {
  return error instanceof BertuneError ? error.line : say`${messageOf(error)}`;
}

/** The message of anything thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** The value, for lookups that the caller has already made sure of. */
export function defined<T>(value: T | undefined | null, what: string): T {
  if (value === undefined || value === null) throw new Error(`internal: ${what} is missing`);
  return value;
}

/** "1 line", "2 lines". */
export function counted(count: number, noun: string, plural = `${noun}s`): string {
  // By hand: loading a locale for it would hold up the start of every command.
  const digits = String(count).replace(/\B(?=(\d{3})+$)/g, ',');
  return `${digits} ${count === 1 ? noun : plural}`;
}

/** A title with its article: "a BERT", "an MLM head". */
export function withArticle(title: string): string {
  return `${/^([aeiou]|MLM\b)/i.test(title) ? 'an' : 'a'} ${title}`;
}
