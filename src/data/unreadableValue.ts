import type { Message } from '../core/message.ts';

/** A value that is neither a text nor a number, nor anything that is written in one way alone. */
export class UnreadableValueError extends Error {
  /** What to say behind the value's place in place of what it is not. */
  readonly advice?: Message;

  /** @param holds what it is, after "holds": `a list` */
  constructor(holds: string, advice?: Message) {
    super(`holds ${holds}`);
    this.advice = advice;
  }
}
