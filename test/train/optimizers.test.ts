import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { HostState } from '../../src/engine/host/hostState.ts';
import { onnxEngine } from '../../src/engine/onnx/engine.ts';
import * as ops from '../../src/graph/functions.ts';
import { Graph } from '../../src/graph/graph.ts';
import { chooseOptimizer, type OptimizerOptions, optimizers } from '../../src/train/optimizers/optimizers.ts';
import { stepOf } from '../../src/train/programs.ts';
import { relativeError } from '../graph/differences.ts';

const names = ['weight', 'bias'] as const;
type Values = Readonly<Record<(typeof names)[number], readonly number[]>>;

/** What test/fixtures/optimizers/make.py took torch.optim through. */
interface TorchSteps {
  readonly options: OptimizerOptions;
  readonly learningRate: number;
  readonly weightDecay: number;
  readonly start: Values;
  readonly gradients: readonly Values[];
  readonly parameters: readonly Values[];
}

const path = new URL('../fixtures/optimizers/values.json', import.meta.url);
const runs: Readonly<Record<string, TorchSteps>> = JSON.parse(readFileSync(path, 'utf8'));
const parameters = [
  { name: 'weight', shape: [3, 4], decay: true },
  { name: 'bias', shape: [5], decay: false },
] as const;

test.each(Object.entries(runs))('%s takes the steps that torch.optim takes', async (_, run) => {
  const optimizer = chooseOptimizer(run.options);
  const values = new Map(names.map((name) => [name as string, Float32Array.from(run.start[name])]));
  const state = new HostState(onnxEngine({ threads: 1 }), { parameters, states: [], rule: optimizer.rule, values });
  const program = await state.compile(stepOf(productLoss()));
  for (const [i, gradient] of run.gradients.entries()) {
    // As the sum of a batch of weight 4 would come.
    await program.accumulate(
      Object.fromEntries(
        parameters.map(({ name, shape }) => {
          const data = Float32Array.from(gradient[name], (x) => 4 * x);
          return [`factors of ${name}`, { dtype: 'float32', shape, data }];
        }),
      ),
    );
    const { learningRate, weightDecay } = run;
    const step = { step: i + 1, learningRate, gradientScale: 0.25 };
    await state.apply((decays) => optimizer.scalars({ ...step, weightDecay: decays ? weightDecay : 0 }));
    const found = await state.values();
    for (const name of names) {
      expect(relativeError(Array.from(found[name]?.data ?? [], Number), run.parameters[i]?.[name] ?? [])).toBeLessThan(
        2e-6,
      );
    }
  }
});

/** Σ parameter · factor: its gradients are the factors. */
function productLoss() {
  const graph = new Graph();
  const inputs = new Map(parameters.map(({ name, shape }) => [name, graph.input(name, 'float32', shape)]));
  const sums = [...inputs].map(([name, value]) => {
    const products = ops.multiply(value, graph.input(`factors of ${name}`, 'float32', value.shape));
    return ops.sum(
      products,
      value.shape.map((_, axis) => axis),
    );
  });
  const [weight, bias] = sums;
  if (!weight || !bias) throw new Error('two parameters are summed');
  return { graph, loss: ops.add(weight, bias), parameters: inputs };
}

describe('the table of optimizers', () => {
  test('every graph takes its slots and gives them back', () => {
    for (const name of Object.keys(optimizers) as (keyof typeof optimizers)[]) {
      const { rule, scalars } = chooseOptimizer({ name });
      const graph = rule.graph(16);
      const step = { step: 1, learningRate: 0.1, weightDecay: 0, gradientScale: 1 };
      const vectors = ['gradient', 'parameter', ...rule.slots];
      expect([...graph.inputs.keys()].sort()).toEqual([...vectors, ...Object.keys(scalars(step))].sort());
      expect([...graph.outputs.keys()].sort()).toEqual(['parameter', ...rule.slots].map((x) => `new ${x}`).sort());
    }
  });

  test('an optimizer or option that does not exist is refused by name', () => {
    // As JavaScript may call it.
    const choose = chooseOptimizer as (options: object) => unknown;
    expect(() => choose({ name: 'adagrad' })).toThrow('optimizer "adagrad" is none of adamw, sgd');
    expect(() => choose({ name: 'sgd', beta1: 0.9 })).toThrow('optimizer sgd has no option beta1; it has momentum');
  });

  test('an option that is undefined is the default', () => {
    const step = { step: 3, learningRate: 0.1, weightDecay: 0.1, gradientScale: 0.5 };
    const [given, usual] = [chooseOptimizer({ name: 'adamw', beta2: undefined }), chooseOptimizer({ name: 'adamw' })];
    expect(given.scalars(step)).toEqual(usual.scalars(step));
  });
});
