import * as ops from '../../../graph/functions.ts';
import type { Value } from '../../../graph/graph.ts';
import { linear } from '../../../nn/layers.ts';
import { lastLinearSpecs, type ParameterSpec } from '../../../nn/parameters.ts';
import type { Scope } from '../../../nn/scope.ts';
import type { BertConfig } from './config.ts';

/** Class logits from the hidden states of first tokens, through the pooler: [N, hiddenSize] -> [N, labels]. */
export function classifierLogits(scope: Scope, config: BertConfig, first: Value): Value {
  const pooled = ops.tanh(linear(scope, 'pooler', first));
  return linear(scope, 'classifier', scope.dropout(pooled, config.classifierDropout ?? config.hiddenDropout));
}

export function classifierParameters({ hiddenSize, labels }: BertConfig): ParameterSpec[] {
  return lastLinearSpecs('classifier', hiddenSize, labels?.length ?? 2);
}
