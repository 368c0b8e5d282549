/** What a column holds, as far as its type or its first rows tell. */
export type Kind = keyof typeof kindTitles;

/** What messages call the values of each kind. */
export const kindTitles = {
  text: 'texts',
  bytes: 'bytes',
  integer: 'whole numbers',
  number: 'numbers',
  boolean: 'true or false',
  time: 'times',
  id: 'ids',
  nested: 'lists or objects',
  empty: 'no values',
} as const;

/** What is known of a column of a table. */
export interface Column {
  readonly name: string;
  readonly kind: Kind;
  /** How the file itself calls the type, where it has types: `VARCHAR[]`. */
  readonly type?: string;
  /** Of its first values; absent where they were not looked at. */
  readonly sample?: ColumnSample;
}

export interface ColumnSample {
  /** Values that are not missing. */
  readonly values: number;
  readonly distinct: number;
  /** Mean number of words of a value. */
  readonly words: number;
  /** Some of the distinct values. */
  readonly some: ReadonlySet<string>;
  /** Of a column that is numbers but for some values: the first one that is not, with its row from 1. */
  readonly odd?: { readonly value: string; readonly row: number };
}

/** The kind of a column of which only the first values are known, missing ones as null or blank; with what they are like. */
export function columnOf(name: string, values: readonly (string | null)[]): Column & { readonly sample: ColumnSample } {
  const present = values.filter((value): value is string => value !== null && value.trim() !== '');
  const distinct = new Set(present);
  const words = present.reduce((sum, value) => sum + value.trim().split(/\s+/u).length, 0) / (present.length || 1);
  const kind = kindOf(distinct);
  const sample = { values: present.length, distinct: distinct.size, words, some: distinct };
  return { name, kind, sample: { ...sample, odd: kind === 'text' ? oddValue(values, present) : undefined } };
}

/** The kind of the columns of a DuckDB type, as DESCRIBE names it. */
export function kindOfType(type: string): Kind {
  if (/\[\d*\]$/.test(type) || /^(STRUCT|MAP|UNION|VARIANT|GEOMETRY)\b/.test(type)) return 'nested';
  if (/^DECIMAL\(\d+,\s*0\)$/.test(type) || /^U?(TINY|SMALL|BIG|HUGE)?INT(EGER)?$/.test(type)) return 'integer';
  if (/^(FLOAT|DOUBLE|DECIMAL\(.*\)|BIGNUM)$/.test(type)) return 'number';
  if (/^(DATE|TIME|TIMESTAMP|INTERVAL)/.test(type)) return 'time';
  if (type === 'BOOLEAN') return 'boolean';
  if (type === 'BLOB') return 'bytes';
  if (type === 'UUID') return 'id';
  if (type === '"NULL"') return 'empty';
  return 'text';
}

/** Whether texts may be in a column that nobody named: it is not called a key, and is no column of numbers with a fault. */
export function mayBeText({ name, kind, sample }: Column): boolean {
  return (kind === 'text' || kind === 'bytes') && !sample?.odd && !keyName.test(name.trim());
}

const keyName = /(^|[_\s-])(id|uuid|guid|key|hash)$|^index$/i;

/** Whether a column's name says that it holds keys or times. */
export function isKeyOrTime({ name }: Column): boolean {
  return keyName.test(name.trim()) || timeName.test(name);
}

/** Whether a column holds numbers alone. */
export function isNumeric({ kind }: Column): boolean {
  return kind === 'integer' || kind === 'number';
}

/**
 * Why the values of a column are hardly names of classes: they measure something, are moments, differ from row to row,
 * or are texts; undefined where they may be.
 */
export function hardlyClasses({ name, kind, sample }: Column): string | undefined {
  if (kind === 'number') return 'numbers with fractions';
  if (kind === 'time' || kind === 'id' || kind === 'nested' || kind === 'empty') return kindTitles[kind];
  if (kind === 'integer' && timeName.test(name)) return 'times';
  if (sample && sample.values >= 10 && sample.distinct > sample.values / 2) {
    return sample.words > 3 ? 'texts' : 'hardly a value twice';
  }
  return undefined;
}

const timeName = /(^|[_\s-])(year|date|time|timestamp|month|created|updated|modified)($|[_\s-])|(_a|A)t$/i;

function kindOf(values: ReadonlySet<string>): Kind {
  const all = (pattern: RegExp) => {
    for (const value of values) if (!pattern.test(value.trim())) return false;
    return true;
  };
  if (values.size === 0) return 'empty';
  // Data frames write whole numbers among which some are missing as 1.0.
  if (all(/^[+-]?\d+(\.0*)?$/)) return 'integer';
  if (all(numberPattern)) return 'number';
  if (all(/^(true|false)$/i)) return 'boolean';
  if (all(timePattern)) return 'time';
  if (all(idPattern)) return 'id';
  return 'text';
}

const numberPattern = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i;

const clock = String.raw`\d{1,2}:\d{2}(:\d{2}([.,]\d+)?)?(\s?[ap]\.?m\.?)?\s?(z|utc|gmt|[+-]\d{2}:?\d{2}|[+-]\d{2})?`;
const monthName = '(jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*\\.?';
const day = [
  String.raw`\d{4}[-/.]\d{1,2}([-/.]\d{1,2})?`,
  String.raw`\d{1,2}[-/.]\d{1,2}[-/.](\d{4}|\d{2})`,
  String.raw`([a-z]{3,9},?\s)?\d{1,2}[\s-]${monthName}[\s-]\d{2,4}`,
  String.raw`([a-z]{3,9},?\s)?${monthName}\s\d{1,2},?(\s\d{4})?`,
].join('|');
/** Dates and times as ISO 8601, spreadsheets, e-mails and logs write them. */
const timePattern = new RegExp(
  `^((${day})(([t,]?\\s?|\\sat\\s)${clock}(\\s\\d{4})?)?|\\d{1,2}:\\d{2}(:\\d{2})?)$`,
  'i',
);

/** UUIDs, object ids and digests, addresses of mail and of pages. */
const idPattern =
  /^(\{?[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\}?|(?=.*\d)[0-9a-f]{16,}|[^\s@]+@[^\s@]+\.[^\s@]+|https?:\/\/\S+)$/i;

/** The first value that is no number where most are. */
function oddValue(values: readonly (string | null)[], present: readonly string[]): ColumnSample['odd'] {
  const isNumber = (value: string) => numberPattern.test(value.trim()) || dressedNumber.test(value.trim());
  if (present.filter(isNumber).length < present.length / 2) return undefined;
  const row = values.findIndex((value) => value !== null && value.trim() !== '' && !numberPattern.test(value.trim()));
  return { value: values[row] ?? '', row: row + 1 };
}

/** With a decimal comma, marks between thousands, a currency or a percent sign, as spreadsheets show numbers. */
const dressedNumber = /^[+-]?[$€£¥]?\s?(\d+|\d{1,3}([.,'\s]\d{3})+)([.,]\d+)?\s?[%$€£¥]?$/u;
