import type { DuckDBValue } from '@duckdb/node-api';
import { BertuneError } from '../core/errors.ts';
import { type Message, say } from '../core/message.ts';
import { pairText } from '../text/pair.ts';
import type { ColumnChoice, SeveralLabels } from './columns.ts';
import type { Database } from './duckdb.ts';
import type { Table } from './table.ts';
import { UnreadableValueError } from './unreadableValue.ts';
import type { ValueReader } from './values.ts';
import { refuseList } from './writtenLists.ts';

export interface DataRecord {
  readonly text: string;
  readonly label?: string;
  /** Where a text has several, or none; absent where nothing is said of them. */
  readonly labels?: readonly string[];
  readonly group?: string;
  readonly slice?: string;
  readonly id?: string | number;
}

/** A table with its chosen columns, ready to be streamed. */
export interface Part {
  readonly table: Table;
  /** What to call it in a message. */
  readonly name: string;
  /** The same with the setting that named it. */
  readonly place: Message;
  readonly isPlainText: boolean;
  /** Of what is text. */
  readonly encoding?: string;
  readonly invalidUtf8: number;
  /** Whether counting its rows would take as long as reading them. */
  readonly isUncounted?: boolean;
  /** Makes what is not on this machine ready to be read. */
  readonly bring?: () => Promise<void>;
  readonly failure: (error: unknown) => Promise<BertuneError> | BertuneError;
}

/** The records of all parts, in their order, a few thousand at a time. @param onReplaced hears how many U+FFFD were put in */
export async function* recordsOf(
  parts: readonly Part[],
  choices: readonly ColumnChoice[],
  database: Database,
  onReplaced: (count: number) => void,
  several?: SeveralLabels,
): AsyncGenerator<DataRecord[]> {
  for (const { part, choice, together } of groupsOf(parts, choices)) {
    try {
      yield* partRecords(part, choice, database, onReplaced, together, several);
    } catch (error) {
      for (const one of together.length > 1 ? together : []) await readOnce(one, choice, database, several);
      throw await part.failure(error);
    }
  }
}

/** Files that are read by one statement at most: what is waiting is small, and so is the statement. */
const mostTogether = 1000;

interface Group {
  /** The first of them. */
  readonly part: Part;
  readonly choice: ColumnChoice;
  readonly together: Part[];
}

/** Parts in their order, small files that follow each other and are alike together. */
function groupsOf(parts: readonly Part[], choices: readonly ColumnChoice[]): Group[] {
  const groups: Group[] = [];
  for (const [index, part] of parts.entries()) {
    const choice = choices[index] as ColumnChoice;
    const last = groups.at(-1);
    const isAlike = part.table.joint !== undefined && part.table.joint.key === last?.part.table.joint?.key;
    const isSame = isAlike && JSON.stringify(choice) === JSON.stringify(last?.choice);
    if (last && isSame && last.together.length < mostTogether) last.together.push(part);
    else groups.push({ part, choice, together: [part] });
  }
  return groups;
}

/** Says what is wrong with a part, where something is. */
async function readOnce(
  part: Part,
  choice: ColumnChoice,
  database: Database,
  several: SeveralLabels | undefined,
): Promise<void> {
  try {
    for await (const _ of partRecords(part, choice, database, () => {}, [part], several));
  } catch (error) {
    throw await part.failure(error);
  }
}

const allRoles = ['text', 'pair', 'label', 'group', 'slice', 'id'] as const;
type Role = (typeof allRoles)[number];

/** A column that is read, for one use of its values. */
interface Use {
  readonly role: Role | 'labels';
  readonly column: string;
  /** Place of its values in a row. */
  readonly index: number;
  readonly reader: ValueReader;
}

async function* partRecords(
  part: Part,
  choice: ColumnChoice,
  database: Database,
  onReplaced: (count: number) => void,
  together: readonly Part[] = [part],
  several?: SeveralLabels,
): AsyncGenerator<DataRecord[]> {
  const wanted = [
    ...allRoles.flatMap((role) => (choice[role] === undefined ? [] : { role, column: choice[role] })),
    ...(choice.labels ?? []).map((column) => ({ role: 'labels' as const, column })),
  ];
  const names = [...new Set(wanted.map(({ column }) => column))];
  const uses = wanted.map(({ role, column }): Use => {
    return { role, column, index: names.indexOf(column), reader: part.table.reader(column) };
  });
  let row = 0;
  for (const one of together) await one.bring?.();
  for await (const rows of database.rows(selectOf(part, together, names))) {
    const records: DataRecord[] = [];
    const before = replacedBy(uses);
    for (const values of rows) {
      row++;
      let second: string | undefined;
      const record: {
        text: string;
        label?: string;
        labels?: string[];
        group?: string;
        slice?: string;
        id?: string | number;
      } = {
        text: '',
        ...(choice.labels && { labels: [] }),
      };
      for (const { role, column, index, reader } of uses) {
        try {
          const value = values[index] ?? null;
          if (role === 'pair') {
            second = reader.text(value);
            continue;
          }
          if (role === 'labels') {
            if (isOn(reader.key(value))) record.labels?.push(column);
            continue;
          }
          if (role === 'label' && several) {
            const labels =
              several.separator === undefined ? reader.list(value) : separated(value, reader, several.separator);
            // To a delimited file, nothing and an empty text are the same.
            if (labels || (several.separator !== undefined && part.table.hasHeaderLine))
              record.labels = cleaned(labels ?? []);
            continue;
          }
          const read = role === 'text' ? reader.text(value) : reader.key(value);
          if (read === undefined) continue;
          if (role === 'id') record.id = read;
          else record[role] = String(read);
        } catch (error) {
          if (!(error instanceof UnreadableValueError)) throw error;
          throw new BertuneError(
            say`${part.place}: column ${column} ${error.message} in row ${row}, ${error.advice ?? `which is ${wantedOf(role, several)}`}`,
          );
        }
      }
      if (choice.pair !== undefined) record.text = pairText(record.text, second ?? '');
      if (part.isPlainText && record.text.trim() === '') continue;
      records.push(record);
    }
    onReplaced(replacedBy(uses) - before);
    if (records.length > 0) yield records;
  }
}

function wantedOf(role: Use['role'], several: SeveralLabels | undefined): string {
  if (role === 'labels') return 'neither 1 nor 0';
  return role === 'label' && several ? 'no list of labels' : `no ${role}`;
}

/** Labels with something between them; undefined where the value is missing. Throws as `refuseList`. */
function separated(value: DuckDBValue, reader: ValueReader, separator: string): string[] | undefined {
  const said = reader.key(value);
  if (said === undefined) return undefined;
  refuseList(String(said));
  return String(said).split(separator);
}

/** Each label once, without spaces around it; blank ones are none. */
function cleaned(labels: readonly string[]): string[] {
  return [...new Set(labels.map((label) => label.trim()).filter((label) => label !== ''))];
}

/** Whether a label's own column says that a text has it. @throws UnreadableValueError for anything but 0, 1, true and false */
function isOn(value: string | number | undefined): boolean {
  const said = String(value ?? '').trim();
  if (/^(1|1\.0*|true)$/i.test(said)) return true;
  if (/^(0|0\.0*|false)$/i.test(said)) return false;
  throw new UnreadableValueError(said === '' ? 'nothing' : JSON.stringify(said.slice(0, 40)));
}

/** SQL for the rows of files that are read together. */
function selectOf({ table }: Part, together: readonly Part[], names: readonly string[]): string {
  const files = together.flatMap((part) => part.table.joint?.file ?? []);
  return (files.length > 1 && table.joint?.select(files, names)) || table.select(names);
}

function replacedBy(uses: readonly Use[]): number {
  return uses.reduce((sum, { reader }) => sum + reader.replaced, 0);
}

/** How many rows there are; undefined where a query would have to be run for it. */
export async function countOf(
  parts: readonly Part[],
  choices: readonly ColumnChoice[],
  database: Database,
): Promise<number | undefined> {
  if (parts.some(({ isUncounted }) => isUncounted)) return undefined;
  let count = 0;
  for (const { part, choice, together } of groupsOf(parts, choices)) {
    try {
      for (const one of together) await one.bring?.();
      const [row] = await database.all(`SELECT count(*) FROM (${selectOf(part, together, [choice.text])}\n)`);
      count += Number(row?.[0]);
    } catch (error) {
      throw await part.failure(error);
    }
  }
  return count;
}

/** As many records as there may be. */
export async function* limited(batches: AsyncGenerator<DataRecord[]>, limit: number): AsyncGenerator<DataRecord[]> {
  let left = limit;
  if (left <= 0) return;
  for await (const batch of batches) {
    yield batch.length > left ? batch.slice(0, left) : batch;
    left -= batch.length;
    if (left <= 0) return;
  }
}
