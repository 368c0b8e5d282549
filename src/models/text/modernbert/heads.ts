import * as ops from '../../../graph/functions.ts';
import type { Value } from '../../../graph/graph.ts';
import { layerNorm, linear } from '../../../nn/layers.ts';
import type { Scope } from '../../../nn/scope.ts';
import { activate } from '../activations.ts';
import { tokenClassifierLogits } from '../tokenClassifier.ts';
import type { ModernBertConfig } from './config.ts';

/** Vocabulary logits of hidden states: [N, hiddenSize] -> [N, vocabularySize]. */
export function maskedLmLogits(scope: Scope, config: ModernBertConfig, hidden: Value): Value {
  const decoder = scope.parameter(config.tiedDecoder ? 'embeddings.word.weight' : 'mlmHead.decoder.weight');
  const bias = config.decoderBias ? scope.parameter('mlmHead.decoder.bias') : undefined;
  return ops.linear(transformed(scope, config, hidden), decoder, bias);
}

/** Class logits of what is read of each text: [N, hiddenSize] -> [N, labels]. */
export function classifierLogits(scope: Scope, config: ModernBertConfig, read: Value): Value {
  const dropped = scope.dropout(transformed(scope, config, read), config.classifierDropout ?? config.hiddenDropout);
  return linear(scope, 'classifier', dropped);
}

/** Logits of the tags of tokens: [N, hiddenSize] -> [N, labels]. */
export function tokenLogits(scope: Scope, config: ModernBertConfig, hidden: Value): Value {
  return tokenClassifierLogits(scope, config, transformed(scope, config, hidden));
}

/** What all heads begin with: [N, hiddenSize] -> [N, hiddenSize]. */
function transformed(scope: Scope, config: ModernBertConfig, hidden: Value): Value {
  const activated = activate(config.headActivation, linear(scope, 'head.dense', hidden));
  return layerNorm(scope, 'head.norm', activated, config.normEpsilon);
}
