import * as ops from '../graph/functions.ts';
import type { Value } from '../graph/graph.ts';
import type { Scope } from './scope.ts';

/** x [N, inputs] -> [N, outputs], with `name.weight` and, where the model has one, `name.bias`. */
export function linear(scope: Scope, name: string, x: Value): Value {
  return ops.linear(x, scope.parameter(`${name}.weight`), biasOf(scope, name));
}

/** Normalizes the last dimension of x, with `name.weight` and, where there is one, `name.bias` (Ba et al. 2016). */
export function layerNorm(scope: Scope, name: string, x: Value, epsilon: number): Value {
  return ops.layerNorm(x, scope.parameter(`${name}.weight`), biasOf(scope, name), epsilon);
}

function biasOf(scope: Scope, name: string): Value | undefined {
  return scope.has(`${name}.bias`) ? scope.parameter(`${name}.bias`) : undefined;
}

/** Normalizes x + residual, both [N, width]. */
export function addLayerNorm(scope: Scope, name: string, x: Value, residual: Value, epsilon: number): Value {
  if (!scope.fused.has('addLayerNorm')) return layerNorm(scope, name, ops.add(x, residual), epsilon);
  return ops.addLayerNorm(x, residual, scope.parameter(`${name}.weight`), scope.parameter(`${name}.bias`), epsilon);
}

/** Rows of the table `name.weight`: indices int32 [...] -> [..., width]. */
export function embedding(scope: Scope, name: string, indices: Value): Value {
  return ops.gatherRows(scope.parameter(`${name}.weight`), indices);
}

/** Σ weight · loss over rows: losses [N], weights [N] -> scalar. */
export function weightedSum(losses: Value, weights: Value): Value {
  return ops.sum(ops.multiply(losses, weights), [0]);
}
