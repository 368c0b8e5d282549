import * as ops from '../graph/functions.ts';
import type { Value } from '../graph/graph.ts';
import { product, type Size } from '../graph/sizes.ts';
import { linear } from './layers.ts';
import type { Scope } from './scope.ts';

export interface AttentionShape {
  readonly rows: Size;
  readonly width: Size;
  readonly heads: number;
  readonly headSize: number;
}

/** Added to the score of a pair that may not attend: its probability becomes exactly 0. */
const blocked = -1e9;

/**
 * The bias that keeps sequences of one row apart: 0 between positions of the same sequence, `blocked` elsewhere.
 * Padding is sequence 0 and attends to itself alone, so no row of scores is empty.
 *
 * @param sequenceIds int32 [rows, width]
 * @returns float32 [rows, 1, width, width]
 */
export function sequenceBias(sequenceIds: Value, { rows, width }: AttentionShape): Value {
  const same = ops.equal(ops.reshape(sequenceIds, [rows, 1, width, 1]), ops.reshape(sequenceIds, [rows, 1, 1, width]));
  return ops.select(same, sequenceIds.graph.scalar(0), sequenceIds.graph.scalar(blocked));
}

/**
 * The same bias where, too, a position attends to those of its sequence alone that are at most `reach` away.
 *
 * @param bias that of `sequenceBias`
 * @param positions places in the sequences, int32 [rows, width]
 */
export function localBias(bias: Value, positions: Value, reach: number, { rows, width }: AttentionShape): Value {
  const { graph } = bias;
  const [from, to] = [ops.reshape(positions, [rows, 1, width, 1]), ops.reshape(positions, [rows, 1, 1, width])];
  const distance = ops.subtract(from, to);
  // In whole numbers, which float16 does not hold.
  const limit = graph.constant({ dtype: 'int32', shape: [], data: Int32Array.of(reach * reach) });
  return ops.select(ops.greater(ops.multiply(distance, distance), limit), graph.scalar(blocked), bias);
}

/**
 * Multi-head self-attention with projections `name.query`, `name.key`, `name.value` and `name.output`
 * (Vaswani et al. 2017).
 *
 * @param x [rows · width, heads · headSize]
 * @param bias [rows, 1, width, width], added to the scores; without it every position attends to all of its row
 * @param read rows of x, int32 [N], whose results are wanted; all when absent
 * @returns [N or rows · width, heads · headSize], before the residual
 */
export function selfAttention(
  scope: Scope,
  name: string,
  x: Value,
  bias: Value | undefined,
  shape: AttentionShape,
  dropout: number,
  read?: Value,
): Value {
  const project = (part: string) => linear(scope, `${name}.${part}`, x);
  const context = attend(scope, [project('query'), project('key'), project('value')], bias, shape, dropout);
  return linear(scope, `${name}.output`, read ? ops.gatherRows(context, read) : context);
}

/**
 * softmax(Q Kᵀ / √headSize + bias) V for every head.
 *
 * @param projections Q, K and V [rows · width, heads · headSize] each
 * @param bias as for `selfAttention`
 * @returns [rows · width, heads · headSize]
 */
export function attend(
  scope: Scope,
  projections: readonly [Value, Value, Value],
  bias: Value | undefined,
  { rows, width, heads, headSize }: AttentionShape,
  dropout: number,
): Value {
  if (scope.fused.has('attention') && bias) return ops.attention(...projections, bias, { rows, width, heads });
  const split = (x: Value) => ops.transpose(ops.reshape(x, [rows, width, heads, headSize]), [0, 2, 1, 3]);
  const [query, key, value] = [split(projections[0]), split(projections[1]), split(projections[2])]; // [B, H, S, D]
  const scores = ops.matmul(query, key, { transposeB: true, alpha: 1 / Math.sqrt(headSize) }); // [B, H, S, S]
  const probabilities = scope.dropout(ops.softmax(bias ? ops.add(scores, bias) : scores), dropout);
  const context = ops.transpose(ops.matmul(probabilities, value), [0, 2, 1, 3]); // [B, S, H, D]
  return ops.reshape(context, [product(rows, width), heads * headSize]);
}
