import type { DType } from '../core/tensor.ts';
import type { OpAttributes, OpName } from './ops/attributes.ts';
import type { Size, SymbolicShape } from './sizes.ts';
import type { GraphBuilder, Value } from './value.ts';

/** Typed builder functions: each adds one node to the graph of its inputs. Semantics stand in `ops/attributes.ts`. */

export const add = (a: Value, b: Value) => one('add', [a, b], {});
export const subtract = (a: Value, b: Value) => one('subtract', [a, b], {});
export const multiply = (a: Value, b: Value) => one('multiply', [a, b], {});
export const divide = (a: Value, b: Value) => one('divide', [a, b], {});
export const negate = (x: Value) => one('negate', [x], {});
export const exp = (x: Value) => one('exp', [x], {});
export const log = (x: Value) => one('log', [x], {});
export const sqrt = (x: Value) => one('sqrt', [x], {});
export const tanh = (x: Value) => one('tanh', [x], {});
export const erf = (x: Value) => one('erf', [x], {});
export const relu = (x: Value) => one('relu', [x], {});
export const sigmoid = (x: Value) => one('sigmoid', [x], {});
export const stopGradient = (x: Value) => one('stopGradient', [x], {});
export const gelu = (x: Value) => one('gelu', [x], {});
export const geluTanh = (x: Value) => one('geluTanh', [x], {});
export const equal = (a: Value, b: Value) => one('equal', [a, b], {});
export const greater = (a: Value, b: Value) => one('greater', [a, b], {});
export const select = (condition: Value, a: Value, b: Value) => one('select', [condition, a, b], {});
export const cast = (x: Value, to: DType) => one('cast', [x], { to });
export const reshape = (x: Value, shape: SymbolicShape) => one('reshape', [x], { shape });
export const broadcast = (x: Value, shape: SymbolicShape) => one('broadcast', [x], { shape });
export const transpose = (x: Value, permutation: readonly number[]) => one('transpose', [x], { permutation });
export const linear = (x: Value, weight: Value, bias?: Value) =>
  one('linear', bias ? [x, weight, bias] : [x, weight], {});
export const softmax = (x: Value) => one('softmax', [x], {});

/** x times a constant number. */
export const scale = (x: Value, factor: number) => multiply(x, x.graph.scalar(factor));

export const sum = (x: Value, axes: readonly number[], keepDimensions = false) =>
  one('sum', [x], { axes, keepDimensions });

export const max = (x: Value, axes: readonly number[], keepDimensions = false) =>
  one('max', [x], { axes, keepDimensions });

export const matmul = (a: Value, b: Value, attributes: Partial<OpAttributes['matmul']> = {}) =>
  one('matmul', [a, b], { transposeA: false, transposeB: false, alpha: 1, ...attributes });

export const slice = (x: Value, attributes: OpAttributes['slice']) => one('slice', [x], attributes);

export const concat = (parts: readonly [Value, ...Value[]], axis: number) => one('concat', parts, { axis });

export const pad = (x: Value, attributes: OpAttributes['pad']) => one('pad', [x], attributes);

export const rotary = (x: Value, positions: Value, cosines: Value, sines: Value) =>
  one('rotary', [x, positions, cosines, sines], {});

export const range = (graph: GraphBuilder, count: Size, step: Size) => first(graph.add('range', [], { count, step }));

export const gatherRows = (table: Value, indices: Value) => one('gatherRows', [table, indices], {});

export const scatterRows = (indices: Value, updates: Value, rows: Size, table?: Value) =>
  one('scatterRows', table ? [indices, updates, table] : [indices, updates], { rows });

export const layerNorm = (x: Value, weight: Value, bias: Value | undefined, epsilon: number) =>
  one('layerNorm', bias ? [x, weight, bias] : [x, weight], { epsilon });

export const batchNorm = (x: Value, weight: Value, bias: Value, epsilon: number) =>
  one('batchNorm', [x, weight, bias], { epsilon });

export const conv2d = (x: Value, weight: Value, attributes: OpAttributes['conv2d'], bias?: Value) =>
  one('conv2d', bias ? [x, weight, bias] : [x, weight], attributes);

export const conv2dInputGradient = (gradient: Value, weight: Value, attributes: OpAttributes['conv2dInputGradient']) =>
  one('conv2dInputGradient', [gradient, weight], attributes);

export const conv2dWeightGradient = (x: Value, gradient: Value, attributes: OpAttributes['conv2dWeightGradient']) =>
  one('conv2dWeightGradient', [x, gradient], attributes);

export const maxPool2d = (x: Value, attributes: OpAttributes['maxPool2d']) => one('maxPool2d', [x], attributes);

export const maxPool2dGradient = (gradient: Value, indices: Value, attributes: OpAttributes['maxPool2dGradient']) =>
  one('maxPool2dGradient', [gradient, indices], attributes);

export const averagePool2d = (x: Value, attributes: OpAttributes['averagePool2d']) =>
  one('averagePool2d', [x], attributes);

export const addLayerNorm = (x: Value, residual: Value, weight: Value, bias: Value, epsilon: number) =>
  one('addLayerNorm', [x, residual, weight, bias], { epsilon });

export const attention = (query: Value, key: Value, value: Value, bias: Value, attributes: OpAttributes['attention']) =>
  one('attention', [query, key, value, bias], attributes);

export const crossEntropy = (logits: Value, labels: Value) => one('crossEntropy', [logits, labels], {});

export const crossEntropyGradient = (logProbabilities: Value, labels: Value, weights: Value) =>
  one('crossEntropyGradient', [logProbabilities, labels, weights], {});

export const dropoutMask = (key: Value, attributes: OpAttributes['dropoutMask']) =>
  one('dropoutMask', [key], attributes);

export const dropout = (x: Value, mask: Value, attributes: OpAttributes['dropout']) =>
  one('dropout', [x, mask], attributes);

/** Adds a node and returns its first output. */
function one<K extends OpName>(op: K, inputs: readonly [Value, ...Value[]], attributes: OpAttributes[K]): Value {
  return first(inputs[0].graph.add(op, inputs, attributes));
}

function first([output]: readonly Value[]): Value {
  if (output === undefined) throw new Error('internal: a node without an output');
  return output;
}
