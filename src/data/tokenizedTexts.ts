import { isMaskable } from '../text/masking.ts';
import { normalizedForm } from '../text/normalize.ts';
import { splitRanges } from '../text/packing.ts';
import type { TextTokenizer } from '../text/textTokenizer.ts';
import { unitStarts } from '../text/words.ts';
import { hashText } from './hashText.ts';

/** How long texts are cut. */
export interface CutOptions {
  /** Most tokens of a sequence, [CLS] and [SEP] left out; longer texts are split. */
  readonly mostTokens: number;
  /** Most tokens that consecutive pieces of a split text share; 0 without it. */
  readonly overlap?: number;
}

/** Some texts as token sequences, one after the other: typed arrays alone, so that threads can hand them over. */
export interface TokenizedTexts {
  /** Token ids of all sequences [tokens]. */
  readonly ids: Uint16Array<ArrayBuffer> | Uint32Array<ArrayBuffer>;
  /** 1 where a token starts a masking unit [tokens]. */
  readonly starts: Uint8Array<ArrayBuffer>;
  /** Tokens of each sequence [sequences]. */
  readonly lengths: Uint32Array<ArrayBuffer>;
  /** Sequences of each text; 0 for a text without a token that may be masked [texts]. */
  readonly pieces: Uint32Array<ArrayBuffer>;
  /** Hash of each text's normalized form [texts]. */
  readonly hashes: Float64Array<ArrayBuffer>;
  /** Texts longer than the limit, which were split. */
  readonly split: number;
}

/** Tokenizes texts and cuts those that are too long. */
export function tokenizeTexts(texts: readonly string[], tokenizer: TextTokenizer, cut: CutOptions): TokenizedTexts {
  const sequences: { ids: readonly number[]; starts: Uint8Array }[] = [];
  const pieces = new Uint32Array(texts.length);
  const hashes = new Float64Array(texts.length);
  let tokens = 0;
  let split = 0;
  for (const [i, text] of texts.entries()) {
    const encoding = tokenizer.encode(text);
    if (!isMaskable(encoding.ids, tokenizer.specialIds)) continue;
    const before = sequences.length;
    const starts = unitStarts(encoding);
    const ranges = splitRanges(encoding.ids.length, cut.mostTokens, starts, cut.overlap);
    if (ranges.length > 1) split++;
    for (const [from, to] of ranges) {
      const ids = ranges.length === 1 ? encoding.ids : encoding.ids.slice(from, to);
      if (ranges.length > 1 && !isMaskable(ids, tokenizer.specialIds)) continue;
      sequences.push({ ids, starts: starts.subarray(from, to) });
      tokens += ids.length;
    }
    pieces[i] = sequences.length - before;
    hashes[i] = hashText(normalizedForm(text));
  }
  return { ...joined(sequences, tokens, tokenizer.vocabularySize), pieces, hashes, split };
}

function joined(
  sequences: readonly { ids: readonly number[]; starts: Uint8Array }[],
  tokens: number,
  vocabularySize: number,
): Pick<TokenizedTexts, 'ids' | 'starts' | 'lengths'> {
  const ids = vocabularySize > 65536 ? new Uint32Array(tokens) : new Uint16Array(tokens);
  const starts = new Uint8Array(tokens);
  const lengths = new Uint32Array(sequences.length);
  let at = 0;
  for (const [i, sequence] of sequences.entries()) {
    ids.set(sequence.ids, at);
    starts.set(sequence.starts, at);
    lengths[i] = sequence.ids.length;
    at += sequence.ids.length;
  }
  return { ids, starts, lengths };
}
