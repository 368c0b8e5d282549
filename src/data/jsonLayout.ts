import { createWriteStream } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';
import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';

/** How the rows of a JSON document that is no list of records were found. */
export interface JsonRows {
  /** A file with a record a line. */
  readonly path: string;
  /** No line has more bytes than this. */
  readonly longestLine: number;
  /** What they were found as: `records under "data"`. */
  readonly layout: string;
}

/** A document whose rows cannot be told. */
export class UnreadableLayoutError extends Error {}

/** Most bytes of a document that is read whole. */
const mostBytes = 256e6;

/**
 * Writes the rows of a JSON document that is one object or list, but no list of records, as JSON lines: records under a
 * key, an object of columns, as pandas and data frames write them, a list of texts.
 *
 * @param target file to write
 * @returns undefined for a document that is read as it is: a list of records, records one after the other, one record
 * @throws UnreadableLayoutError for a document whose rows could be more than one thing
 */
export async function unfoldJson(
  { path, gzip, head }: { readonly path: string; readonly gzip: boolean; readonly head: string },
  target: string,
): Promise<JsonRows | undefined> {
  if (!/^\s*(\{|\[\s*[^\s{])/.test(head)) return undefined;
  if ((await stat(path)).size > mostBytes) return undefined;
  const document = await parsed(path, gzip);
  const found = document === undefined ? undefined : rowsOf(document);
  if (!found) return undefined;
  let longestLine = 0;
  function* lines() {
    for (const row of found?.rows ?? []) {
      const line = Buffer.from(`${JSON.stringify(row)}\n`);
      longestLine = Math.max(longestLine, line.length);
      yield line;
    }
  }
  await pipeline(lines(), createWriteStream(target));
  return { path: target, longestLine, layout: found.layout };
}

/** The document; undefined where it is none, such as records one after the other: who reads it on says so. */
async function parsed(path: string, gzip: boolean): Promise<unknown> {
  const bytes = await readFile(path);
  const plain = gzip ? await promisify(gunzip)(bytes, { maxOutputLength: mostBytes }).catch(() => undefined) : bytes;
  try {
    return plain && JSON.parse(plain.toString('utf8').replace(/^\ufeff/, ''));
  } catch {
    return undefined;
  }
}

interface Found {
  readonly rows: Iterable<Row>;
  readonly layout: string;
}

type Row = Readonly<Record<string, unknown>>;

function rowsOf(document: unknown): Found | undefined {
  if (Array.isArray(document)) return rowsOfList(document);
  if (!isObject(document)) return undefined;
  const values = Object.values(document);
  if (values.length === 0) return undefined;
  return split(document) ?? recordsUnder(document) ?? columnLists(document, values) ?? nestedObjects(document, values);
}

function rowsOfList(list: readonly unknown[]): Found | undefined {
  if (list.length > 0 && list.every((value) => typeof value === 'string')) {
    return { rows: list.map((text) => ({ text })), layout: 'a list of texts' };
  }
  if (list.some(Array.isArray)) {
    throw new UnreadableLayoutError('is a list of lists, whose columns have no names');
  }
  return undefined;
}

/** `{"columns": ["text"], "data": [["a"], ["b"]]}`, pandas' "split". */
function split({ columns, data }: Row): Found | undefined {
  if (!Array.isArray(columns) || !Array.isArray(data) || !data.every(Array.isArray)) return undefined;
  const names = columns.map(String);
  const rows = data.map((row: unknown[]) => Object.fromEntries(names.map((name, i) => [name, row[i] ?? null])));
  return { rows, layout: 'columns and their data apart' };
}

/** `{"version": 1, "data": [{"text": "a"}]}`, up to three keys deep. */
function recordsUnder(document: Row): Found | undefined {
  // An object with a text of its own is a record; what is in it besides belongs to that text.
  if (typeof document.text === 'string') return undefined;
  const lists = recordLists(document, '', 3);
  const [first, ...others] = lists;
  if (!first) return undefined;
  if (others.length > 0) {
    const names = lists.map(({ key }) => JSON.stringify(key)).join(', ');
    throw new UnreadableLayoutError(`is one object with records under more than one key (${names})`);
  }
  return { rows: first.rows, layout: `records under ${JSON.stringify(first.key)}` };
}

function recordLists(object: Row, prefix: string, depth: number): { key: string; rows: Row[] }[] {
  return Object.entries(object).flatMap(([key, value]) => {
    const name = `${prefix}${key}`;
    if (isRecords(value)) return { key: name, rows: value };
    // pandas' "table" says what its columns are under "schema".
    if (depth === 1 || !isObject(value) || (prefix === '' && key === 'schema')) return [];
    return recordLists(value, `${name}.`, depth - 1);
  });
}

/** `{"text": ["a", "b"]}`: every value a list, all as long. */
function columnLists(document: Row, values: readonly unknown[]): Found | undefined {
  if (!values.every(Array.isArray)) return undefined;
  const [first = [], ...others] = values as unknown[][];
  if (others.some(({ length }) => length !== first.length)) {
    throw new UnreadableLayoutError('is an object of lists that are not all as long');
  }
  const columns = Object.entries(document as Readonly<Record<string, unknown[]>>);
  const rows = first.map((_, i) => Object.fromEntries(columns.map(([name, list]) => [name, list[i]])));
  return { rows, layout: 'an object of columns' };
}

/** `{"text": {"0": "a"}}`, pandas' "columns", or `{"0": {"text": "a"}}`, its "index"; the one with numbers tells. */
function nestedObjects(document: Row, values: readonly unknown[]): Found | undefined {
  if (!values.every((value) => isObject(value))) return undefined;
  const objects = values as readonly Row[];
  const inner = new Set(objects.flatMap((object) => Object.keys(object)));
  const areRows = areNumbers(Object.keys(document));
  const areColumns = areNumbers(inner);
  if (areRows && !areColumns) return { rows: objects, layout: 'an object of rows' };
  if (areRows === areColumns) {
    throw new UnreadableLayoutError('is one object of objects: whether they are rows or columns cannot be told');
  }
  const columns = Object.entries(document as Readonly<Record<string, Row>>);
  const rows = Array.from(inner, (key) =>
    Object.fromEntries(columns.map(([name, column]) => [name, column[key] ?? null])),
  );
  return { rows, layout: 'an object of columns' };
}

function areNumbers(keys: Iterable<string>): boolean {
  for (const key of keys) if (!/^\d+$/.test(key)) return false;
  return true;
}

function isRecords(value: unknown): value is Row[] {
  return Array.isArray(value) && value.length > 0 && value.every((item) => isObject(item));
}

function isObject(value: unknown): value is Row {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
