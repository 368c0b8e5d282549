import { DuckDBDecimalValue, type DuckDBValue } from '@duckdb/node-api';
import { type CsvDialect, type CsvFile, csvHeader, csvScan, lineScan, stringColumns, tsvQuote } from './csv.ts';
import { type Database, identifier, quoted, quotedFile } from './duckdb.ts';
import type { Format } from './source.ts';

export interface Column {
  readonly name: string;
  /** Whether it holds strings, as far as the beginning of the file tells. */
  readonly isString: boolean;
  /** Whether it holds numbers alone, as far as that tells: dates and true or false are neither. */
  readonly isNumber: boolean;
}

/** A file or query that DuckDB can read: its columns and how to get at them. */
export interface Table {
  readonly columns: readonly Column[];
  /** SQL for the rows, in order: the text, then the other columns. */
  select(text: string, others: readonly string[]): string;
  /** The text in a value of the first selected column; null counts as empty. */
  textOf(value: DuckDBValue): string;
  /** The label, group or id in a value of the others; undefined for null. */
  keyOf(value: DuckDBValue): string | number | undefined;
}

/** A file that DuckDB can read as it is: UTF-8 where it is text. */
export interface TableFile extends CsvFile {
  readonly format: Format;
  /** The beginning of the text, without a byte order mark; empty for binary formats. */
  readonly head: string;
}

/** @throws what DuckDB throws on a malformed file. */
export async function openTable(file: TableFile, database: Database): Promise<Table> {
  switch (file.format) {
    case 'text':
      return plainText(file);
    case 'csv': {
      const { names, delimiter } = csvHeader(file.head);
      return delimited(file, names, { delimiter, quote: '"' }, database);
    }
    case 'tsv': {
      const { names, delimiter } = csvHeader(file.head, '\t');
      return delimited(
        file,
        names,
        { delimiter, quote: await tsvQuote(file, numberedNames(names), database) },
        database,
      );
    }
    case 'jsonl':
    case 'json':
      return json(file, database);
    case 'parquet':
      return typed(`read_parquet(${quotedFile(file.path)})`, database);
    case 'xlsx':
      throw new Error('internal: workbooks are read as CSV');
  }
}

/** A query as a table. @throws what DuckDB throws on a query it refuses. */
export function openQuery(sql: string, database: Database): Promise<Table> {
  // The line break keeps a comment at the query's end from swallowing the parenthesis.
  return typed(`(${sql}\n)`, database);
}

function plainText(file: TableFile): Table {
  return {
    columns: [{ name: 'text', isString: true, isNumber: false }],
    select: () => `SELECT text FROM ${lineScan(file)} WHERE text IS NOT NULL`,
    textOf: textOf,
    keyOf: () => undefined,
  };
}

async function delimited(
  file: TableFile,
  names: readonly string[],
  dialect: CsvDialect,
  database: Database,
): Promise<Table> {
  // To DuckDB, names that differ in case alone are the same.
  const places = numberedNames(names);
  const placeOf = (name: string) => places[names.indexOf(name)] ?? name;
  const scan = csvScan(file, places, dialect);
  const areStrings = await stringColumns(scan, places, database);
  return {
    columns: names.map((name, index) => {
      const isString = areStrings[index] === true;
      return { name, isString, isNumber: !isString };
    }),
    select: (text, others) => `SELECT ${identifiers([text, ...others].map(placeOf))} FROM ${scan}`,
    textOf,
    keyOf: (value) => (value === null ? undefined : numberIfCanonical(String(value))),
  };
}

function numberedNames(names: readonly string[]): string[] {
  return names.map((_, index) => `column${index}`);
}

async function json(file: TableFile, database: Database): Promise<Table> {
  const objectSize = Math.max(16 << 20, file.format === 'jsonl' ? file.longestLine + 1024 : 0);
  const scan = (settings: string) =>
    `read_json(${quotedFile(file.path)}, format=${file.format === 'jsonl' ? "'newline_delimited'" : "'auto'"}, ` +
    `records=true, compression=${file.gzip ? "'gzip'" : "'uncompressed'"}, maximum_object_size=${objectSize}, ${settings})`;
  return {
    columns: await describe(scan('maximum_depth=2'), database),
    // Types are stated, not guessed from the first rows: a label that is a string in row 100,000 is no error. Read as
    // JSON, the others still tell 1 from "1".
    select: (text, others) => {
      const types = [`${quoted(text)}: 'VARCHAR'`, ...others.map((name) => `${quoted(name)}: 'JSON'`)];
      return `SELECT ${identifiers([text, ...others])} FROM ${scan(`columns={${types.join(', ')}}`)}`;
    },
    textOf,
    keyOf: (value) => (value === null ? undefined : jsonKey(String(value))),
  };
}

async function typed(relation: string, database: Database): Promise<Table> {
  return {
    columns: await describe(relation, database),
    select: (text, others) => `SELECT ${identifiers([text, ...others])} FROM ${relation}`,
    textOf,
    keyOf: typedKey,
  };
}

const numberType = /^(U?(TINY|SMALL|BIG|HUGE)?INT(EGER)?|FLOAT|DOUBLE|DECIMAL\(.*\))$/;

async function describe(relation: string, database: Database): Promise<Column[]> {
  const rows = await database.all(`DESCRIBE SELECT * FROM ${relation}`);
  return rows.map(([name, type]) => ({
    name: String(name),
    isString: type === 'VARCHAR',
    isNumber: numberType.test(String(type)),
  }));
}

function identifiers(names: readonly string[]): string {
  return names.map(identifier).join(', ');
}

function textOf(value: DuckDBValue): string {
  return value === null ? '' : String(value);
}

/** A number where writing it gives the same characters again: "12" but not "012" or "1.0". */
function numberIfCanonical(text: string): string | number {
  return /^(0|-?[1-9]\d{0,14})$/.test(text) ? Number(text) : text;
}

function jsonKey(text: string): string | number | undefined {
  const value: unknown = JSON.parse(text);
  if (value === null) return undefined;
  if (typeof value === 'string') return value;
  if (typeof value === 'number' && (Number.isSafeInteger(value) || !Number.isInteger(value))) return value;
  return text;
}

function typedKey(value: DuckDBValue): string | number | undefined {
  if (value === null) return undefined;
  if (typeof value === 'bigint') return Number.isSafeInteger(Number(value)) ? Number(value) : String(value);
  if (typeof value === 'number') return Number.isNaN(value) ? undefined : value;
  if (value instanceof DuckDBDecimalValue) return value.toDouble();
  return String(value);
}
