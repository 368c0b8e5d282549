import type { Value } from '../../graph/graph.ts';
import { linear } from '../../nn/layers.ts';
import { lastLinearSpecs, linearSpecs, type ParameterSpec } from '../../nn/parameters.ts';
import type { Scope } from '../../nn/scope.ts';
import type { TextConfig } from './config.ts';

/**
 * A classifier with a product of its own before the last one: [N, hiddenSize] -> [N, labels].
 *
 * @param activation what stands between the two
 * @param dropsFirst whether there is dropout before the first one, too
 */
export function denseClassifierLogits(
  scope: Scope,
  { classifierDropout, hiddenDropout }: TextConfig,
  first: Value,
  activation: (x: Value) => Value,
  dropsFirst = false,
): Value {
  const rate = classifierDropout ?? hiddenDropout;
  const between = activation(linear(scope, 'classifierDense', dropsFirst ? scope.dropout(first, rate) : first));
  return linear(scope, 'classifier', scope.dropout(between, rate));
}

export function denseClassifierParameters({ hiddenSize, labels }: TextConfig): ParameterSpec[] {
  return [
    ...linearSpecs('classifierDense', hiddenSize, hiddenSize),
    ...lastLinearSpecs('classifier', hiddenSize, labels?.length ?? 2),
  ];
}
