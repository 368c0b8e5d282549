import {
  DuckDBArrayValue,
  DuckDBBlobValue,
  DuckDBDecimalValue,
  DuckDBListValue,
  DuckDBTimestampTZValue,
  DuckDBTimestampValue,
  type DuckDBValue,
} from '@duckdb/node-api';
import { kindOfType } from './columnKinds.ts';
import { UnreadableValueError } from './unreadableValue.ts';
import { listIn } from './writtenLists.ts';

/** What a value of a column is as a text, and as a label, group or id; undefined where it is missing. */
export interface ValueReader {
  text(value: DuckDBValue): string | undefined;
  /** A number where the value is one that a number holds exactly. */
  key(value: DuckDBValue): string | number | undefined;
  /** The items of a list as labels; undefined where it is missing. @throws UnreadableValueError for what is no list of labels */
  list(value: DuckDBValue): string[] | undefined;
  /** Byte sequences that were not UTF-8 and became U+FFFD. */
  readonly replaced: number;
}

/** Values of a delimited file: as they are written. */
export function writtenReader(): ValueReader {
  return {
    text: (value) => (value === null ? undefined : String(value)),
    key: (value) => (value === null ? undefined : numberIfCanonical(String(value))),
    list: (value) => (value === null ? undefined : listIn(String(value))),
    replaced: 0,
  };
}

/** Values that come as JSON. */
export function jsonReader(): ValueReader {
  return {
    text(value) {
      const key = jsonKey(value);
      return key === undefined ? undefined : String(key);
    },
    key: jsonKey,
    list(value) {
      const list: unknown = value === null ? null : JSON.parse(String(value));
      if (list === null) return undefined;
      if (typeof list === 'string') return listIn(list);
      if (!Array.isArray(list)) throw new UnreadableValueError(titleOfJson(list));
      return list.flatMap((item) => (item === null ? [] : String(jsonKey(JSON.stringify(item)))));
    },
    replaced: 0,
  };
}

/**
 * Values of a DuckDB type: bytes are UTF-8, decimals exact, floats of 32 bits as short as they can be told apart, times
 * as ISO 8601 with a space, those with a time zone in UTC.
 */
export function typedReader(type: string): ValueReader {
  if (type === 'JSON') return jsonReader();
  const bytes = new Bytes();
  const key = (value: DuckDBValue): string | number | undefined => {
    if (value === null) return undefined;
    if (typeof value === 'string') return value;
    if (typeof value === 'number') return numberKey(type === 'FLOAT' ? shortestFloat(value) : value);
    if (typeof value === 'bigint') return integerKey(value);
    if (value instanceof DuckDBDecimalValue) return decimalKey(value);
    if (value instanceof DuckDBBlobValue) return bytes.decode(value.bytes);
    if (value instanceof DuckDBTimestampTZValue) return `${new DuckDBTimestampValue(value.micros)}+00`;
    if (kindOfType(type) === 'nested') throw new UnreadableValueError(`${nestedTitle(type)} (${type})`);
    return String(value);
  };
  return {
    key,
    list(value) {
      if (value === null) return undefined;
      if (typeof value === 'string') return listIn(value);
      if (!(value instanceof DuckDBListValue || value instanceof DuckDBArrayValue)) {
        throw new UnreadableValueError(kindOfType(type) === 'nested' ? nestedTitle(type) : 'one value');
      }
      return value.items.flatMap((item) => key(item) ?? []).map(String);
    },
    text(value) {
      if (value instanceof DuckDBDecimalValue) return value.toString();
      const found = key(value);
      return found === undefined ? undefined : String(found);
    },
    get replaced() {
      return bytes.replaced;
    },
  };
}

/** What messages call values of a nested type. */
export function nestedTitle(type: string): string {
  if (type.endsWith(']') || type === 'list') return 'a list';
  return type.startsWith('MAP') ? 'a map' : type.startsWith('STRUCT') ? 'a struct' : 'an object';
}

/** A number where writing it gives the same characters again: "12" but not "012" or "1.0". */
function numberIfCanonical(text: string): string | number {
  return /^(0|-?[1-9]\d{0,14})$/.test(text) ? Number(text) : text;
}

function titleOfJson(value: unknown): string {
  return typeof value === 'object' ? 'an object' : 'one value';
}

function jsonKey(json: DuckDBValue): string | number | undefined {
  if (json === null) return undefined;
  const written = String(json);
  const value: unknown = JSON.parse(written);
  if (value === null) return undefined;
  if (typeof value === 'string') return value;
  if (typeof value === 'object') throw new UnreadableValueError(Array.isArray(value) ? 'a list' : 'an object');
  if (typeof value === 'number' && (Number.isSafeInteger(value) || !Number.isInteger(value))) return value;
  return written;
}

function numberKey(value: number): string | number | undefined {
  if (Number.isNaN(value)) return undefined;
  return Number.isFinite(value) ? value : String(value);
}

function integerKey(value: bigint): string | number {
  return Number.isSafeInteger(Number(value)) ? Number(value) : String(value);
}

/** Without zeros behind the point, so that 2.00 and 2 are the same. */
function decimalKey(value: DuckDBDecimalValue): string | number {
  const text = value.toString();
  return numberIfCanonical(text.includes('.') ? text.replace(/\.?0+$/, '') : text);
}

/** The number with the fewest digits that rounds to the same float of 32 bits: 0.1, not 0.10000000149011612. */
function shortestFloat(value: number): number {
  if (!Number.isFinite(value)) return value;
  for (let digits = 6; digits < 9; digits++) {
    const short = Number(value.toPrecision(digits));
    if (Math.fround(short) === value) return short;
  }
  return Number(value.toPrecision(9));
}

/** Decodes bytes as UTF-8 and counts what is none. */
class Bytes {
  replaced = 0;
  readonly #decoder = new TextDecoder();

  /** @throws UnreadableValueError for bytes that are no text */
  decode(bytes: Uint8Array): string {
    if (bytes.includes(0)) throw new UnreadableValueError('bytes that are no text (a zero byte among them)');
    const text = this.#decoder.decode(bytes);
    const own = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.replaced += occurrences(text) - occurrences(own.toString('latin1'), '\xef\xbf\xbd');
    return text;
  }
}

function occurrences(text: string, part = '\ufffd'): number {
  return text.includes(part) ? text.split(part).length - 1 : 0;
}
