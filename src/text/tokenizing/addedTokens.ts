import type { Options } from './kinds.ts';
import { laterWordCharacters } from './unicodeVersions.ts';

/** A token that is looked for in the text before it is cut into words. */
export interface AddedToken {
  readonly id: number;
  readonly content: string;
  readonly special: boolean;
  /** Whether it is looked for in normalized text rather than in the text as it is. */
  readonly normalized: boolean;
  /** Whether it counts only where no word character is beside it. */
  readonly singleWord: boolean;
  /** Whether it takes the white space before it, and after it. */
  readonly takesBefore: boolean;
  readonly takesAfter: boolean;
}

export function readAddedToken(options: Options, id: number): AddedToken {
  const special = options.boolean('special', false);
  return {
    id,
    content: options.string('content'),
    special,
    normalized: options.boolean('normalized', !special),
    singleWord: options.boolean('single_word', false),
    takesBefore: options.boolean('lstrip', false),
    takesAfter: options.boolean('rstrip', false),
  };
}

/** A part of a text: what stands between added tokens, or one of them. */
export interface Section {
  readonly from: number;
  readonly to: number;
  readonly token?: AddedToken;
}

/** Cuts a text at added tokens, of which the longest at a place counts. */
export type Splitter = (text: string) => readonly Section[];

/** @param tokens with the text that is looked for */
export function splitter(tokens: readonly (readonly [content: string, token: AddedToken])[]): Splitter {
  // By the first code unit, longest first.
  const byFirst = new Map<string, (readonly [string, AddedToken])[]>();
  for (const entry of tokens) {
    const first = entry[0].charAt(0);
    if (first === '') continue;
    const list = byFirst.get(first) ?? [];
    list.push(entry);
    byFirst.set(first, list);
  }
  if (byFirst.size === 0) return (text) => [{ from: 0, to: text.length }];
  for (const list of byFirst.values()) list.sort(([a], [b]) => b.length - a.length);
  const firsts = new RegExp(`[${[...byFirst.keys()].map(unitPattern).join('')}]`, 'g');

  return (text) => {
    const sections: Section[] = [];
    let taken = 0;
    firsts.lastIndex = 0;
    for (let at = firsts.exec(text)?.index; at !== undefined; at = firsts.exec(text)?.index) {
      const place = at;
      const found = byFirst.get(text.charAt(place))?.find(([content]) => text.startsWith(content, place));
      if (!found) continue;
      const [content, token] = found;
      let from = place;
      let to = place + content.length;
      firsts.lastIndex = to;
      if (
        token.singleWord &&
        (endsInWord.test(text.slice(Math.max(0, from - 2), from)) || startsWithWord.test(text.slice(to, to + 2)))
      ) {
        continue;
      }
      if (token.takesBefore) while (from > taken && space.test(text.charAt(from - 1))) from--;
      if (token.takesAfter) while (to < text.length && space.test(text.charAt(to))) to++;
      if (taken < from) sections.push({ from: taken, to: from });
      sections.push({ from, to, token });
      taken = to;
    }
    if (taken < text.length) sections.push({ from: taken, to: text.length });
    return sections;
  };
}

function unitPattern(unit: string): string {
  return `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`;
}

const space = /\p{White_Space}/u;
const wordCharacter = `[\\p{Alphabetic}\\p{M}\\p{Nd}\\p{Pc}\\p{Join_Control}]--[${laterWordCharacters}]`;
const startsWithWord = new RegExp(`^[${wordCharacter}]`, 'v');
const endsInWord = new RegExp(`[${wordCharacter}]$`, 'v');
