/** What a tokenizer puts around every sequence, and the padding between sequences. */
export interface Frame {
  /** Ids of the special tokens before a sequence's own, such as [CLS], and of those after them, such as [SEP]. */
  readonly before: readonly number[];
  readonly after: readonly number[];
  readonly pad: number;
  /** Special tokens of a sequence. */
  readonly size: number;
  /** How two texts stand in one sequence; absent where the tokenizer does not say, or says it in another way. */
  readonly pair?: PairFrame;
}

/** What a tokenizer puts between two texts, with the same around them as around one. */
export interface PairFrame {
  /** Ids of the special tokens, of the first type. */
  readonly between: readonly number[];
  /** Type of the second text's tokens and of what stands after them. */
  readonly secondType: 0 | 1;
}

export function frameOf(before: readonly number[], after: readonly number[], pad: number, pair?: PairFrame): Frame {
  return { before, after, pad, size: before.length + after.length, ...(pair && { pair }) };
}

/** A sequence as the model sees it. */
export function framed({ before, after }: Frame, ids: ArrayLike<number>): number[] {
  return [...before, ...Array.from(ids), ...after];
}
