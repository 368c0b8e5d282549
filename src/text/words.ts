import type { Encoding } from './tokenizer.ts';

/** A word of one ideograph, as BERT's pre-tokenization leaves Chinese text. */
const ideograph = /^\p{Script=Han}$/u;

/**
 * Marks the tokens that start a masking unit: 1 for the first piece of a word, 0 for the pieces that go with it. Runs
 * of single ideographs are cut into Chinese words by `Intl.Segmenter`, so that a word of several characters is one
 * unit.
 */
export function unitStarts({ wordIds, words }: Encoding): Uint8Array {
  const inside = charactersInsideWords(words);
  const starts = new Uint8Array(wordIds.length);
  for (let i = 0, before = -1; i < starts.length; i++) {
    const word = wordIds[i] as number;
    if (word !== before && !inside.has(word)) starts[i] = 1;
    before = word;
  }
  return starts;
}

/** Word ids of ideographs that continue a Chinese word. */
function charactersInsideWords(words: readonly string[]): Set<number> {
  const inside = new Set<number>();
  for (let start = 0; start < words.length; start++) {
    let end = start;
    while (end < words.length && isIdeograph(words[end] as string)) end++;
    if (end - start > 1) {
      let at = start;
      for (const { segment } of segmenter().segment(words.slice(start, end).join(''))) {
        const characters = [...segment].length;
        for (let i = 1; i < characters; i++) inside.add(at + i);
        at += characters;
      }
    }
    if (end > start) start = end - 1;
  }
  return inside;
}

function isIdeograph(word: string): boolean {
  // None comes before the radicals: most words need no look at their script.
  return word.charCodeAt(0) >= 0x2e80 && ideograph.test(word);
}

let cached: Intl.Segmenter | undefined;

function segmenter(): Intl.Segmenter {
  cached ??= new Intl.Segmenter('zh', { granularity: 'word' });
  return cached;
}
