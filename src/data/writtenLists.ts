import { say, setting } from '../core/message.ts';
import { UnreadableValueError } from './unreadableValue.ts';

/** The items of a list that is written as JSON, as data frames write it to CSV; undefined for what is no list of labels. */
export function jsonList(cell: string): string[] | undefined {
  if (!/^\s*\[/.test(cell)) return undefined;
  try {
    const list: unknown = JSON.parse(cell);
    if (!Array.isArray(list)) return undefined;
    const isLabel = (item: unknown) => item === null || typeof item === 'string' || typeof item === 'number';
    return list.every(isLabel) ? list.flatMap((item) => item ?? []).map(String) : undefined;
  } catch {
    return undefined;
  }
}

/** Whether a text is what Python prints of a list, a tuple or a set of texts, which is no JSON: `['a', 'b']`. */
export function isPythonList(cell: string): boolean {
  return /^\s*[[({]\s*(['"])[\s\S]*['"]\s*,?\s*[\])}]\s*$/.test(cell) && jsonList(cell) === undefined;
}

/** @throws UnreadableValueError for a text that is a list, where something is to stand between labels */
export function refuseList(cell: string): void {
  if (isPythonList(cell)) throw pythonListError(cell);
  if (jsonList(cell) === undefined) return;
  throw new UnreadableValueError(
    `a list (${shortened(cell)})`,
    say`and lists need no ${setting('labelSeparator')}; leave it out`,
  );
}

/** The labels of a text that is a list; undefined for a blank one. @throws UnreadableValueError for any other text */
export function listIn(cell: string): string[] | undefined {
  if (cell.trim() === '') return undefined;
  const list = jsonList(cell);
  if (list !== undefined) return list;
  throw isPythonList(cell) ? pythonListError(cell) : new UnreadableValueError(`a text (${shortened(cell)})`);
}

function pythonListError(cell: string): UnreadableValueError {
  return new UnreadableValueError(
    `a list as Python prints it (${shortened(cell)})`,
    say`which is no JSON; write lists as json.dumps does, as in ["a", "b"]`,
  );
}

function shortened(cell: string): string {
  return cell.length > 40 ? `${cell.slice(0, 39)}…` : cell;
}
