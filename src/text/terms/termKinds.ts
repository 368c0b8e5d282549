/** What a character is to the terms of a text. */
export const characterKind = { space: 0, other: 1, word: 2, mark: 3, unspaced: 4 } as const;

/** The kind of a code point: one of `characterKind`. */
export function kindOfCharacter(code: number): number {
  if (code >= known.length) return lookUp(code);
  const found = known[code] as number;
  if (found !== unknown) return found;
  const kind = lookUp(code);
  known[code] = kind;
  return kind;
}

const unknown = 255;
/** Kinds of the code points of the first plane, as they are met. */
const known = new Uint8Array(0x10000).fill(unknown);

const space = /^\s$/u;
const mark = /^\p{M}$/u;
/** Scripts that are written without spaces between words. */
const unspaced = /^[\p{sc=Han}\p{sc=Hira}\p{sc=Kana}\p{sc=Thai}\p{sc=Laoo}\p{sc=Khmr}\p{sc=Mymr}]$/u;
const word = /^[\p{L}\p{N}_]$/u;

function lookUp(code: number): number {
  const character = String.fromCodePoint(code);
  if (space.test(character)) return characterKind.space;
  if (mark.test(character)) return characterKind.mark;
  if (!word.test(character)) return characterKind.other;
  return unspaced.test(character) ? characterKind.unspaced : characterKind.word;
}
