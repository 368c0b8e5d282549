import type { AlignedText } from './alignedText.ts';
import { laterCompatibilityForms, laterForms } from './unicodeVersions.ts';

export type Form = 'NFC' | 'NFD' | 'NFKC' | 'NFKD';

/** A Unicode normalization form as the reference has it, which knows Unicode 9. */
export function normalizedTo(form: Form, text: string): string {
  const { some, others } = later[form];
  return beyond.test(text) && some.test(text)
    ? text.replace(others, (part) => part.normalize(form))
    : text.normalize(form);
}

/** The same, with where each character comes from. */
export function alignedTo(form: Form, text: AlignedText): AlignedText {
  if (/^\p{ASCII}*$/u.test(text.text)) return text;
  const [characters, consumed] = decomposed(form === 'NFD' || form === 'NFC' ? 'NFD' : 'NFKD', text.text);
  return form === 'NFD' || form === 'NFKD'
    ? text.transform(characters, consumed)
    : text.transform(...composed(characters, consumed));
}

/** Characters with the number of old ones that each takes the place of. */
type Characters = [characters: string[], consumed: number[]];

function decomposed(form: 'NFD' | 'NFKD', text: string): Characters {
  // Parts of one character come in its place and after it; then marks are ordered, each with its count.
  const counts = new Map<string, number[]>();
  for (const character of text) {
    let first = true;
    for (const part of normalizedTo(form, character)) {
      const list = counts.get(part) ?? [];
      if (list.length === 0) counts.set(part, list);
      list.push(first ? 1 : 0);
      first = false;
    }
  }
  for (const list of counts.values()) list.reverse();
  // Ordering never changes the order of equal characters.
  const characters = [...normalizedTo(form, text)];
  return [characters, characters.map((character) => counts.get(character)?.pop() ?? 0)];
}

/** Canonical composition (Unicode Standard Annex 15) of decomposed characters. */
function composed(characters: readonly string[], consumed: readonly number[]): Characters {
  const result: Characters = [[], []];
  const add = (character: string, count: number) => {
    result[0].push(character);
    result[1].push(count);
  };
  let starter = -1; // its place in the result
  let last: string | undefined; // the mark after it that was not joined
  for (const [i, character] of characters.entries()) {
    const count = consumed[i] as number;
    const blocked = last !== undefined && !isBefore(last, character);
    const joined = starter < 0 || blocked ? undefined : joinedOf(result[0][starter] as string, character);
    if (joined !== undefined) {
      result[0][starter] = joined;
      result[1][starter] = (result[1][starter] as number) + count;
      continue;
    }
    add(character, count);
    if (isStarter(character)) {
      starter = result[0].length - 1;
      last = undefined;
    } else if (starter >= 0) last = character;
  }
  return result;
}

function joinedOf(first: string, second: string): string | undefined {
  const joined = normalizedTo('NFC', first + second);
  return [...joined].length === 1 ? joined : undefined;
}

/** Whether a character has combining class 0. */
function isStarter(character: string): boolean {
  if (character < '\u0300') return true;
  // U+0345 has the highest class: every other mark goes before it.
  return character !== '\u0345' && normalizedTo('NFD', `\u0345${character}`).startsWith('\u0345');
}

/** Whether the combining class of a mark is below that of a character. */
function isBefore(mark: string, character: string): boolean {
  return mark !== character && !isStarter(character) && normalizedTo('NFD', character + mark).startsWith(mark);
}

function patterns(characters: string) {
  return { some: new RegExp(`[${characters}]`, 'u'), others: new RegExp(`[^${characters}]+`, 'gu') };
}

/** Code units from the first of these characters on: sooner looked for than they. */
const beyond = /[\u07fd-\uffff]/;
const canonical = patterns(laterForms);
const compatible = patterns(laterForms + laterCompatibilityForms);
const later: Readonly<Record<Form, ReturnType<typeof patterns>>> = {
  NFC: canonical,
  NFD: canonical,
  NFKC: compatible,
  NFKD: compatible,
};
