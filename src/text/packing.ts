import type { HostTensor } from '../core/tensor.ts';
import type { Frame } from './frame.ts';
import { framedPair, isPairSequence } from './pair.ts';

/** Where a packed sequence stands: its row and its first column. */
export interface Place {
  readonly row: number;
  readonly offset: number;
}

/** Fills the rows of a block one sequence at a time: each goes to the first row with room for it. */
export class RowPacker {
  readonly #used: Int32Array;
  readonly #width: number;

  constructor(rows: number, width: number) {
    this.#used = new Int32Array(rows); // not an array: a length beyond memory ends the process there
    this.#width = width;
  }

  /** Whether a row has room for `length` tokens. */
  fits(length: number): boolean {
    return this.#used.some((used) => used + length <= this.#width);
  }

  /** Takes room for `length` tokens, special ones included, or returns undefined when no row has it. */
  place(length: number): Place | undefined {
    const row = this.#used.findIndex((used) => used + length <= this.#width);
    if (row < 0) return undefined;
    const offset = this.#used[row] as number;
    this.#used[row] = offset + length;
    return { row, offset };
  }
}

/** What an encoder reads: three int32 tensors [rows, width]. */
export interface Block {
  readonly inputIds: HostTensor<'int32'>;
  readonly positionIds: HostTensor<'int32'>;
  readonly sequenceIds: HostTensor<'int32'>;
  /** Which of two texts a token is of, where the encoder is told. */
  readonly tokenTypes?: HostTensor<'int32'>;
}

/**
 * Sequences in fixed-shape rows. Several may share one: positions restart at each, and sequence numbers keep their
 * attention apart. Free places are padding, sequence 0.
 */
export class BlockBuilder {
  readonly block: Block;
  readonly #packer: RowPacker;
  readonly #width: number;
  readonly #sequences: Int32Array;
  readonly #frame: Frame;
  /** Non-padding tokens so far. */
  tokens = 0;

  /** @param tellsTexts whether the encoder is told which of two texts a token is of */
  constructor(rows: number, width: number, frame: Frame, tellsTexts = false) {
    const tensor = (fill: number): HostTensor<'int32'> => ({
      dtype: 'int32',
      shape: [rows, width],
      data: new Int32Array(rows * width).fill(fill),
    });
    this.block = {
      inputIds: tensor(frame.pad),
      positionIds: tensor(0),
      sequenceIds: tensor(0),
      ...(tellsTexts && { tokenTypes: tensor(0) }),
    };
    this.#packer = new RowPacker(rows, width);
    this.#width = width;
    this.#sequences = new Int32Array(rows);
    this.#frame = frame;
  }

  /** The rows that hold anything; they come first. */
  used(): Block {
    const rows = this.#sequences.filter((sequences) => sequences > 0).length;
    const cut = ({ data }: HostTensor<'int32'>): HostTensor<'int32'> => ({
      dtype: 'int32',
      shape: [rows, this.#width],
      data: data.subarray(0, rows * this.#width),
    });
    const { inputIds, positionIds, sequenceIds, tokenTypes } = this.block;
    const types = tokenTypes && { tokenTypes: cut(tokenTypes) };
    return { inputIds: cut(inputIds), positionIds: cut(positionIds), sequenceIds: cut(sequenceIds), ...types };
  }

  /** Whether a sequence of `length` tokens, without the special ones around it, still has room. */
  fits(length: number): boolean {
    return this.#packer.fits(length + this.#frame.size);
  }

  /**
   * Places a sequence with its frame.
   *
   * @param ids without the special tokens around it; of a pair, as `pairSequence` gives them
   * @returns the flat index (row · width + column) of its first token, or undefined when it fits nowhere
   */
  add(ids: ArrayLike<number>): number | undefined {
    const { before, after, size } = this.#frame;
    const length = ids.length + size;
    const place = this.#packer.place(length);
    if (!place) return undefined;
    const start = place.row * this.#width + place.offset;
    const sequence = (this.#sequences[place.row] as number) + 1;
    this.#sequences[place.row] = sequence;
    const { inputIds, positionIds, sequenceIds, tokenTypes } = this.block;
    if (isPairSequence(ids)) {
      const pair = framedPair(this.#frame, ids);
      inputIds.data.set(pair.ids, start);
      tokenTypes?.data.set(pair.types, start);
    } else {
      inputIds.data.set(before, start);
      inputIds.data.set(ids, start + before.length);
      inputIds.data.set(after, start + before.length + ids.length);
    }
    for (let i = 0; i < length; i++) {
      positionIds.data[start + i] = i;
      sequenceIds.data[start + i] = sequence;
    }
    this.tokens += length;
    return start;
  }
}

/**
 * Cuts a text of `length` tokens into pieces of at most `most`, as [from, to) ranges. Where `starts` is given (1 where a
 * word starts), no word is cut unless it alone is longer than that.
 *
 * @param overlap tokens at the end of a piece that the next one repeats: fewer where whole words are fewer, none where the
 * next piece would then reach no further
 */
export function splitRanges(length: number, most: number, starts?: ArrayLike<number>, overlap = 0): [number, number][] {
  const endOf = (from: number) => {
    const to = Math.min(from + most, length);
    return starts && to < length ? (lastStart(starts, from, to) ?? to) : to;
  };
  const ranges: [number, number][] = [];
  for (let from = 0; from < length; ) {
    const to = endOf(from);
    ranges.push([from, to]);
    let next = to;
    // From the shortest overlap to the longest, so that the last one that serves is kept.
    for (let at = to - 1; to < length && at >= to - overlap && at > from; at--) {
      if ((!starts || starts[at] === 1) && endOf(at) > to) next = at;
    }
    from = next;
  }
  return ranges;
}

/** The last place in (from, to] where a word starts. */
function lastStart(starts: ArrayLike<number>, from: number, to: number): number | undefined {
  for (let place = to; place > from; place--) if (starts[place] === 1) return place;
  return undefined;
}
