import type { Value } from '../../graph/graph.ts';
import { linear } from '../../nn/layers.ts';
import { lastLinearSpecs, type ParameterSpec } from '../../nn/parameters.ts';
import type { Scope } from '../../nn/scope.ts';
import type { TextConfig } from './config.ts';

/**
 * Logits of the tags of tokens from their hidden states: [N, hiddenSize] -> [N, labels].
 *
 * @param rate dropout before the product
 */
export function tokenClassifierLogits(
  scope: Scope,
  { classifierDropout, hiddenDropout }: TextConfig,
  hidden: Value,
  rate = classifierDropout ?? hiddenDropout,
): Value {
  return linear(scope, 'tokenClassifier', scope.dropout(hidden, rate));
}

export function tokenClassifierParameters({ hiddenSize, labels }: TextConfig): ParameterSpec[] {
  return lastLinearSpecs('tokenClassifier', hiddenSize, labels?.length ?? 2);
}
