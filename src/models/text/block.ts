import type { Graph, Value } from '../../graph/graph.ts';
import type { Size } from '../../graph/sizes.ts';

/** Rows of a batch and tokens of a row; a `Size` where a run tells them. */
export interface BlockShape<S extends Size = number> {
  readonly rows: S;
  readonly width: S;
}

/** Tokens in rows, several sequences to a row or one: what every encoder reads. The tensors are int32 [rows, width]. */
export interface TokenBlock extends BlockShape<Size> {
  readonly ids: Value;
  /** Place of a token in its sequence, from 0. */
  readonly positions: Value;
  /** Number of a token's sequence within its row, from 1; 0 is padding. Tokens attend to those of the same number. */
  readonly sequenceIds: Value;
  /** Which of two texts a token is of, for encoders that tell; all tokens are of the first when absent. */
  readonly tokenTypes?: Value;
}

/**
 * A block whose tensors are inputs of the graph: `inputIds`, `positionIds` and `sequenceIds`.
 *
 * @param tellsTexts whether there are `tokenTypes`, too
 */
export function blockInputs(graph: Graph, { rows, width }: BlockShape<Size>, tellsTexts = false): TokenBlock {
  const input = (name: string) => graph.input(name, 'int32', [rows, width]);
  return {
    ...{ rows, width },
    ids: input('inputIds'),
    positions: input('positionIds'),
    sequenceIds: input('sequenceIds'),
    ...(tellsTexts && { tokenTypes: input('tokenTypes') }),
  };
}
