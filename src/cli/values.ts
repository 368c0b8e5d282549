import { UsageError } from '../core/errors.ts';
import { didYouMean } from './suggest.ts';

/**
 * How the value of one option is read, from the text of a flag as well as from a YAML value.
 *
 * `name` is what a message calls the option.
 */
export interface ValueType<T> {
  /** What stands for the value in the help; absent for a switch. */
  readonly argument?: string;
  /** Whether the flag takes several values. */
  readonly repeated?: boolean;
  /** Whether there is a `--no-` flag beside the one with a value. */
  readonly canBeOff?: boolean;
  /** @throws UsageError when the value is not one of this type. */
  read(value: unknown, name: string): T;
}

/** A text that is not empty. */
export function text(argument: string): ValueType<string> {
  return { argument, read: readText };
}

/** A text that is not empty, or false: switched off. */
export function textOrOff(argument: string): ValueType<string | false> {
  return { argument, canBeOff: true, read: (value, name) => (value === false ? false : readText(value, name)) };
}

/** A query that DuckDB answers with rows. */
export function query(argument: string): ValueType<string> {
  return {
    argument,
    read(value, name) {
      const sql = readText(value, name);
      return /^\s*(select|with|from)\s/i.test(sql)
        ? sql
        : refuse(name, 'a query that starts with SELECT, WITH or FROM', value);
    },
  };
}

/** One or several texts: a repeated flag, or a YAML scalar or list. */
export function texts(argument: string): ValueType<readonly string[]> {
  return {
    argument,
    repeated: true,
    read(value, name) {
      const values: unknown[] = Array.isArray(value) ? value : [value];
      if (values.length === 0) refuse(name, 'at least one value', value);
      return values.map((item) => readText(item, name));
    },
  };
}

/** Words with commas between them, or a YAML list of words. */
export function words(argument: string): ValueType<readonly string[]> {
  return {
    argument,
    read(value, name) {
      const list: unknown[] = Array.isArray(value) ? value : readText(value, name).split(',');
      const found = list.map((item) => readText(item, name).trim()).filter((word) => word !== '');
      return found.length > 0 ? found : refuse(name, 'words with commas between them', value);
    },
  };
}

/** A whole number of at least `least`. */
export function integer(least: number, argument = 'n'): ValueType<number> {
  const expected = least === 1 ? 'a positive whole number' : `a whole number of at least ${least}`;
  return {
    argument,
    read: (value, name) => readNumber(value, name, expected, (x) => Number.isSafeInteger(x) && x >= least),
  };
}

/** A number that `accepts` takes; `expected` completes "must be …". */
export function number(argument: string, expected: string, accepts: (x: number) => boolean): ValueType<number> {
  return { argument, read: (value, name) => readNumber(value, name, expected, accepts) };
}

/** One of a few words. */
export function choice<const T extends string>(...choices: readonly T[]): ValueType<T> {
  return {
    argument: choices.join('|'),
    read(value, name) {
      const found = choices.find((item) => item === value);
      if (found !== undefined) return found;
      return refuse(name, choices.join(' or '), value, didYouMean(String(value), choices));
    },
  };
}

/** Some of a few words, with commas between them, or a YAML list. */
export function choices<const T extends string>(...all: readonly T[]): ValueType<readonly T[]> {
  const one = choice(...all);
  const list = words(all.join(','));
  return { argument: all.join(','), read: (value, name) => list.read(value, name).map((word) => one.read(word, name)) };
}

/** On or off. */
export function toggle(): ValueType<boolean> {
  return { read: (value, name) => (typeof value === 'boolean' ? value : refuse(name, 'true or false', value)) };
}

function readText(value: unknown, name: string): string {
  if (typeof value === 'number') return String(value);
  if (typeof value === 'string' && /^--[a-z]/.test(value)) refuse(name, 'a value, not the next flag', value);
  return typeof value === 'string' && value.trim() !== '' ? value : refuse(name, 'a text', value);
}

function readNumber(value: unknown, name: string, expected: string, accepts: (x: number) => boolean): number {
  const number = typeof value === 'string' && value.trim() !== '' ? Number(value) : value;
  return typeof number === 'number' && Number.isFinite(number) && accepts(number)
    ? number
    : refuse(name, expected, value);
}

function refuse(name: string, expected: string, value: unknown, hint = ''): never {
  throw new UsageError(`${name} must be ${expected}, got ${JSON.stringify(value) ?? 'nothing'}${hint}`);
}
