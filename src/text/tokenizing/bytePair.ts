import { BertuneError } from '../../core/errors.ts';
import type { Options } from './kinds.ts';
import type { PieceModel } from './model.ts';
import { bytePiece } from './unigram.ts';
import { PieceVocabulary } from './vocabularyModel.ts';

/**
 * Byte-pair encoding (Sennrich et al. 2016): a word starts as its characters, and of the neighbours that the list of
 * merges has, those that come first in it are joined, again and again.
 */
export function bytePair(options: Options, where: string): PieceModel {
  const vocabulary = new PieceVocabulary(options, where);
  const dropout = options.raw('dropout');
  if (dropout !== undefined && dropout !== 0) throw options.refuse('dropout', 'null: ids would differ at every run');
  const unknownPiece = options.raw('unk_token') === undefined ? undefined : options.string('unk_token');
  const prefix = options.string('continuing_subword_prefix', '');
  const suffix = options.string('end_of_word_suffix', '');
  const fuseUnknown = options.boolean('fuse_unk', false);
  const byteFallback = options.boolean('byte_fallback', false);
  const ignoreMerges = options.boolean('ignore_merges', false);
  const merges = new Merges(options, vocabulary, prefix, where);

  const unknownId = () => {
    const id = vocabulary.idOf(unknownPiece as string);
    if (id === undefined) throw new BertuneError(`${where}: the vocabulary has no ${unknownPiece}, its unk_token`);
    return id;
  };

  /** The characters of a word as symbols, before any merge. */
  const symbolsOf = (word: string) => {
    const symbols: Symbols = { ids: [], bytes: [] };
    let unknown: { id: number; bytes: number } | undefined;
    const add = (id: number, bytes: number) => {
      symbols.ids.push(id);
      symbols.bytes.push(bytes);
    };
    const flush = () => {
      if (unknown) add(unknown.id, unknown.bytes);
      unknown = undefined;
    };
    let place = 0;
    for (const character of word) {
      const isFirst = place === 0;
      place += character.length;
      const piece = `${isFirst ? '' : prefix}${character}${place === word.length ? suffix : ''}`;
      const bytes = Buffer.byteLength(character);
      const id = vocabulary.idOf(piece);
      if (id !== undefined) {
        flush();
        add(id, bytes);
        continue;
      }
      const parts = byteFallback ? Array.from(Buffer.from(piece), (byte) => vocabulary.idOf(bytePiece(byte))) : [];
      if (byteFallback && parts.every((part) => part !== undefined)) {
        for (const part of parts) add(part, 1);
      } else if (unknownPiece !== undefined) {
        if (unknown && fuseUnknown) unknown.bytes += bytes;
        else {
          flush();
          unknown = { id: unknownId(), bytes };
        }
      }
    }
    flush();
    return symbols;
  };

  return vocabulary.model((word, spans) => {
    const whole = ignoreMerges ? vocabulary.idOf(word) : undefined;
    if (whole !== undefined) {
      spans?.push(0, word.length);
      return [whole];
    }
    const { ids, bytes } = merges.applied(symbolsOf(word));
    if (spans) addSpans(word, bytes, spans);
    return ids;
  });
}

/** What a word is made of: ids, and how many bytes of the word each stands for. */
interface Symbols {
  readonly ids: number[];
  readonly bytes: number[];
}

/** Pairs of ids that are joined, by their rank. */
class Merges {
  /** By pair of ids, as one number: its rank. */
  readonly #ranks = new Map<number, number>();
  /** By rank: the id of what the pair becomes. */
  readonly #joined: number[] = [];
  readonly #bound: number;

  constructor(options: Options, vocabulary: PieceVocabulary, prefix: string, where: string) {
    this.#bound = vocabulary.bound;
    for (const [rank, entry] of options.list('merges').entries()) {
      const pair: unknown = typeof entry === 'string' ? entry.split(' ') : entry;
      if (!Array.isArray(pair) || pair.length !== 2) throw options.refuse('merges', 'a list of pairs of pieces');
      const [left, right] = pair.map(String) as [string, string];
      const ids = [left, right, left + right.slice(prefix.length)].map((piece) => vocabulary.idOf(piece));
      const [leftId, rightId, joinedId] = ids;
      if (leftId === undefined || rightId === undefined || joinedId === undefined) {
        throw new BertuneError(`${where}: merge ${rank} of tokenizer.json has a piece that its vocab lacks`);
      }
      this.#ranks.set(leftId * this.#bound + rightId, rank);
      this.#joined.push(joinedId);
    }
  }

  /** Joins neighbours as long as there are any to join: those of the lowest rank first, of equal ones the leftmost. */
  applied({ ids, bytes }: Symbols): Symbols {
    const count = ids.length;
    const before = Int32Array.from({ length: count }, (_, i) => i - 1);
    const after = Int32Array.from({ length: count }, (_, i) => (i + 1 < count ? i + 1 : -1));
    const queue = new PairQueue();
    const offer = (left: number, right: number) => {
      if (left < 0 || right < 0) return;
      const rank = this.#ranks.get((ids[left] as number) * this.#bound + (ids[right] as number));
      if (rank !== undefined) queue.push(rank, left);
    };
    for (let i = 0; i + 1 < count; i++) offer(i, i + 1);
    for (let top = queue.pop(); top; top = queue.pop()) {
      const { rank, place } = top;
      const right = after[place] as number;
      if (bytes[place] === 0 || right < 0) continue;
      const joined = this.#joined[rank] as number;
      const now = this.#ranks.get((ids[place] as number) * this.#bound + (ids[right] as number));
      // The pair may have been taken apart since it was put into the queue.
      if (now === undefined || this.#joined[now] !== joined) continue;
      ids[place] = joined;
      bytes[place] = (bytes[place] as number) + (bytes[right] as number);
      bytes[right] = 0;
      const next = after[right] as number;
      after[place] = next;
      if (next >= 0) before[next] = place;
      offer(before[place] as number, place);
      offer(place, next);
    }
    return { ids: ids.filter((_, i) => bytes[i] !== 0), bytes: bytes.filter((size) => size !== 0) };
  }
}

/** A heap of pairs: the lowest rank comes out first, of equal ones the leftmost. */
class PairQueue {
  /** Rank and place as one number. */
  readonly #heap: number[] = [];

  push(rank: number, place: number): void {
    const heap = this.#heap;
    const value = rank * placeBound + place;
    let i = heap.length;
    heap.push(value);
    for (; i > 0; ) {
      const above = (i - 1) >> 1;
      if ((heap[above] as number) <= value) break;
      heap[i] = heap[above] as number;
      i = above;
    }
    heap[i] = value;
  }

  pop(): { rank: number; place: number } | undefined {
    const heap = this.#heap;
    const top = heap[0];
    if (top === undefined) return undefined;
    const value = heap.pop() as number;
    if (heap.length > 0) {
      let i = 0;
      for (let below = 1; below < heap.length; below = 2 * i + 1) {
        if (below + 1 < heap.length && (heap[below + 1] as number) < (heap[below] as number)) below++;
        if ((heap[below] as number) >= value) break;
        heap[i] = heap[below] as number;
        i = below;
      }
      heap[i] = value;
    }
    const rank = Math.floor(top / placeBound);
    return { rank, place: top - rank * placeBound };
  }
}

/** No word has as many characters: a string has at most 2^29. */
const placeBound = 2 ** 30;

/** The part of a word that each symbol stands for, from bytes to code units: a part of a character counts as all of it. */
function addSpans(word: string, bytes: readonly number[], spans: number[]): void {
  // The code unit at which the character of a byte starts, and the one after it.
  const starts: number[] = [];
  const ends: number[] = [];
  let place = 0;
  for (const character of word) {
    for (let i = Buffer.byteLength(character); i > 0; i--) {
      starts.push(place);
      ends.push(place + character.length);
    }
    place += character.length;
  }
  let at = 0;
  for (const size of bytes) {
    spans.push(starts[at] ?? word.length, ends[at + size - 1] ?? word.length);
    at += size;
  }
}
