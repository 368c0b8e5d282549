import { type Column, columnOf, kindOfType } from './columnKinds.ts';
import { type CsvDialect, type CsvFile, csvHeader, csvScan, lineScan, longestLine, pathList, tsvQuote } from './csv.ts';
import { type Database, identifier, quoted, quotedFile } from './duckdb.ts';
import { withEvenLines } from './evenLines.ts';
import type { Format } from './fileNames.ts';
import { unfoldJson } from './jsonLayout.ts';
import { jsonReader, typedReader, type ValueReader, writtenReader } from './values.ts';

/** A file or query that DuckDB can read: its columns and how to get at them. */
export interface Table {
  readonly columns: readonly Column[];
  /** Whether the names of the columns are a line of the file, which may be a row of a file without a header. */
  readonly hasHeaderLine: boolean;
  /** How the rows were found in a document that is no list of records. */
  readonly layout?: string;
  /** The columns with a sample of each, for what has to be guessed. */
  look(): Promise<readonly Column[]>;
  /** SQL for the rows, in order, with these columns. */
  select(names: readonly string[]): string;
  /** What reads the values of a column. */
  reader(name: string): ValueReader;
  /** For small files, which one statement reads one after the other sooner than many. */
  readonly joint?: Joint;
}

export interface Joint {
  /** The same of files that can be read together. */
  readonly key: string;
  readonly file: TableFile;
  /** SQL for the rows of the files, in order, with these columns. */
  select(files: readonly TableFile[], names: readonly string[]): string;
}

/** A file that DuckDB can read as it is: UTF-8 where it is text. */
export interface TableFile extends CsvFile {
  readonly format: Format;
  /** The beginning of the text, without a byte order mark; empty for binary formats. */
  readonly head: string;
  /** Whether that is all of it. */
  readonly isWhole: boolean;
  /** Whether the path is an address, read where it lies. */
  readonly isRemote?: boolean;
}

/**
 * @param like a table of the same format, for a further file: where a small one has its columns, they are taken for known
 * @throws what DuckDB throws on a malformed file; UnreadableLayoutError for a JSON document whose rows cannot be told
 */
export async function openTable(given: TableFile, database: Database, like?: Table): Promise<Table> {
  switch (given.format) {
    case 'text':
      return plainText(given);
    case 'csv': {
      const { names, ...dialect } = csvHeader(given.head);
      const file = await evened(given, dialect.delimiter, database);
      return delimited(file, names, { ...dialect, quote: '"' }, database, like);
    }
    case 'tsv': {
      if (holdsNoTab(given.head))
        return {
          ...(await openTable({ ...given, format: 'csv' }, database)),
          layout: 'a .csv file, since it holds no tabs',
        };
      const { names, ...dialect } = csvHeader(given.head, '\t');
      const file = await evened(given, dialect.delimiter, database);
      const isPlain = file.isWhole && !file.head.includes('"');
      const quote = isPlain ? '"' : await tsvQuote(file, numberedNames(names), database);
      return delimited(file, names, { ...dialect, quote }, database, like);
    }
    case 'jsonl':
    case 'json':
      return json(given, database, like);
    case 'parquet':
      return openRelation(`read_parquet(${given.isRemote ? quoted(given.path) : quotedFile(given.path)})`, database);
    case 'xlsx':
      throw new Error('internal: workbooks are read as CSV');
  }
}

/** Whether a file that is named for its tabs has none, but other delimiters in each of its first lines. */
function holdsNoTab(head: string): boolean {
  if (head.includes('\t')) return false;
  const { names, delimiter } = csvHeader(head);
  const [, second = ''] = head.split(/\r\n|\n|\r/);
  const values = csvHeader(second, delimiter).names;
  return (
    names.length > 1 && values.length === names.length && names.every((name) => /^[\w .-]{1,40}$/.test(name.trim()))
  );
}

/** The file with one kind of line ends; what is in memory whole is not looked for on disk. */
async function evened(file: TableFile, delimiter: string, database: Database): Promise<TableFile> {
  if (file.isWhole && !file.head.includes('\r')) return file;
  return withEvenLines(file, delimiter, database.newFile());
}

/** A query as a table. @throws what DuckDB throws on a query it refuses. */
export function openQuery(sql: string, database: Database): Promise<Table> {
  // The line break keeps a comment at the query's end from swallowing the parenthesis.
  return openRelation(`(${sql}\n)`, database);
}

/** Rows that a column's kind is told by, and most values of all columns together. */
const sampleRows = 1000;
const sampleValues = 200_000;

function plainText(file: TableFile): Table {
  const columns: Column[] = [{ name: 'text', kind: 'text' }];
  return {
    columns,
    hasHeaderLine: false,
    look: async () => columns,
    ...selecting(file, 'text', (files) => `SELECT text FROM ${lineScan(files)} WHERE text IS NOT NULL`),
    reader: writtenReader,
  };
}

async function delimited(
  file: TableFile,
  names: readonly string[],
  dialect: CsvDialect,
  database: Database,
  like?: Table,
): Promise<Table> {
  // To DuckDB, names that differ in case alone are the same.
  const places = numberedNames(names);
  const placeOf = (name: string) => places[names.indexOf(name)] ?? name;
  const columns = knownColumns(file, names, like) ?? (await look());
  async function look(): Promise<Column[]> {
    const scan = csvScan([file], places, dialect);
    const rows = await database.all(`SELECT ${identifiers(places)} FROM ${scan} LIMIT ${rowsFor(names.length)}`);
    return names.map((name, i) =>
      columnOf(
        name,
        rows.map((row) => textOrNull(row[i])),
      ),
    );
  }
  return {
    columns,
    hasHeaderLine: true,
    look: async () => columns,
    ...selecting(
      file,
      JSON.stringify([names, dialect]),
      (files, chosen) => `SELECT ${identifiers(chosen.map(placeOf))} FROM ${csvScan(files, places, dialect)}`,
    ),
    reader: writtenReader,
  };
}

/** How the rows of a file are read: alone, or together with others of the same key. */
function selecting(file: TableFile, key: string, select: Joint['select']): Pick<Table, 'select' | 'joint'> {
  return {
    select: (names) => select([file], names),
    joint: file.isWhole ? { key: `${file.format} ${file.gzip} ${key}`, file, select } : undefined,
  };
}

/** The columns of an earlier table, where a small file has the same. */
function knownColumns(file: TableFile, names: readonly string[], like?: Table): readonly Column[] | undefined {
  if (!file.isWhole || !like || like.columns.length !== names.length) return undefined;
  return like.columns.every(({ name }) => names.includes(name)) ? like.columns : undefined;
}

function numberedNames(names: readonly string[]): string[] {
  return names.map((_, index) => `column${index}`);
}

async function json(given: TableFile, database: Database, like?: Table): Promise<Table> {
  const found = given.format === 'json' ? await unfoldJson(given, database.newFile()) : undefined;
  const file: TableFile = found ? { ...given, ...found, format: 'jsonl', gzip: false } : given;
  const isLines = file.format === 'jsonl';
  const layout = isLines ? 'newline_delimited' : /^\s*\[/.test(file.head) ? 'array' : 'unstructured';
  const scan = (files: readonly TableFile[]) => {
    const objectSize = Math.max(16 << 20, isLines ? longestLine(files) + 1024 : 0);
    return (
      `read_json_objects(${pathList(files)}, format='${layout}', ` +
      `compression=${file.gzip ? "'gzip'" : "'uncompressed'"}, maximum_object_size=${objectSize})`
    );
  };
  // What was unfolded is no longer what the beginning says.
  const names = like && !found && isLines && file.isWhole ? namesOf(file.head) : undefined;
  const columns = (names && knownColumns(file, names, like)) ?? (await jsonColumns(scan([file]), database));
  return {
    columns,
    hasHeaderLine: false,
    layout: found?.layout,
    look: async () => columns,
    // By pointers, which tell names that differ in case alone, and as JSON, which tells 1 from "1" and from a list.
    ...selecting(
      file,
      layout,
      (files, chosen) =>
        `SELECT ${chosen.map((name) => `json->${quoted(pointerTo(name))}`).join(', ')} FROM ${scan(files)} ` +
        `WHERE CASE WHEN json_type(json) = 'OBJECT' THEN true ELSE error('a record is not a JSON object') END`,
    ),
    reader: jsonReader,
  };
}

/** The names in the records of JSON lines; undefined where a line is none: who reads it on says so. */
function namesOf(lines: string): string[] | undefined {
  const names = new Set<string>();
  try {
    for (const line of lines.split('\n')) {
      if (line.trim() === '') continue;
      const record: unknown = JSON.parse(line);
      if (typeof record !== 'object' || record === null) return undefined;
      for (const name of Object.keys(record)) names.add(name);
    }
    return [...names];
  } catch {
    return undefined;
  }
}

/** Records that are looked through for the names of columns, and most characters of them. */
const namedRecords = 20_480;
const namedCharacters = 32e6;

async function jsonColumns(scan: string, database: Database): Promise<Column[]> {
  const columns = new Map<string, { values: (string | null)[]; nested?: string; scalars: number }>();
  let [row, characters] = [0, 0];
  read: for await (const rows of database.rows(`SELECT json FROM ${scan} LIMIT ${namedRecords}`)) {
    for (const [json] of rows) {
      const text = String(json);
      const record: unknown = JSON.parse(text);
      if (typeof record === 'object' && record !== null) addRecord(columns, record, row);
      row++;
      characters += text.length;
      if (characters > namedCharacters) break read;
    }
  }
  return Array.from(columns, ([name, { values, nested, scalars }]) => {
    if (nested !== undefined && scalars === 0) return { name, kind: 'nested', type: nested };
    return columnOf(
      name,
      Array.from(values, (value) => value ?? null),
    );
  });
}

function addRecord(
  columns: Map<string, { values: (string | null)[]; nested?: string; scalars: number }>,
  record: object,
  row: number,
): void {
  for (const [name, value] of Object.entries(record) as [string, unknown][]) {
    let column = columns.get(name);
    if (!column) {
      column = { values: [], scalars: 0 };
      columns.set(name, column);
    }
    if (typeof value === 'object' && value !== null) column.nested = Array.isArray(value) ? 'list' : 'object';
    else if (value !== null) column.scalars++;
    if (row >= sampleRows) continue;
    column.values[row] = value === null || typeof value === 'object' ? null : String(value);
  }
}

/** A JSON pointer (RFC 6901) to a record's own value. */
function pointerTo(name: string): string {
  return `/${name.replaceAll('~', '~0').replaceAll('/', '~1')}`;
}

/** What may stand after FROM, as a table: its columns have types. @throws what DuckDB throws */
export async function openRelation(relation: string, database: Database): Promise<Table> {
  const described = await database.all(`DESCRIBE SELECT * FROM ${relation}`);
  const columns: Column[] = described.map(([name, type]) => {
    return { name: String(name), kind: kindOfType(String(type)), type: String(type) };
  });
  const typeOf = new Map(columns.map(({ name, type = '' }) => [name, type]));
  let looked: Promise<readonly Column[]> | undefined;
  return {
    columns,
    hasHeaderLine: false,
    look() {
      looked ??= lookAt(columns, relation, database);
      return looked;
    },
    select: (names) => `SELECT ${identifiers(names)} FROM ${relation}`,
    reader: (name) => typedReader(typeOf.get(name) ?? ''),
  };
}

async function lookAt(columns: readonly Column[], relation: string, database: Database): Promise<readonly Column[]> {
  const plain = columns.filter(({ kind }) => kind !== 'nested' && kind !== 'bytes');
  if (plain.length === 0) return columns;
  const values = plain.map(({ name }) => `CAST(${identifier(name)} AS VARCHAR)`).join(', ');
  const rows = await database.all(`SELECT ${values} FROM ${relation} LIMIT ${rowsFor(plain.length)}`);
  return columns.map((column) => {
    const place = plain.indexOf(column);
    if (place < 0) return column;
    const { kind, sample } = columnOf(
      column.name,
      rows.map((row) => textOrNull(row[place])),
    );
    // Of a type that says more, such as a number, only what the values say beside it.
    const isRefined = column.kind === 'text' || kind === 'empty' || (column.kind === 'number' && kind === 'integer');
    return { ...column, kind: isRefined ? kind : column.kind, sample };
  });
}

function rowsFor(columns: number): number {
  return Math.min(sampleRows, Math.max(50, Math.floor(sampleValues / Math.max(1, columns))));
}

function textOrNull(value: unknown): string | null {
  return value === null || value === undefined ? null : String(value);
}

function identifiers(names: readonly string[]): string {
  return names.map(identifier).join(', ');
}
