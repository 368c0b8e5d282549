import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import type { Shape } from '../../src/core/tensor.ts';
import * as ops from '../../src/graph/functions.ts';
import { gradients } from '../../src/graph/gradients.ts';
import { Graph, type Value } from '../../src/graph/graph.ts';
import type { OpAttributes } from '../../src/graph/ops/attributes.ts';
import { relativeError } from './differences.ts';
import { evaluate, item, type NumberTensor } from './evaluator.ts';

/** Values and gradients that `fixtures/ops/make.py` computed with PyTorch in float64. */
interface Fixture {
  readonly cases: readonly TorchCase[];
}

type TorchCase = { [K in keyof typeof precisions]: CaseOf<K> }[keyof typeof precisions];

interface CaseOf<K extends keyof typeof precisions> {
  readonly op: K;
  readonly attributes: OpAttributes[K];
  readonly inputs: readonly StoredTensor[];
  readonly weights: StoredTensor;
  readonly output: StoredTensor;
  readonly gradients: readonly StoredTensor[];
}

interface StoredTensor {
  readonly shape: Shape;
  readonly integer?: true;
  readonly data: readonly number[];
}

const precisions = {
  gelu: 'float32 constants',
  geluTanh: 'float32 constants',
  erf: 'float32 constants',
  softmax: 'exact',
  max: 'exact',
  layerNorm: 'exact',
  crossEntropy: 'exact',
  matmul: 'exact',
  linear: 'exact',
  gatherRows: 'exact',
  slice: 'exact',
  concat: 'exact',
  pad: 'exact',
  relu: 'exact',
  sigmoid: 'exact',
  batchNorm: 'float32 constants',
  conv2d: 'exact',
  conv2dInputGradient: 'exact',
  maxPool2d: 'exact',
  averagePool2d: 'float32 constants',
} as const;

/** Rules whose constants are rounded to float32 (as √½) agree to that rounding, the others to float64's. */
const tolerances = { exact: 1e-12, 'float32 constants': 2e-7 } as const;

const path = new URL('../fixtures/ops/values.json', import.meta.url);
const { cases }: Fixture = JSON.parse(readFileSync(path, 'utf8'));

test.each(cases.map((torchCase) => [titleOf(torchCase), torchCase] as const))(
  '%s: value and gradients are those of PyTorch',
  (_, torchCase) => {
    const { inputs, output, wanted, loss } = build(torchCase);
    const [value, ...found] = evaluate([output, ...gradients(loss, wanted)], inputs);
    expect(value?.shape).toEqual(torchCase.output.shape);
    expect(relativeError(value?.data ?? [], torchCase.output.data)).toBeLessThan(1e-12);
    expect(found.map(({ shape }) => shape)).toEqual(torchCase.gradients.map(({ shape }) => shape));
    found.forEach(({ data }, i) => {
      const error = relativeError(data, item(torchCase.gradients, i).data);
      expect(error).toBeLessThan(tolerances[precisions[torchCase.op]]);
    });
  },
);

test('every op of the list has values', () => {
  expect(new Set(cases.map(({ op }) => op))).toEqual(new Set(Object.keys(precisions)));
});

function build({ op, attributes, inputs, weights }: TorchCase) {
  const graph = new Graph();
  const named: Record<string, NumberTensor> = {};
  const input = (name: string, { shape, integer, data }: StoredTensor): Value => {
    named[name] = { shape, data: Float64Array.from(data) };
    return graph.input(name, integer ? 'int32' : 'float32', shape);
  };
  const values = inputs.map((tensor, i) => input(`i${i}`, tensor));
  const output = item(graph.add(op, values, attributes), 0);
  const loss = ops.sum(
    ops.multiply(output, input('weights', weights)),
    output.shape.map((_, axis) => axis),
  );
  return { inputs: named, output, loss, wanted: values.filter(({ dtype }) => dtype === 'float32') };
}

function titleOf({ op, inputs }: TorchCase): string {
  return [op, ...inputs.map(({ shape }) => `[${shape.join(', ')}]`)].join(' ');
}
