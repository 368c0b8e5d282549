import { UsageError } from '../core/errors.ts';
import { type Message, type Origin, say, setting } from '../core/message.ts';
import { type Column, hardlyClasses, isKeyOrTime, isNumeric, kindTitles, mayBeText } from './columnKinds.ts';
import { looksLikeData } from './headerLine.ts';
import type { Table } from './table.ts';
import { nestedTitle } from './values.ts';
import { isPythonList, jsonList } from './writtenLists.ts';

export interface ColumnOptions {
  readonly textColumn?: string;
  /** Of the second text, where pairs are read. */
  readonly pairColumn?: string;
  readonly labelColumn?: string;
  readonly groupColumn?: string;
  readonly sliceColumn?: string;
  /**
   * Whether there has to be a label column, or it is looked for and may be missing; otherwise labels are read only when
   * `labelColumn` names them.
   */
  readonly needLabel?: boolean | 'if any';
  /** How several labels of a text are written; absent: a text has one label. */
  readonly several?: SeveralLabels;
  /** Whether numbers are looked for in place of names of classes. */
  readonly areNumbers?: boolean;
}

/** Lists in one column, texts in one column with something between the labels, or a column of 0 and 1 for each label. */
export interface SeveralLabels {
  readonly separator?: string;
  readonly columns?: readonly string[];
}

export interface ColumnChoice {
  readonly text: string;
  readonly pair?: string;
  readonly label?: string;
  readonly group?: string;
  readonly slice?: string;
  readonly id?: string;
  /** Columns of 0 and 1, one for each label. */
  readonly labels?: readonly string[];
}

/** Names of all that is taken. */
export function namesTaken(choice: ColumnChoice): string[] {
  return Object.values(choice).flatMap((name: string | readonly string[] | undefined) => name ?? []);
}

/** What is known of a table's columns. */
export type Columns = Pick<Table, 'columns' | 'look' | 'hasHeaderLine'>;

/** Names that say "this is the text", as public data sets use them. */
export const textNames = ['text', 'sentence', 'message', 'msg', 'review', 'utterance', 'comment', 'tweet'];
export const labelNames = ['label', 'labels', 'category', 'intent', 'class', 'sentiment', 'target'];
/** The same of columns with several labels a text. */
const severalNames = [...labelNames, 'tags', 'categories', 'topics', 'intents', 'classes'];

/**
 * Which columns are meant. Where only one can be meant it need not be named: the one column with a telling name, else
 * the one column left whose values may be texts, or names of classes.
 *
 * @param name What to call the data in a message.
 * @throws UsageError when a named column is not there, several or none could be meant, or one holds lists or objects;
 * the columns are listed.
 */
export async function chooseColumns(
  { columns, look, hasHeaderLine }: Columns,
  options: ColumnOptions,
  name: string | Message,
): Promise<ColumnChoice> {
  const find = (wanted: string | undefined, flag: Origin) =>
    wanted === undefined ? undefined : findColumn(columns, wanted, flag, name);
  const named = {
    text: find(options.textColumn, setting('textColumn')),
    pair: find(options.pairColumn, setting('pairColumn')),
    label: find(options.labelColumn, setting('labelColumn')),
    group: find(options.groupColumn, setting('groupColumn')),
    slice: find(options.sliceColumn, setting('sliceColumn')),
    id: onlyNamed(columns, ['id']),
    labels: options.several?.columns?.map((wanted) => findColumn(columns, wanted, setting('labelColumns'), name)),
  };
  const { several } = options;
  const needsLabel = named.labels ? false : options.needLabel;
  if (columns.length === 0) throw new UsageError(say`${name} holds no records with columns; check the file`);
  const isHeadless = hasHeaderLine && looksLikeData(columns, [...textNames, ...labelNames, 'id']);
  const isTaken = (name: string) => namesTaken({ ...named, text: named.text ?? '' }).includes(name);
  const free = columns.filter(({ name }) => !isTaken(name));
  const likelyLabel = named.label ?? (named.labels ? undefined : onlyNamed(free, several ? severalNames : labelNames));
  let text = named.text ?? onlyNamed(free, textNames);
  if (text === undefined && !isHeadless) {
    const looked = (await look()).filter(({ name }) => !isTaken(name) && name !== likelyLabel);
    text = only(looked.filter(mayBeText));
  }
  if (text === undefined) throw ambiguous('text', columns, name, isHeadless);
  let label = named.label;
  if (needsLabel && label === undefined) {
    const isOther = (name: string) => isTaken(name) || name === text;
    label = likelyLabel ?? (isHeadless ? undefined : await guessedLabel(look, isOther, options));
    if (label === undefined && needsLabel !== 'if any') {
      const flags =
        several && !isHeadless ? (await look()).filter((column) => !isOther(column.name) && isFlag(column)) : [];
      throw flags.length > 0 ? flagsError(flags, name) : ambiguous('label', await look(), name, isHeadless);
    }
  }
  const { pair, labels } = named;
  const choice = {
    text,
    pair,
    label,
    group: named.group,
    slice: named.slice,
    id: named.id === text ? undefined : named.id,
    ...(labels && { labels }),
  };
  if (text === pair) {
    throw new UsageError(
      say`${name}: column ${text} is the first text of the pairs; choose another ${setting('pairColumn')}: ${namesOf(columns)}`,
    );
  }
  if (pair !== undefined && ([choice.label, choice.group, choice.slice].includes(pair) || labels?.includes(pair))) {
    throw new UsageError(
      say`${name}: column ${pair} is the second text of the pairs; choose another label or group column: ${namesOf(columns)}`,
    );
  }
  if (text === choice.label || text === choice.group || labels?.includes(text)) {
    throw new UsageError(
      say`${name}: column ${text} is the text; choose another label or group column: ${namesOf(columns)}`,
    );
  }
  // Whether texts are lists, the values tell.
  checkNoneNested(several ? await look() : columns, choice, name, several);
  return choice;
}

/** The one column left whose values may be names of classes. */
async function guessedLabel(
  look: Columns['look'],
  isTaken: (name: string) => boolean,
  { several, areNumbers }: ColumnOptions,
): Promise<string | undefined> {
  const free = (await look()).filter(({ name }) => !isTaken(name));
  if (several && several.separator === undefined)
    return only(free.filter((column) => isList(column) || isWrittenList(column)));
  if (areNumbers) return only(free.filter((column) => isNumeric(column) && !isKeyOrTime(column)));
  return only(free.filter((column) => hardlyClasses(column) === undefined));
}

function isList({ kind, type = '' }: Column): boolean {
  return kind === 'nested' && nestedTitle(type) === 'a list';
}

/** Whether all texts of a column are lists as JSON has them. */
function isWrittenList({ kind, sample }: Column): boolean {
  const some = [...(sample?.some ?? [])];
  return kind === 'text' && some.length > 0 && some.every((cell) => jsonList(cell) !== undefined);
}

/**
 * @param columns looked at, where there may be several labels
 * @param several how several labels are written: lists are then one way
 * @throws UsageError for a column of lists or objects, which are in no one way a text, a label, a group or an id; for labels
 * in texts of which nobody said how they are separated
 */
export function checkNoneNested(
  columns: readonly Column[],
  choice: ColumnChoice,
  name: string | Message,
  several?: SeveralLabels,
): void {
  const labels = columns.find((column) => column.name === choice.label);
  const areLists = labels !== undefined && isList(labels);
  const isText = labels !== undefined && !areLists && labels.kind !== 'nested' && labels.kind !== 'empty';
  if (several && isText && several.separator === undefined && !isWrittenList(labels)) {
    const python = [...(labels.sample?.some ?? [])].find(isPythonList);
    if (python !== undefined) {
      throw new UsageError(
        say`${name}: column ${labels.name} holds lists as Python prints them (${python.slice(0, 40)}), which are no JSON; write them as json.dumps does, as in ["a", "b"]`,
      );
    }
    throw new UsageError(
      say`${name}: column ${labels.name} holds no lists; say what stands between the labels of a text with ${setting('labelSeparator')}, or name columns of 0 and 1 with ${setting('labelColumns')}`,
    );
  }
  if (several?.separator !== undefined && labels && (areLists || isWrittenList(labels))) {
    throw new UsageError(
      say`${name}: column ${labels.name} holds lists, which need no ${setting('labelSeparator')}; leave it out`,
    );
  }
  for (const role of ['text', 'pair', 'label', 'group', 'slice', 'id'] as const) {
    const column = columns.find(({ name }) => name === choice[role]);
    if (column?.kind === 'nested' && !(several && role === 'label' && areLists))
      throw nestedError(role, column.name, column.type ?? '', name);
  }
}

function nestedError(role: keyof ColumnChoice, column: string, type: string, where: string | Message): UsageError {
  const isList = nestedTitle(type) === 'a list';
  const kind = isList ? 'lists' : 'objects';
  const title = /^[A-Z]/.test(type) ? `${kind} (${type})` : kind;
  const example = isList ? `SELECT ${column}[1] AS ${role} …` : `SELECT ${column}.field AS ${role} …`;
  if (role === 'label' && isList) {
    return new UsageError(
      say`${where}: column ${column} holds ${title}, which are no label; several labels a text are learned with ${setting('task')} several-labels, or take one of them with ${setting('query', 'a query')}, as in "${example}"`,
    );
  }
  return new UsageError(
    say`${where}: column ${column} holds ${title}, which are no ${role}; take what is meant of them with ${setting('query', 'a query')}, as in "${example}"`,
  );
}

/** The column called `wanted`, else the only one that differs from it in case or in spaces around it alone. */
export function findColumn(columns: readonly Column[], wanted: string, flag: Origin, name: string | Message): string {
  const found = columns.find((column) => column.name === wanted)?.name ?? onlyNamed(columns, [plainName(wanted)]);
  if (found !== undefined) return found;
  throw new UsageError(say`${name} has no column ${wanted} (${flag}); it has: ${namesOf(columns)}`);
}

/** What was taken of the columns, and what was left out and why, in one line. */
export function columnsLine({ columns }: Pick<Table, 'columns'>, choice: ColumnChoice): string {
  const roles = (['text', 'pair', 'label', 'group', 'slice', 'id'] as const).flatMap((role) => {
    const name = choice[role];
    return name === undefined ? [] : `${role}: ${shown(name)}`;
  });
  if (choice.labels) roles.splice(1, 0, `labels: ${choice.labels.map(shown).join(', ')}`);
  const taken = namesTaken(choice);
  const others = columns.filter(({ name }) => !taken.includes(name));
  const left = others.length > 0 ? `; left out: ${listed(others, 8)}` : '';
  return `${roles.join(', ')}${left}`;
}

/** Columns by their names, each with what it holds where that is no text. */
export function listed(columns: readonly Column[], most = 20): string {
  const names = columns.slice(0, most).map(({ name, kind, sample }) => {
    if (sample?.odd) return `${shown(name)} (numbers, but ${JSON.stringify(sample.odd.value.slice(0, 20))})`;
    return kind === 'text' ? shown(name) : `${shown(name)} (${kindTitles[kind]})`;
  });
  const more = columns.length > most ? `, and ${columns.length - most} more` : '';
  return `${names.join(', ')}${more}`;
}

/** Whether a column holds 0 and 1 alone, or true and false. */
function isFlag({ kind, sample }: Column): boolean {
  if (kind === 'boolean') return true;
  return (
    (kind === 'integer' || kind === 'number') &&
    [...(sample?.some ?? [])].every((value) => /^\s*[01](\.0*)?\s*$/.test(value))
  );
}

function flagsError(flags: readonly Column[], name: string | Message): UsageError {
  const [columns, them] = flags.length === 1 ? ['column', 'it'] : ['columns', 'them'];
  const holds = flags.length === 1 ? 'holds' : 'hold';
  return new UsageError(
    say`${name}: ${columns} ${namesOf(flags)} ${holds} 0 and 1: name ${them} with ${setting('labelColumns')} ${flags.map((flag) => flag.name).join(',')}`,
  );
}

function ambiguous(
  what: 'text' | 'label',
  columns: readonly Column[],
  name: string | Message,
  isHeadless: boolean,
): UsageError {
  // Of a line that is no header, the kinds of what is below say nothing.
  const list = isHeadless ? `${namesOf(columns)} (the first line has to be a header)` : listed(columns);
  return new UsageError(
    say`${name} has no single ${what} column; choose one with ${setting(`${what}Column`)}: ${list}`,
  );
}

function namesOf(columns: readonly Column[]): string {
  return listed(columns.map(({ name }) => ({ name, kind: 'text' })));
}

function shown(name: string): string {
  const plain = JSON.stringify(name).slice(1, -1);
  return plain.length > 60 ? `${plain.slice(0, 59)}…` : plain;
}

/** The one column with one of these names, but for case and spaces around it; of those that differ so, the exact one. */
function onlyNamed(columns: readonly Column[], names: readonly string[]): string | undefined {
  const found = columns.filter(({ name }) => names.includes(plainName(name)));
  const isOneName = new Set(found.map(({ name }) => plainName(name))).size === 1;
  return only(found) ?? (isOneName ? only(found.filter(({ name }) => names.includes(name))) : undefined);
}

function plainName(name: string): string {
  return name.trim().toLowerCase();
}

function only(columns: readonly Column[]): string | undefined {
  return columns.length === 1 ? columns[0]?.name : undefined;
}
