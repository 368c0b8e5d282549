import { BertuneError } from '../../core/errors.ts';
import type { Options } from './kinds.ts';
import type { PieceModel } from './model.ts';
import { Trie } from './trie.ts';

/** What an unknown character costs below the worst piece, as in SentencePiece. */
const unknownPenalty = 10;

/**
 * Unigram (Kudo 2018): the pieces of a word whose scores, logarithms of probabilities, have the largest sum. Characters
 * that are no piece are unknown, and those beside each other one token, or their bytes where the vocabulary has them.
 *
 * Of equal sums the path found first stands. Which are equal hangs on the last bit of the scores: they are those of the
 * file here, as they are to transformers' own classes; the reference's reader of JSON is off by that bit for some.
 */
export function unigram(options: Options, where: string): PieceModel {
  const { pieces, scores } = readVocabulary(options, where);
  const unknown = options.raw('unk_id') === undefined ? undefined : options.number('unk_id');
  if (unknown !== undefined && unknown >= pieces.length) throw options.refuse('unk_id', 'a place in the vocab');
  const byteFallback = options.boolean('byte_fallback', false);
  const trie = new Trie(pieces);
  const unknownScore =
    scores.reduce((least, score) => Math.min(least, score), Number.POSITIVE_INFINITY) - unknownPenalty;
  const path = new BestPath();

  const idOf = (piece: string) => {
    const id = trie.get(piece);
    return id < 0 ? undefined : id;
  };

  /** Fills the path: for every place in the word, the best piece that ends there. */
  const search = (word: string) => {
    path.clear(word.length);
    const { best, from, piece } = path;
    for (let start = 0; start < word.length; ) {
      const before = best[start] as number;
      const first = word.charCodeAt(start);
      const end = start + (first >= 0xd800 && first < 0xdc00 ? 2 : 1);
      let alone = false;
      let node = 0;
      for (let i = start; i < word.length; i++) {
        node = trie.next(node, word.charCodeAt(i));
        if (node < 0) break;
        const id = trie.valueAt(node);
        if (id < 0) continue;
        if (i + 1 === end) alone = true;
        const score = (scores[id] as number) + before;
        if ((from[i + 1] as number) < 0 || score > (best[i + 1] as number)) {
          best[i + 1] = score;
          from[i + 1] = start;
          piece[i + 1] = id;
        }
      }
      if (!alone) {
        const score = unknownScore + before;
        if ((from[end] as number) < 0 || score > (best[end] as number)) {
          if (unknown === undefined) throw noUnknown(where, word.slice(start, end));
          best[end] = score;
          from[end] = start;
          piece[end] = unknown;
        }
      }
      start = end;
    }
  };

  return {
    size: pieces.length,
    bound: pieces.length,
    namedByText: unknown,
    idOf,
    pieceOf: (id) => pieces[id],
    tokenize(word, spans) {
      search(word);
      // The pieces from last to first; unknown ones beside each other are one.
      const ends: number[] = [];
      let next: number | undefined;
      for (let end = word.length; end > 0; end = path.from[end] as number) {
        const id = path.piece[end] as number;
        if (id !== unknown || next !== unknown) ends.push(end);
        next = id;
      }
      const ids: number[] = [];
      let start = 0;
      for (const end of ends.reverse()) {
        const id = path.piece[end] as number;
        for (const each of id === unknown ? fused(word.slice(start, end)) : [id]) {
          ids.push(each);
          spans?.push(start, end);
        }
        start = end;
      }
      return ids;
    },
  };

  /** Ids of a run of unknown characters. */
  function fused(text: string): readonly number[] {
    const whole = idOf(text);
    if (whole !== undefined) return [whole];
    if (byteFallback) {
      const bytes = Array.from(Buffer.from(text), (byte) => idOf(bytePiece(byte)));
      if (bytes.every((id) => id !== undefined)) return bytes;
    }
    return unknown === undefined ? [] : [unknown];
  }
}

/** What stands for a byte in vocabularies that fall back to them. */
export function bytePiece(byte: number): string {
  return `<0x${byte.toString(16).toUpperCase().padStart(2, '0')}>`;
}

/** Room for the best paths to every place in a word. */
class BestPath {
  best = new Float64Array(256);
  /** Where the best piece that ends at a place starts; -1 where none ends. */
  from = new Int32Array(256);
  piece = new Int32Array(256);

  clear(length: number): void {
    if (this.best.length <= length) {
      const room = 2 * length + 1;
      this.best = new Float64Array(room);
      this.from = new Int32Array(room);
      this.piece = new Int32Array(room);
    }
    this.best[0] = 0;
    this.from.fill(-1, 0, length + 1);
  }
}

function readVocabulary(options: Options, where: string): { pieces: string[]; scores: Float64Array } {
  const entries = options.list('vocab');
  const pieces = new Array<string>(entries.length);
  const scores = new Float64Array(entries.length);
  for (let i = 0; i < entries.length; i++) {
    const entry = entries[i];
    if (!Array.isArray(entry) || typeof entry[0] !== 'string' || typeof entry[1] !== 'number') {
      throw new BertuneError(`${where}: entry ${i} of the vocab of tokenizer.json is no pair of a piece and its score`);
    }
    pieces[i] = entry[0];
    scores[i] = entry[1];
  }
  return { pieces, scores };
}

function noUnknown(where: string, character: string): BertuneError {
  const shown = JSON.stringify(character);
  return new BertuneError(`${where}: ${shown} is no piece of the vocabulary, and its Unigram model has no unk_id`);
}
