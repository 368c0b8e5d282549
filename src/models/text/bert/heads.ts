import * as ops from '../../../graph/functions.ts';
import type { Value } from '../../../graph/graph.ts';
import { layerNorm, linear } from '../../../nn/layers.ts';
import type { Scope } from '../../../nn/scope.ts';
import { activate } from '../activations.ts';
import type { BertConfig } from './config.ts';

/** Vocabulary logits of hidden states: [N, hiddenSize] -> [N, vocabularySize]. */
export function maskedLmLogits(scope: Scope, config: BertConfig, hidden: Value): Value {
  const transformed = activate(config.activation, linear(scope, 'mlmHead.transform', hidden));
  const normalized = layerNorm(scope, 'mlmHead.norm', transformed, config.layerNormEpsilon);
  const decoder = scope.parameter(config.tiedDecoder ? 'embeddings.word.weight' : 'mlmHead.decoder.weight');
  return ops.linear(normalized, decoder, scope.parameter('mlmHead.decoder.bias'));
}

/** Logits of the tags of tokens from their hidden states: [N, hiddenSize] -> [N, labels]. */
export function tokenLogits(scope: Scope, config: BertConfig, hidden: Value): Value {
  const kept = scope.dropout(hidden, config.classifierDropout ?? config.hiddenDropout);
  return linear(scope, 'tokenClassifier', kept);
}

/** Class logits from the hidden states of first tokens, through the pooler: [N, hiddenSize] -> [N, labels]. */
export function classifierLogits(scope: Scope, config: BertConfig, first: Value): Value {
  const pooled = ops.tanh(linear(scope, 'pooler', first));
  return linear(scope, 'classifier', scope.dropout(pooled, config.classifierDropout ?? config.hiddenDropout));
}
