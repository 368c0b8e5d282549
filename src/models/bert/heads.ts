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
  const chosen = scope.graph.input('predictedRows', 'int32', [predictions]);
  return vocabularyLogits(scope, config, ops.gatherRows(hidden, chosen));
}

/** Vocabulary logits of hidden states: [N, hiddenSize] -> [N, vocabularySize]. */
export function vocabularyLogits(scope: Scope, config: BertConfig, hidden: Value): Value {
  const transformed = activate(config.activation, linear(scope, 'mlmHead.transform', hidden));
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
  return pooledLogits(scope, config, hidden, scope.graph.input('firstRows', 'int32', [examples]));
}

/** Class logits from the first tokens, whose rows among the hidden states are int32 [N] -> [N, labels]. */
export function pooledLogits(scope: Scope, config: BertConfig, hidden: Value, firstRows: Value): Value {
  const first = ops.gatherRows(hidden, firstRows);
  const pooled = ops.tanh(linear(scope, 'pooler', first));
  return linear(scope, 'classifier', scope.dropout(pooled, config.classifierDropout ?? config.hiddenDropout));
}
