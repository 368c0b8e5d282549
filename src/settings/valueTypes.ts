import type { DataOptions } from './data.ts';

/** What values a setting takes, and how the command line and the YAML file write them. */
export interface ValueType<T> {
  /** Completes "must be …". */
  readonly expected: string;
  accepts(value: unknown): value is T;
  /** What the text of a flag, or a value of the YAML file, stands for; itself where it stands for nothing. */
  read(given: unknown): unknown;
  /** What stands for the value in the help; absent for a switch and for what has no flag. */
  readonly argument?: string;
  /** Whether the flag takes several values. */
  readonly repeated?: boolean;
  /** Whether there is a `--no-` flag beside the one with a value. */
  readonly canBeOff?: boolean;
  /** Completes "must be …" for what a flag or the file gave, where that is put otherwise. */
  readonly expectedText?: string;
  /** Of a list: what each item has to be. */
  readonly item?: ValueType<unknown>;
  /** Of a choice: the words, for a mistyped one. */
  readonly words?: readonly string[];
  /** Of an object: its fields, all that it may have. */
  readonly fields?: Readonly<Record<string, Field>>;
  /** How the command line makes the value of what flags gave: from files or a query, or from one path. */
  readonly source?: 'records' | 'path' | 'numbers';
  /** What may be given in place of files, whatever lies there under that name. */
  readonly instead?: readonly string[];
}

export interface Field {
  readonly type: ValueType<unknown>;
  readonly required?: boolean;
}

export type ValueOf<T> = T extends ValueType<infer V> ? V : never;

/** A text that is not empty. */
export function text(argument: string): ValueType<string> {
  return {
    expected: 'a text',
    argument,
    accepts: isText,
    read: (given) => (typeof given === 'number' ? String(given) : given),
  };
}

/** A text that is not empty, or false: switched off. */
export function textOrOff(argument: string): ValueType<string | false> {
  return {
    ...text(argument),
    expected: 'a text, or false',
    canBeOff: true,
    accepts: (value) => value === false || isText(value),
  };
}

/** A text of which white space, too, may be all. */
export function separator(argument: string): ValueType<string> {
  return {
    ...text(argument),
    expected: 'a text of at least one character',
    accepts: (value): value is string => typeof value === 'string' && value !== '',
  };
}

/** A query that DuckDB answers with rows. */
export function query(argument: string): ValueType<string> {
  return matching(argument, 'a query that starts with SELECT, WITH or FROM', /^\s*(select|with|from)\s/i);
}

/** One or several texts: a repeated flag, or a YAML scalar or list. */
export function texts(argument: string): ValueType<readonly string[]> {
  const item = text(argument);
  return {
    expected: 'a list of at least one text',
    argument,
    repeated: true,
    item,
    accepts: (value) => isListOf(item, value),
    read: (given) => (Array.isArray(given) ? given : [given]).map(item.read),
  };
}

/** A text of some form. */
export function matching(argument: string, expected: string, form: RegExp): ValueType<string> {
  return { ...text(argument), expected, accepts: (value): value is string => isText(value) && form.test(value) };
}

/** Words: with commas between them on the command line. */
export function words(argument: string, word: ValueType<string> = text(argument)): ValueType<readonly string[]> {
  return listOf(word, argument);
}

/** Some of a few words. */
export function choices<const T extends string>(...all: readonly T[]): ValueType<readonly T[]> {
  return listOf(choice(...all), all.join(','));
}

/** Whole numbers of at least `least`; not on the command line. */
export function integers(least: number): ValueType<readonly number[]> {
  return listOf(integer(least));
}

/** A whole number of at least `least`, and at most `most`. */
export function integer(least: number, most = Number.MAX_SAFE_INTEGER): ValueType<number> {
  const open = least === 1 ? 'a positive whole number' : `a whole number of at least ${least}`;
  const expected = most < Number.MAX_SAFE_INTEGER ? `a whole number from ${least} to ${most}` : open;
  return number('n', expected, (x) => Number.isSafeInteger(x) && x >= least && x <= most);
}

/** A number that `accepts` takes. */
export function number(argument: string, expected: string, accepts: (x: number) => boolean): ValueType<number> {
  return {
    expected,
    argument,
    accepts: (value): value is number => typeof value === 'number' && Number.isFinite(value) && accepts(value),
    read: readNumber,
  };
}

export function fractionBelow1(argument: string): ValueType<number> {
  return number(argument, 'a fraction from 0 up to but not including 1', (x) => x >= 0 && x < 1);
}

export function notNegative(argument: string): ValueType<number> {
  return number(argument, 'a number of at least 0', (x) => x >= 0);
}

/** One of a few numbers. */
export function oneNumber<const T extends number>(expected: string, ...numbers: readonly T[]): ValueType<T> {
  return {
    expected,
    argument: numbers.join('|'),
    accepts: (value): value is T => numbers.some((number) => number === value),
    read: readNumber,
  };
}

/** One of a few words. */
export function choice<const T extends string>(...choices: readonly T[]): ValueType<T> {
  return {
    expected: [choices.slice(0, -1).join(', '), ...choices.slice(-1)].filter((part) => part !== '').join(' or '),
    argument: choices.join('|'),
    words: choices,
    accepts: (value): value is T => choices.some((word) => word === value),
    read: (given) => given,
  };
}

/** On or off. */
export function toggle(): ValueType<boolean> {
  return {
    expected: 'true or false',
    accepts: (value) => typeof value === 'boolean',
    read: (given) => given,
  };
}

/** What only programs can give. */
export function programs<T>(expected: string, accepts: (value: unknown) => value is T): ValueType<T> {
  return { expected, accepts, read: (given) => given };
}

/** Where texts come from. On the command line: files, or a query, with flags for the columns. */
export function records(argument: string): ValueType<DataOptions> {
  const column = { type: text('name') };
  const fields = {
    files: { type: texts(argument), required: true },
    ...{ textColumn: column, pairColumn: column, labelColumn: column, groupColumn: column, sliceColumn: column },
    ...{ labelSeparator: { type: separator('x') }, labelColumns: { type: words('a,b') } },
  };
  return {
    ...programs('an object such as { files: ["a.csv"] }', (value): value is DataOptions => isRecord(value)),
    ...{ argument, repeated: true, source: 'records', fields },
  };
}

/** The same, or one of some words in their place. */
export function recordsOr<const Word extends string>(
  argument: string,
  ...instead: readonly [Word, ...Word[]]
): ValueType<DataOptions | Word> {
  const of = records(argument);
  return {
    ...of,
    argument: [argument, ...instead].join('|'),
    expected: [of.expected, ...instead.map((word) => JSON.stringify(word))].join(', or '),
    instead,
    accepts: (value): value is DataOptions | Word => instead.some((word) => word === value) || of.accepts(value),
  };
}

/** One path. On the command line the flag is that of `records`, so that a second path is refused in words. */
export function path(argument: string, source: 'path' | 'numbers' = 'path'): ValueType<string> {
  return { ...text(argument), repeated: true, source };
}

function listOf<T>(item: ValueType<T>, argument?: string): ValueType<readonly T[]> {
  return {
    expected: 'a list of at least one item',
    expectedText: 'words with commas between them',
    argument,
    item,
    accepts: (value) => isListOf(item, value),
    read(given) {
      if (Array.isArray(given)) return given.map((one) => trimmed(item.read(one)));
      return isText(given) ? given.split(',').map(trimmed).filter(isText) : given;
    },
  };
}

function isListOf<T>(item: ValueType<T>, value: unknown): value is readonly T[] {
  return Array.isArray(value) && value.length > 0 && value.every((one) => item.accepts(one));
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value.trim() !== '';
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function readNumber(given: unknown): unknown {
  return isText(given) ? Number(given) : given;
}

function trimmed<T>(value: T): T | string {
  return typeof value === 'string' ? value.trim() : value;
}
