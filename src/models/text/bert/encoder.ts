import * as ops from '../../../graph/functions.ts';
import type { Value } from '../../../graph/graph.ts';
import { product } from '../../../graph/sizes.ts';
import { addLayerNorm, embedding } from '../../../nn/layers.ts';
import type { Scope } from '../../../nn/scope.ts';
import type { TokenBlock } from '../block.ts';
import { postNormLayers } from '../postNorm.ts';
import type { BertConfig } from './config.ts';

/**
 * Embeddings and post-norm layers; see `TextFamily.encode`.
 *
 * @returns hidden states [N, hiddenSize], or those of all tokens, [rows · width, hiddenSize]
 */
export function encode(scope: Scope, config: BertConfig, block: TokenBlock, read?: Value): Value {
  return postNormLayers(scope, config, block, embeddings(scope, config, block), read);
}

/** Words, types and positions, added and normalized [rows · width, width of the tables]. */
export function embeddings(
  scope: Scope,
  { layerNormEpsilon, hiddenDropout }: Pick<BertConfig, 'layerNormEpsilon' | 'hiddenDropout'>,
  { rows, width, ids, positions, tokenTypes }: TokenBlock,
): Value {
  const flat = (value: Value) => ops.reshape(value, [product(rows, width)]);
  const firstType = () => scope.graph.constant({ dtype: 'int32', shape: [1], data: Int32Array.of(0) });
  const words = embedding(scope, 'embeddings.word', flat(ids));
  const typed = ops.add(words, embedding(scope, 'embeddings.tokenType', tokenTypes ? flat(tokenTypes) : firstType()));
  const placed = embedding(scope, 'embeddings.position', flat(positions));
  return scope.dropout(addLayerNorm(scope, 'embeddings.norm', typed, placed, layerNormEpsilon), hiddenDropout);
}
