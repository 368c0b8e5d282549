import { type DuckDBType, type DuckDBValue, VARCHAR } from '@duckdb/node-api';
import type { BertuneError } from '../core/errors.ts';
import { pairText } from '../text/pair.ts';
import type { ColumnChoice } from './columns.ts';
import { type Database, identifier } from './duckdb.ts';
import { isJson, jsonAsText } from './rowTypes.ts';
import type { Table } from './table.ts';

/** A column of what is read, under the name that it has there. */
export interface WholeColumn {
  readonly name: string;
  readonly type: DuckDBType;
}

/** A row with all of its columns. */
export interface WholeRow {
  readonly text: string;
  /** In the order of the columns; null where the row's file lacks one. */
  readonly values: readonly DuckDBValue[];
}

/** Everything that was read, rows and columns in their order: of several files those of the first come first. */
export interface WholeRows {
  readonly columns: readonly WholeColumn[];
  /** The tables that have not all of them, and what they lack. */
  readonly lacking: readonly { readonly name: string; readonly columns: readonly string[] }[];
  /** How many U+FFFD stand for bytes of Parquet that were not UTF-8, in the texts that were read so far. */
  readonly replaced: number;
  /** Some thousand at a time. @throws BertuneError when a file turns out malformed */
  batches(): AsyncGenerator<WholeRow[]>;
}

/** A file or query, opened. */
interface Part {
  readonly table: Table;
  /** What to call it in a message. */
  readonly name: string;
  readonly isPlainText: boolean;
  /** Makes what is not on this machine ready to be read. */
  readonly bring?: () => Promise<void>;
  readonly failure: (error: unknown) => Promise<BertuneError> | BertuneError;
}

interface WholePart {
  readonly part: Part;
  /** The column with the text, as the table calls it. */
  readonly textColumn: string;
  /** That with the second text of a pair. */
  readonly pairColumn: string | undefined;
  readonly names: readonly string[];
  readonly types: readonly DuckDBType[];
  /** SQL for the rows with columns k0, k1 …, the text first. */
  readonly select: string;
}

/** The same rows as the records, whole. @param choices the columns that are meant in each part */
export async function openWholeRows(
  parts: readonly Part[],
  choices: readonly ColumnChoice[],
  database: Database,
): Promise<WholeRows> {
  const textName = choices[parts.findIndex(({ isPlainText }) => !isPlainText)]?.text ?? 'text';
  const wholes: WholePart[] = [];
  for (const [i, part] of parts.entries())
    wholes.push(await wholePart(part, choices[i] ?? { text: '' }, textName, database));
  const types = new Map<string, DuckDBType>();
  for (const { part, names, types: own } of wholes) {
    for (const name of part.isPlainText ? names : part.table.columns.map((column) => column.name)) {
      const type = own[names.indexOf(name)] ?? VARCHAR;
      const other = types.get(name);
      types.set(name, other === undefined || isSame(type, other) ? type : VARCHAR);
    }
  }
  const columns = [...types].map(([name, type]) => ({ name, type }));
  const lacking = wholes.flatMap(({ part, names }) => {
    const lacks = columns.filter(({ name }) => !names.includes(name)).map(({ name }) => name);
    return part.isPlainText || lacks.length === 0 ? [] : [{ name: part.name, columns: lacks }];
  });
  let replaced = 0;
  const onReplaced = (count: number) => {
    replaced += count;
  };
  return {
    ...{ columns, lacking },
    get replaced() {
      return replaced;
    },
    async *batches() {
      for (const whole of wholes) {
        try {
          await whole.part.bring?.();
          yield* rowsOf(whole, columns, database, onReplaced);
        } catch (error) {
          throw await whole.part.failure(error);
        }
      }
    },
  };
}

async function wholePart(
  part: Part,
  { text, pair }: ColumnChoice,
  textName: string,
  database: Database,
): Promise<WholePart> {
  const others = part.table.columns.map(({ name }) => name).filter((name) => name !== text);
  const names = part.isPlainText ? [textName] : [text, ...others];
  // By their places: names may be such as SQL holds for equal.
  const aliases = names.map((_, i) => `k${i}`).join(', ');
  const select = `SELECT * FROM (${part.table.select(part.isPlainText ? [text] : [text, ...others])}\n) AS whole(${aliases})`;
  await part.bring?.();
  return { part, textColumn: text, pairColumn: pair, names, select, types: await database.types(select) };
}

async function* rowsOf(
  { part, textColumn, pairColumn, names, types, select }: WholePart,
  columns: readonly WholeColumn[],
  database: Database,
  onReplaced: (count: number) => void,
): AsyncGenerator<WholeRow[]> {
  const places = columns.map(({ name }) => names.indexOf(name));
  const wanted = names.map((name, i) => {
    const place = identifier(`k${i}`);
    const type = types[i] ?? VARCHAR;
    const isKept = isSame(type, columns.find((column) => column.name === name)?.type ?? type);
    if (isKept) return place;
    return `${isJson(type) ? jsonAsText(place) : `CAST(${place} AS VARCHAR)`} AS ${place}`;
  });
  const reader = part.table.reader(textColumn);
  const second = pairColumn === undefined ? undefined : part.table.reader(pairColumn);
  const secondAt = names.indexOf(pairColumn ?? '');
  for await (const rows of database.rows(`SELECT ${wanted.join(', ')} FROM (${select})`)) {
    const whole: WholeRow[] = [];
    const before = reader.replaced + (second?.replaced ?? 0);
    for (const row of rows) {
      const first = reader.text(row[0] ?? null) ?? '';
      const text = second ? pairText(first, second.text(row[secondAt] ?? null) ?? '') : first;
      if (part.isPlainText && text.trim() === '') continue;
      whole.push({ text, values: places.map((place) => (place < 0 ? null : (row[place] ?? null))) });
    }
    onReplaced(reader.replaced + (second?.replaced ?? 0) - before);
    if (whole.length > 0) yield whole;
  }
}

function isSame(a: DuckDBType, b: DuckDBType): boolean {
  return String(a) === String(b) && a.alias === b.alias;
}
