import { UsageError } from '../core/errors.ts';
import { type Message, type Origin, say, setting } from '../core/message.ts';
import type { Column } from './table.ts';

export interface ColumnOptions {
  readonly textColumn?: string;
  readonly labelColumn?: string;
  readonly groupColumn?: string;
  /** Whether there has to be a label column; otherwise labels are read only when `labelColumn` names them. */
  readonly needLabel?: boolean;
}

export interface ColumnChoice {
  readonly text: string;
  readonly label?: string;
  readonly group?: string;
  readonly id?: string;
}

/** Names that say "this is the text", as public data sets use them. */
const textNames = ['text', 'sentence', 'message', 'msg', 'review', 'utterance', 'comment', 'tweet'];
const labelNames = ['label', 'labels', 'category', 'intent', 'class', 'sentiment', 'target'];

/**
 * Which columns are meant. Where only one can be meant it need not be named: the one column with a telling name, else
 * the one column left.
 * @param name What to call the data in a message.
 * @throws UsageError when a named column is not there or several could be meant; the columns are listed.
 */
export function chooseColumns(
  columns: readonly Column[],
  options: ColumnOptions,
  name: string | Message,
): ColumnChoice {
  const find = (wanted: string | undefined, flag: Origin) =>
    wanted === undefined ? undefined : findColumn(columns, wanted, flag, name);
  const named = {
    text: find(options.textColumn, setting('textColumn')),
    label: find(options.labelColumn, setting('labelColumn')),
    group: find(options.groupColumn, setting('groupColumn')),
    id: withName(columns, 'id'),
  };
  const free = columns.filter(({ name }) => !Object.values(named).includes(name));
  const hasHeader = !columns.some(({ name }) => looksLikeData(name));
  const likelyLabel = named.label ?? onlyNamed(free, labelNames);
  const leftForText = free.filter(({ name, isString }) => hasHeader && isString && name !== likelyLabel);
  const text = named.text ?? onlyNamed(free, textNames) ?? only(leftForText);
  if (text === undefined) throw ambiguous('text', columns, name);
  let label = named.label;
  if (options.needLabel && label === undefined) {
    label = likelyLabel ?? only(free.filter(({ name }) => hasHeader && name !== text));
    if (label === undefined) throw ambiguous('label', columns, name);
  }
  const others = { label, group: named.group, id: named.id === text ? undefined : named.id };
  if (text === others.label || text === others.group) {
    throw new UsageError(
      say`${name}: column ${text} is the text; choose another label or group column: ${listed(columns)}`,
    );
  }
  return { text, ...others };
}

/** The column called `wanted`, else the only one that differs from it in case alone. */
export function findColumn(columns: readonly Column[], wanted: string, flag: Origin, name: string | Message): string {
  const found = columns.find((column) => column.name === wanted)?.name ?? withName(columns, wanted.toLowerCase());
  if (found !== undefined) return found;
  throw new UsageError(say`${name} has no column ${wanted} (${flag}); it has: ${listed(columns)}`);
}

function ambiguous(what: 'text' | 'label', columns: readonly Column[], name: string | Message): UsageError {
  const hint = columns.some(({ name }) => looksLikeData(name)) ? ' (the first line has to be a header)' : '';
  return new UsageError(
    say`${name} has no single ${what} column; choose one with ${setting(`${what}Column`)}: ${listed(columns)}${hint}`,
  );
}

/** Whether a column's name is rather a value, as when a file has no header; nothing is guessed from such names. */
function looksLikeData(name: string): boolean {
  return name.length > 40 || /^-?\d+(\.\d+)?$/.test(name);
}

function listed(columns: readonly Column[]): string {
  const names = columns.map(({ name }) => JSON.stringify(name).slice(1, -1));
  return names.length > 20 ? `${names.slice(0, 20).join(', ')}, …` : names.join(', ');
}

function withName(columns: readonly Column[], lowerCase: string): string | undefined {
  return onlyNamed(columns, [lowerCase]);
}

function onlyNamed(columns: readonly Column[], names: readonly string[]): string | undefined {
  return only(columns.filter(({ name }) => names.includes(name.toLowerCase())));
}

function only(columns: readonly Column[]): string | undefined {
  return columns.length === 1 ? columns[0]?.name : undefined;
}
