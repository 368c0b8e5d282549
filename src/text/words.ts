import type { Encoding } from './textTokenizer.ts';

/** A word of one ideograph, as BERT's pre-tokenization leaves Chinese text. */
const ideograph = /^\p{Script=Han}$/u;

/**
 * Marks the tokens that start a masking unit: 1 for the first piece of a word, 0 for the pieces that go with it. Runs
 * of single ideographs are cut into Chinese words by `Intl.Segmenter`, so that a word of several characters is one
 * unit; and so are words of scripts without spaces, which may be whole sentences to a tokenizer that parts words at
 * spaces.
 */
export function unitStarts({ wordIds, words, ends }: Encoding): Uint8Array {
  if (ends) return startsInSentences(wordIds, words, ends);
  const inside = charactersInsideWords(words);
  const starts = new Uint8Array(wordIds.length);
  for (let i = 0, before = -1; i < starts.length; i++) {
    const word = wordIds[i] as number;
    if (word !== before && !inside.has(word)) starts[i] = 1;
    before = word;
  }
  return starts;
}

function startsInSentences(wordIds: readonly number[], words: readonly string[], ends: readonly number[]): Uint8Array {
  const starts = new Uint8Array(wordIds.length);
  let boundaries: ReadonlySet<number> = new Set();
  for (let i = 0; i < starts.length; i++) {
    const word = wordIds[i] as number;
    if (word !== wordIds[i - 1]) {
      starts[i] = 1;
      const isWhole = word !== wordIds[i + 1];
      boundaries = isWhole ? new Set() : wordBoundaries(words[word] as string);
    } else if (boundaries.has(ends[i - 1] as number) && ends[i] !== ends[i - 1]) {
      starts[i] = 1; // Bytes of one character end where it ends, all of them.
    }
  }
  return starts;
}

/** Scripts that are written without spaces between words. */
const unspaced = /[\p{sc=Han}\p{sc=Hira}\p{sc=Kana}\p{sc=Thai}\p{sc=Laoo}\p{sc=Khmr}\p{sc=Mymr}]/u;
/** Code units that are looked at together: the segmenter takes more than linear time. */
const segmentedAtOnce = 2000;

/** The places inside a text at which a word starts, the space before it counted to it. */
function wordBoundaries(text: string): Set<number> {
  const boundaries = new Set<number>();
  for (let at = text.indexOf(' '); at >= 0; at = text.indexOf(' ', at + 1)) boundaries.add(at);
  if (!unspaced.test(text)) return boundaries;
  for (const { index } of segmentsOf(text)) if (text[index - 1] !== ' ') boundaries.add(index);
  boundaries.delete(0);
  return boundaries;
}

/** Word ids of ideographs that continue a Chinese word. */
function charactersInsideWords(words: readonly string[]): Set<number> {
  const inside = new Set<number>();
  for (let start = 0; start < words.length; start++) {
    let end = start;
    while (end < words.length && isIdeograph(words[end] as string)) end++;
    if (end - start > 1) {
      let at = start;
      for (const { segment } of segmentsOf(words.slice(start, end).join(''))) {
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

/** The words of a text, piece by piece: a piece ends where its last word but one does, so that no word is cut in two. */
function* segmentsOf(text: string): Generator<{ readonly segment: string; readonly index: number }> {
  for (let from = 0; from < text.length; ) {
    const piece = text.slice(from, from + segmentedAtOnce);
    const isLast = from + piece.length === text.length;
    const segments = Array.from(segmenter().segment(piece));
    const sure = isLast || segments.length === 1 ? segments : segments.slice(0, -1);
    for (const { segment, index } of sure) yield { segment, index: from + index };
    from += sure.reduce((sum, { segment }) => sum + segment.length, 0);
  }
}

let cached: Intl.Segmenter | undefined;

function segmenter(): Intl.Segmenter {
  cached ??= new Intl.Segmenter('zh', { granularity: 'word' });
  return cached;
}
