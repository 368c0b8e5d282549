import type { Value } from '../../../graph/graph.ts';
import type { Scope } from '../../../nn/scope.ts';
import type { TokenBlock } from '../block.ts';
import { postNormEmbeddings, postNormLayers } from '../postNorm.ts';
import type { BertConfig } from './config.ts';

/**
 * Embeddings and post-norm layers; see `TextFamily.encode`.
 *
 * @returns hidden states [N, hiddenSize], or those of all tokens, [rows · width, hiddenSize]
 */
export function encode(scope: Scope, config: BertConfig, block: TokenBlock, read?: Value): Value {
  return postNormLayers(scope, config, block, postNormEmbeddings(scope, config, block), read);
}
