import * as ops from '../../graph/functions.ts';
import type { Value } from '../../graph/graph.ts';
import { linear } from '../../nn/layers.ts';
import { linearSpecs, type ParameterSpec } from '../../nn/parameters.ts';
import type { Scope } from '../../nn/scope.ts';
import type { TableConfig } from './config.ts';

/** Every parameter, in the order of the forward pass. */
export function tableParameters(config: TableConfig): ParameterSpec[] {
  return ['encoder', 'decoder'].flatMap((half) => {
    const sizes = sizesOf(config, half === 'decoder');
    return sizes.slice(1).flatMap((size, layer) => linearSpecs(`${half}.${layer}`, sizes[layer] ?? 0, size));
  });
}

/** Standardized rows [B, columns] -> latent vectors [B, latentSize]. */
export function encodeRows(scope: Scope, config: TableConfig, rows: Value): Value {
  return layers(scope, 'encoder', sizesOf(config, false).length - 1, rows);
}

/** Latent vectors [B, latentSize] -> standardized rows [B, columns]. */
export function decodeRows(scope: Scope, config: TableConfig, latent: Value): Value {
  return layers(scope, 'decoder', sizesOf(config, true).length - 1, latent);
}

/** Linear layers with ReLU between them. */
function layers(scope: Scope, half: string, count: number, x: Value): Value {
  let result = x;
  for (let layer = 0; layer < count; layer++) {
    result = linear(scope, `${half}.${layer}`, result);
    if (layer < count - 1) result = ops.relu(result);
  }
  return result;
}

function sizesOf({ columns, hiddenSizes, latentSize }: TableConfig, isDecoder: boolean): number[] {
  const sizes = [columns.length, ...hiddenSizes, latentSize];
  return isDecoder ? sizes.reverse() : sizes;
}
