import { BertuneError, InterruptedError, messageOf, UsageError } from '../core/errors.ts';
import { type Message, type Origin, say } from '../core/message.ts';

/** The same failure with the setting that named the place before it. */
export function at(flag: Origin, error: unknown): unknown {
  if (!(error instanceof BertuneError) || error instanceof InterruptedError) return error;
  const Kind = error instanceof UsageError ? UsageError : BertuneError;
  return new Kind(say`${flag}: ${error.line}`);
}

/** Whether asking once more may help. */
export class PassingError extends BertuneError {
  override name = 'PassingError';
}

/** What to throw when no answer comes from a host. @param name of what was asked for, without secrets */
export function connectionFailure(error: unknown, name: string, host: string): BertuneError {
  if (error instanceof BertuneError) return error;
  return new PassingError(`${name}: no connection to ${host} (${reasonOf(error)}); check the address and the network`);
}

/** What to throw for an answer that is none of what was asked for. */
export function answerFailure(status: number, name: string, wayOut: Readonly<Record<number, Message | string>>) {
  const known = wayOut[status];
  if (known !== undefined) return new UsageError(say`${name} ${known}`);
  if (status >= 500 || status === 429 || status === 408) {
    return new PassingError(`${name}: the server answered ${status}, again and again; try later`);
  }
  return new BertuneError(`${name}: the server answered ${status}`);
}

function reasonOf(error: unknown): string {
  let cause = error;
  while (cause instanceof Error && cause.cause !== undefined) cause = cause.cause;
  // Of several addresses of a host, each has its own.
  if (cause instanceof AggregateError && cause.errors.length > 0) cause = cause.errors[0];
  const [line = ''] = messageOf(cause).split('\n');
  return line.trim() || 'no reason was given';
}
