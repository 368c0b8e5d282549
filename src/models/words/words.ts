/** What a classifier on words is made of: the terms it reads, and a linear layer over their TF-IDF weights. */
export interface WordsWeights {
  /** Lengths of the terms of each block. */
  readonly blocks: { readonly words: readonly [number, number]; readonly characters: readonly [number, number] };
  /** The terms of each block; the columns are those of `words`, then those of `characters`. */
  readonly terms: { readonly words: readonly string[]; readonly characters: readonly string[] };
  /** Inverse document frequency of each column [columns]. */
  readonly idf: Float32Array;
  /** [columns, classes] */
  readonly weight: Float32Array;
  /** [classes] */
  readonly bias: Float32Array;
}

/** Columns of the terms. */
export function columnsOf({ terms }: Pick<WordsWeights, 'terms'>): number {
  return terms.words.length + terms.characters.length;
}
