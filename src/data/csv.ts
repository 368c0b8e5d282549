import { type Database, identifier, quoted, quotedFile } from './duckdb.ts';

/** How a delimited file is written. Values are quoted with `"`, doubled inside, or not quoted at all. */
export interface CsvDialect {
  readonly delimiter: string;
  readonly quote: '"' | '';
  /** Lines before the header. */
  readonly skip?: number;
}

export interface CsvFile {
  readonly path: string;
  readonly gzip: boolean;
  /** No line has more bytes than this. */
  readonly longestLine: number;
}

/**
 * SQL that reads delimited files one after the other whose columns are `names`, everything as VARCHAR, nothing guessed.
 * All of them are packed, or none.
 */
export function csvScan(
  files: readonly CsvFile[],
  names: readonly string[],
  dialect: CsvDialect,
  hasHeader = true,
): string {
  const columns = names.map((name) => `${quoted(name)}: 'VARCHAR'`).join(', ');
  const settings = {
    auto_detect: 'false',
    header: String(hasHeader),
    columns: `{${columns}}`,
    delim: quoted(dialect.delimiter),
    quote: quoted(dialect.quote),
    escape: quoted(dialect.quote),
    comment: "''",
    skip: String(dialect.skip ?? 0),
    compression: files[0]?.gzip ? "'gzip'" : "'none'",
    ...lineSizes(longestLine(files)),
  };
  return `read_csv(${pathList(files)}, ${settingList(settings)})`;
}

/** SQL that reads text files as rows of one column `text`, each a line as it is; empty lines are null. */
export function lineScan(files: readonly CsvFile[]): string {
  // A noncharacter, which Unicode keeps out of text, as the delimiter: no line is ever cut in two. The lax mode is what
  // lets one file end its lines with \n and with \r\n.
  const settings = {
    auto_detect: 'false',
    header: 'false',
    columns: "{'text': 'VARCHAR'}",
    delim: quoted('\u{10ffff}'),
    quote: "''",
    escape: "''",
    comment: "''",
    skip: '0',
    strict_mode: 'false',
    compression: files[0]?.gzip ? "'gzip'" : "'none'",
    ...lineSizes(longestLine(files)),
  };
  return `read_csv(${pathList(files)}, ${settingList(settings)})`;
}

/** Delimiter and column names of a file's first record, which is its header, and how many lines come before it. */
export function csvHeader(
  head: string,
  delimiters = ',;\t|',
): { readonly names: string[]; readonly delimiter: string; readonly skip: number } {
  // Spreadsheets say the delimiter in a line of its own.
  const said = /^"?sep=(.)"?\r?\n/i.exec(head);
  const start = head.slice(said?.[0].length ?? 0);
  let best: string[] = [];
  let delimiter = said?.[1] ?? delimiters.charAt(0);
  for (const candidate of said ? delimiter : delimiters) {
    const values = firstRecord(start, candidate);
    if (values.length > best.length) [best, delimiter] = [values, candidate];
  }
  return { names: distinctNames(best), delimiter, skip: said ? 1 : 0 };
}

/**
 * Whether a tab-separated file quotes its values. Many do not, and then a lone `"` is text; reading such a file as
 * quoted either fails or glues rows together, which shows as a value that holds both a line break and a tab.
 */
export async function tsvQuote(file: CsvFile, names: readonly string[], database: Database): Promise<'"' | ''> {
  const glued = names.map((name) => `regexp_matches(${identifier(name)}, '\\n[^\\n]*\\t')`).join(' OR ');
  try {
    const scan = csvScan([file], names, { delimiter: '\t', quote: '"' });
    const [row] = await database.all(`SELECT count(*) FROM ${scan} WHERE ${glued}`);
    return Number(row?.[0]) === 0 ? '"' : '';
  } catch {
    return '';
  }
}

/** The paths of files as an SQL list. */
export function pathList(files: readonly CsvFile[]): string {
  return `[${files.map(({ path }) => quotedFile(path)).join(', ')}]`;
}

/** No line of the files has more bytes than this. */
export function longestLine(files: readonly CsvFile[]): number {
  return files.reduce((most, file) => Math.max(most, file.longestLine), 0);
}

function lineSizes(longestLine: number): { max_line_size: string; buffer_size: string } {
  // A quoted value may span many lines, so a record may be longer than any line.
  const line = Math.max(16 << 20, longestLine + 1024);
  return { max_line_size: String(line), buffer_size: String(line * 2) };
}

function settingList(settings: Readonly<Record<string, string>>): string {
  return Object.entries(settings)
    .map(([name, value]) => `${name}=${value}`)
    .join(', ');
}

/** The values of the first record (RFC 4180). */
function firstRecord(head: string, delimiter: string): string[] {
  const values: string[] = [];
  let value = '';
  let isQuoted = false;
  for (let at = 0; at < head.length; at++) {
    const character = head.charAt(at);
    if (isQuoted) {
      if (character !== '"') value += character;
      else if (head.charAt(at + 1) === '"') value += head.charAt(++at);
      else isQuoted = false;
    } else if (character === '"' && value === '') isQuoted = true;
    else if (character === delimiter) {
      values.push(value);
      value = '';
    } else if (character === '\n' || character === '\r') break;
    else value += character;
  }
  return [...values, value];
}

/** Names to choose from: none empty, none twice. */
function distinctNames(names: readonly string[]): string[] {
  const taken = new Set<string>();
  return names.map((name, index) => {
    const base = name.trim() === '' ? `column${index}` : name;
    let distinct = base;
    for (let copy = 1; taken.has(distinct); copy++) distinct = `${base}_${copy}`;
    taken.add(distinct);
    return distinct;
  });
}
