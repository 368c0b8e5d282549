import { characterKind, kindOfCharacter } from './termKinds.ts';
import type { TermBlocks } from './termScanner.ts';

const spaced: TermBlocks = { words: [1, 2], characters: [2, 5] };
/** Each character is a word there: longer runs say little that shorter ones do not, and outweigh them. */
const unspaced: TermBlocks = { words: [1, 1], characters: [2, 3] };

/** Characters that are looked at. */
const mostLookedAt = 100_000;

/** What texts are cut into: it goes by whether most of their letters are of scripts that put spaces between words. */
export function suitedBlocks(texts: Iterable<string>): TermBlocks {
  const counts = { [characterKind.word]: 0, [characterKind.unspaced]: 0 };
  let looked = 0;
  for (const text of texts) {
    for (const character of text.slice(0, mostLookedAt - looked)) {
      const kind = kindOfCharacter(character.codePointAt(0) as number);
      if (kind === characterKind.word || kind === characterKind.unspaced) counts[kind]++;
    }
    looked += text.length;
    if (looked >= mostLookedAt) break;
  }
  return counts[characterKind.unspaced] > counts[characterKind.word] ? unspaced : spaced;
}
