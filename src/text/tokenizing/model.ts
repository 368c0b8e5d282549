/** What turns words into pieces of a vocabulary. */
export interface PieceModel {
  /** Pieces of the vocabulary, added tokens left out. */
  readonly size: number;
  /** The highest id, and one. */
  readonly bound: number;
  /** The id whose tokens go by the text that they stand for rather than by its piece. */
  readonly namedByText?: number;
  idOf(piece: string): number | undefined;
  pieceOf(id: number): string | undefined;
  /**
   * Ids of the pieces of a word.
   *
   * @param spans gets the part of the word that each piece stands for, as from and to [2 · pieces], in code units
   */
  tokenize(word: string, spans?: number[]): number[];
}
