/** What a tokenizer puts around every sequence, and the padding between sequences. */
export interface Frame {
  /** Ids of the special tokens before a sequence's own, such as [CLS], and of those after them, such as [SEP]. */
  readonly before: readonly number[];
  readonly after: readonly number[];
  readonly pad: number;
  /** Special tokens of a sequence. */
  readonly size: number;
}

export function frameOf(before: readonly number[], after: readonly number[], pad: number): Frame {
  return { before, after, pad, size: before.length + after.length };
}

/** A sequence as the model sees it. */
export function framed({ before, after }: Frame, ids: ArrayLike<number>): number[] {
  return [...before, ...Array.from(ids), ...after];
}
