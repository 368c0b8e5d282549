import * as ops from '../../graph/functions.ts';
import type { Value } from '../../graph/graph.ts';
import { layerNorm, linear } from '../../nn/layers.ts';
import type { Scope } from '../../nn/scope.ts';
import type { BertConfig } from './config.ts';
import { activate } from './encoder.ts';

/**
 * Vocabulary logits of chosen positions; the other positions never enter the head. Adds the input `predictedRows`,
 * int32 [predictions]: rows of the hidden states.
 *
 * @param hidden [rows · width, hiddenSize]
 * @returns [predictions, vocabularySize]
 */
export function maskedLmLogits(scope: Scope, config: BertConfig, hidden: Value, predictions: number): Value {
  const chosen = ops.gatherRows(hidden, scope.graph.input('predictedRows', 'int32', [predictions]));
  const transformed = activate(config.activation, linear(scope, 'mlmHead.transform', chosen));
  const normalized = layerNorm(scope, 'mlmHead.norm', transformed, config.layerNormEpsilon);
  const decoder = scope.parameter(config.tiedDecoder ? 'embeddings.word.weight' : 'mlmHead.decoder.weight');
  return ops.linear(normalized, decoder, scope.parameter('mlmHead.decoder.bias'));
}

/**
 * Class logits from the first token of each example, through the pooler. Adds the input `firstRows`, int32
 * [examples]: rows of the hidden states.
 *
 * @param hidden [rows · width, hiddenSize]
 * @returns [examples, labels]
 */
export function classifierLogits(scope: Scope, config: BertConfig, hidden: Value, examples: number): Value {
  const first = ops.gatherRows(hidden, scope.graph.input('firstRows', 'int32', [examples]));
  const pooled = ops.tanh(linear(scope, 'pooler', first));
  return linear(scope, 'classifier', scope.dropout(pooled, config.classifierDropout ?? config.hiddenDropout));
}
