import { type Column, columnOf } from './columnKinds.ts';

/**
 * Whether the names of columns are rather the values of a first row, as in a file without a header; nothing is guessed
 * from such names.
 *
 * @param telling names that a header is known by, in lower case
 */
export function looksLikeData(columns: readonly Column[], telling: readonly string[]): boolean {
  const names = columns.map(({ name }) => name.trim().toLowerCase());
  if (names.some((name) => telling.includes(name))) return false;
  // Over a column of numbers or times, a word is its name.
  const isHeader = columns.some(({ name, kind }) => {
    return (kind === 'integer' || kind === 'number' || kind === 'time') && kindOfName(name) === 'text';
  });
  return columns.some(({ name }) => kindOfName(name) !== 'text') || (!isHeader && columns.some(isLikeItsValues));
}

/** Whether a name is one of its column's values, or a phrase as long as they are. */
function isLikeItsValues({ name, sample }: Column): boolean {
  if (name.length > 40 || sample?.some.has(name)) return true;
  const words = name.trim().split(/\s+/u);
  return words.length > 2 && sample !== undefined && words.length >= sample.words / 2 && !nameWord.test(name);
}

/** Words that names of columns hold, and texts hardly in such a place. */
const nameWord = /\b(text|message|comment|review|description|content|body|label|category|class|intent|name|type|id)$/i;

function kindOfName(name: string) {
  const { kind } = columnOf(name, [name]);
  return kind === 'empty' ? 'text' : kind;
}
