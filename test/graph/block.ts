import type { HostTensor } from '../../src/core/tensor.ts';
import * as ops from '../../src/graph/functions.ts';
import { Graph, type Value } from '../../src/graph/graph.ts';
import { knownShape, product, type Size } from '../../src/graph/sizes.ts';
import { booleans, indices, normal } from './draw.ts';

const [width, heads, inner, vocabulary, classes] = [4, 2, 6, 7, 5];
const usual = { batch: 2, length: 3 };

/** A two-layer transformer from token ids to a mean cross-entropy, with dropout and an attention mask. */
export function block({ batch, length }: { readonly batch: Size; readonly length: Size } = usual): {
  graph: Graph;
  loss: Value;
  parameters: ReadonlyMap<string, Value>;
} {
  const tokens = product(batch, length);
  const graph = new Graph();
  const parameters = new Map<string, Value>();
  const parameter = (name: string, ...shape: number[]) => {
    const value = graph.input(name, 'float32', shape);
    parameters.set(name, value);
    return value;
  };
  const norm = (name: string, x: Value) =>
    ops.layerNorm(x, parameter(`${name}.weight`, width), parameter(`${name}.bias`, width), 1e-5);
  const linear = (name: string, x: Value, from: number, to: number) =>
    ops.linear(x, parameter(`${name}.weight`, to, from), parameter(`${name}.bias`, to));

  const key = graph.input('key', 'uint32', [2]);
  const visible = graph.input('visible', 'bool', [batch, 1, 1, length]);
  let hidden = ops.gatherRows(parameter('embedding', vocabulary, width), graph.input('ids', 'int32', [tokens]));
  for (const layer of [0, 1]) {
    const split = (name: string) => {
      const projected = ops.reshape(linear(`${layer}.${name}`, hidden, width, width), [
        batch,
        length,
        heads,
        width / heads,
      ]);
      return ops.transpose(projected, [0, 2, 1, 3]);
    };
    const scores = ops.matmul(split('query'), split('key'), { transposeB: true, alpha: Math.SQRT1_2 });
    const attention = ops.softmax(ops.select(visible, scores, graph.scalar(-1e4)));
    const mask = ops.dropoutMask(key, { rate: 0.2, stream: layer, shape: scores.shape });
    const dropped = ops.dropout(attention, mask, { rate: 0.2 });
    const context = ops.transpose(ops.matmul(dropped, split('value')), [0, 2, 1, 3]);
    hidden = norm(`${layer}.norm1`, ops.add(hidden, ops.reshape(context, [tokens, width])));
    const activation = layer === 0 ? ops.gelu : ops.geluTanh;
    const between = activation(linear(`${layer}.up`, hidden, width, inner));
    hidden = norm(`${layer}.norm2`, ops.add(hidden, linear(`${layer}.down`, between, inner, width)));
  }
  const losses = ops.crossEntropy(linear('head', hidden, width, classes), graph.input('labels', 'int32', [tokens]));
  return { graph, loss: ops.scale(ops.sum(losses, [0]), 1 / 6), parameters };
}

/** Inputs for the block; the first position of every sequence is visible. */
export function blockInputs({ batch, length } = usual): Record<string, HostTensor> {
  const tokens = batch * length;
  const visible = booleans([batch, 1, 1, length], 1);
  for (let i = 0; i < batch; i++) visible.data[i * length] = 1;
  const parameters = [...block().parameters].map(
    ([name, { shape }], i) => [name, normal(knownShape(shape, name), 2000 + i)] as const,
  );
  return {
    ...Object.fromEntries(parameters),
    ids: indices([tokens], vocabulary, 2),
    labels: indices([tokens], classes, 3),
    key: { dtype: 'uint32', shape: [2], data: Uint32Array.of(17, 4242) },
    visible,
  };
}
