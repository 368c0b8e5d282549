import * as ops from '../graph/functions.ts';
import type { Value } from '../graph/graph.ts';
import { at } from '../graph/ops/record.ts';
import { elementsOf, knownSize, product, quotient } from '../graph/sizes.ts';
import type { Scope } from './scope.ts';

const epsilon = 1e-5;
/** Share of a batch in the running statistics. */
const momentum = 0.1;

/** A convolution of x [N, C, H, W] with `name.weight`, zeros around so that a stride of 1 keeps the size. */
export function conv(scope: Scope, name: string, x: Value, stride = 1): Value {
  const weight = scope.parameter(`${name}.weight`);
  return ops.conv2d(x, weight, { stride, padding: paddingOf(weight) });
}

/** The same with `name.bias`. */
export function biasedConv(scope: Scope, name: string, x: Value, stride = 1): Value {
  const weight = scope.parameter(`${name}.weight`);
  return ops.conv2d(x, weight, { stride, padding: paddingOf(weight) }, scope.parameter(`${name}.bias`));
}

/** A transposed convolution of x [N, O, H', W'] to [N, C, ...size], with `name.weight` [O, C, h, w] and `name.bias`. */
export function transposedConv(
  scope: Scope,
  name: string,
  x: Value,
  stride: number,
  size: readonly [number, number],
): Value {
  const weight = scope.parameter(`${name}.weight`);
  const spread = ops.conv2dInputGradient(x, weight, { stride, padding: paddingOf(weight), size });
  return ops.add(spread, ops.reshape(scope.parameter(`${name}.bias`), [at(weight.shape, 1), 1, 1]));
}

/**
 * Batch normalization of x [N, C, ...] with `name.weight` and `name.bias` (Ioffe & Szegedy 2015). In training by the
 * statistics of the batch, which move `name.runningMean` and `name.runningVariance` (of the unbiased variance, as
 * PyTorch's); otherwise by those.
 */
export function batchNorm(scope: Scope, name: string, x: Value): Value {
  const [weight, bias] = [scope.parameter(`${name}.weight`), scope.parameter(`${name}.bias`)];
  const [meanName, varianceName] = [`${name}.runningMean`, `${name}.runningVariance`];
  const [runningMean, runningVariance] = [scope.state(meanName), scope.state(varianceName)];
  if (!scope.training) return normalizeBy(x, weight, bias, runningMean, runningVariance);
  const normalized = ops.batchNorm(x, weight, bias, epsilon);
  const [, mean, variance] = normalized.node?.outputs ?? [];
  if (!mean || !variance) throw new Error('internal: batchNorm has no statistics');
  const count = knownSize(quotient(elementsOf(x.shape), at(x.shape, 1)), 'batchNorm: the places of a channel');
  scope.states.set(meanName, moved(runningMean, mean, 1));
  scope.states.set(varianceName, moved(runningVariance, variance, count / Math.max(1, count - 1)));
  return normalized;
}

/** Mean over height and width: [N, C, H, W] -> [N, C]. */
export function globalAveragePool(x: Value): Value {
  const places = knownSize(elementsOf(x.shape.slice(2)), 'globalAveragePool: the places of a channel');
  return ops.scale(ops.sum(x, [2, 3]), 1 / places);
}

/** Images [N, C, H, W] cut into square patches, row by row: [N · patches, size · size · C], channels innermost. */
export function patchify(images: Value, size: number): Value {
  const [count = 0, channels = 0, height = 0, width = 0] = images.shape;
  const [rows, columns] = [quotient(height, size), quotient(width, size)];
  const cut = ops.reshape(images, [count, channels, rows, size, columns, size]);
  const ordered = ops.transpose(cut, [0, 2, 4, 3, 5, 1]); // [N, rows, columns, size, size, C]
  return ops.reshape(ordered, [product(count, rows, columns), product(size, size, channels)]);
}

/** Puts patches together again: the inverse of `patchify`. */
export function unpatchify(patches: Value, size: number, shape: readonly [number, number, number, number]): Value {
  const [count, channels, height, width] = shape;
  const cut = ops.reshape(patches, [count, height / size, width / size, size, size, channels]);
  return ops.reshape(ops.transpose(cut, [0, 5, 1, 3, 2, 4]), shape);
}

/** Rows of unit length; rows of zeros stay. */
export function unitRows(x: Value): Value {
  const squares = ops.sum(ops.multiply(x, x), [x.shape.length - 1], true);
  return ops.divide(x, ops.sqrt(ops.add(squares, x.graph.scalar(1e-24))));
}

/** Cosine similarity of the rows of a and b [N, d] -> [N]. */
export function cosineSimilarity(a: Value, b: Value): Value {
  return ops.sum(ops.multiply(unitRows(a), unitRows(b)), [1]);
}

/** Zeros around x that keep its size at a stride of 1. */
function paddingOf(weight: Value): number {
  return Math.floor((knownSize(at(weight.shape, 2), 'convolution: the kernel') - 1) / 2);
}

function moved(running: Value, current: Value, factor: number): Value {
  return ops.add(ops.scale(running, 1 - momentum), ops.scale(current, momentum * factor));
}

function normalizeBy(x: Value, weight: Value, bias: Value, mean: Value, variance: Value): Value {
  const slope = ops.divide(weight, ops.sqrt(ops.add(variance, x.graph.scalar(epsilon))));
  const offset = ops.subtract(bias, ops.multiply(slope, mean));
  const across = (value: Value) => ops.reshape(value, [at(x.shape, 1), ...x.shape.slice(2).map(() => 1)]);
  return ops.add(ops.multiply(x, across(slope)), across(offset));
}
