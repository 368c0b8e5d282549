import { BertuneError } from '../../core/errors.ts';
import { type Message, say, setting } from '../../core/message.ts';
import { hasPrefix, outside } from '../../text/tagging/scheme.ts';

/** A sentence of words and their tags, as columns hold them. */
export interface TaggedWords {
  readonly words: readonly string[];
  readonly tags: readonly string[];
  /** The line of its first word, from 1. */
  readonly line: number;
}

/** Which columns hold the words and the tags, from 1; of those that are not said the first, and the last with tags. */
export interface WordColumns {
  readonly word?: number;
  readonly tag?: number;
}

/** Sentences of a file in columns, and which of how many columns the tags were. */
export interface ColumnFile {
  readonly sentences: readonly TaggedWords[];
  readonly tagColumn: number;
  readonly columns: number;
}

/**
 * Sentences of lines in columns, one word a line, parted by tabs where there are some, else by white space; a blank line
 * ends a sentence. `-DOCSTART-` and lines of comment are no words.
 *
 * @param place names the file in errors
 * @throws BertuneError for a line with other columns than the rest
 */
export function readColumns(
  lines: readonly (string | null)[],
  { word = 1, tag }: WordColumns,
  place: Message,
): ColumnFile {
  const filled = lines.filter((line): line is string => line !== null && line.trim() !== '');
  const first = filled.find((line) => !line.startsWith('#')) ?? filled[0];
  if (first === undefined) throw new BertuneError(say`${place} holds no words`);
  const cut = first.includes('\t')
    ? (line: string) => line.replace(/\s+$/, '').split('\t')
    : (line: string) => line.trim().split(/[ \t]+/);
  const columns = cut(first).length;
  if (columns < 2) {
    throw new BertuneError(say`${place}: its lines have one column; a word and its tag are to stand in each`);
  }
  const tagColumn = tag ?? likelyTags(filled.slice(0, 1000).map(cut), columns);
  for (const [column, key] of [
    [word, 'textColumn'],
    [tagColumn, 'labelColumn'],
  ] as const) {
    if (column > columns)
      throw new BertuneError(say`${place} has ${columns} columns, and ${setting(key)} is ${column}`);
  }
  const sentences: TaggedWords[] = [];
  let open: { words: string[]; tags: string[]; line: number } | undefined;
  const close = () => {
    if (open) sentences.push(open);
    open = undefined;
  };
  for (const [i, line] of lines.entries()) {
    if (line === null || line.trim() === '') {
      close();
      continue;
    }
    const values = cut(line);
    if (line.startsWith('#') && (values.length !== columns || !isWord(values, tagColumn, first.includes('\t'))))
      continue;
    if (values[0] === '-DOCSTART-') {
      close();
      continue;
    }
    const text = values[word - 1]?.trim() ?? '';
    const found = values[tagColumn - 1]?.trim() ?? '';
    if (values.length !== columns || text === '' || found === '') {
      throw new BertuneError(
        say`${place}: line ${i + 1} has ${values.length} ${values.length === 1 ? 'column' : 'columns'} where others have ${columns}: ${JSON.stringify(line.slice(0, 60))}`,
      );
    }
    open ??= { words: [], tags: [], line: i + 1 };
    open.words.push(text);
    open.tags.push(found);
  }
  close();
  return { sentences, tagColumn, columns };
}

/** Whether a line that begins as a comment is a word with its tag: between tabs, a comment has white space. */
function isWord(values: readonly string[], tagColumn: number, hasTabs: boolean): boolean {
  return isTag(values[tagColumn - 1]) || (hasTabs && !/\s/.test(values[0] ?? ''));
}

/** The last column whose values are all tags with prefixes; the last one where there is none. */
function likelyTags(rows: readonly (readonly string[])[], columns: number): number {
  const whole = rows.filter((row) => row.length === columns && row[0] !== '-DOCSTART-');
  for (let column = columns; column > 1; column--) {
    if (whole.every((row) => isTag(row[column - 1])) && whole.length > 0) return column;
  }
  return columns;
}

function isTag(value: string | undefined): boolean {
  return value !== undefined && (value.trim() === outside || hasPrefix(value.trim()));
}

/** Whether the beginning of a file that is named for a table is rather one word a line with its tag. */
export function looksLikeColumns(head: string): boolean {
  const lines = head.split(/\r\n|\n|\r/).slice(0, -1);
  const filled = lines.filter((line) => line.trim() !== '' && !line.startsWith('#'));
  if (filled.length < 3) return false;
  const tagged = filled.filter((line) =>
    isTag(
      line
        .trim()
        .split(/[ \t]+/)
        .at(-1),
    ),
  );
  return tagged.length >= 0.9 * filled.length && lines.some((line) => line.trim() === '');
}

/** Words of a sentence joined by single spaces, and where each lies, [from, to). */
export function joinedWords(words: readonly string[]): { text: string; places: [number, number][] } {
  let at = 0;
  const places = words.map((word): [number, number] => {
    const from = at;
    at += word.length + 1;
    return [from, from + word.length];
  });
  return { text: words.join(' '), places };
}
