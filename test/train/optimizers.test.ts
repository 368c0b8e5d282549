import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { ParameterArena } from '../../src/train/arena.ts';
import { FlatArrays } from '../../src/train/flatArrays.ts';
import { createOptimizer, type OptimizerOptions } from '../../src/train/optimizer.ts';
import { relativeError } from '../graph/differences.ts';

type Values = Readonly<Record<'weight' | 'bias', readonly number[]>>;

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
const specs = [
  { name: 'weight', shape: [3, 4], decay: true },
  { name: 'bias', shape: [5], decay: false },
];

test.each(Object.entries(runs))('%s takes the steps that torch.optim takes', async (_, run) => {
  const arena = new ParameterArena(specs);
  const arrays = new FlatArrays(arena);
  const optimizer = createOptimizer(arrays, run.options, run.weightDecay);
  const parameters = gather(arena, run.start);
  const views = arena.views(parameters);
  for (const [i, gradient] of run.gradients.entries()) {
    // As the sum of a batch of weight 4 would come.
    const gradients = gather(arena, gradient).map((x) => 4 * x);
    const { learningRate } = run;
    await optimizer.step({ parameters, gradients, gradientScale: 0.25, learningRate, step: i + 1 });
    for (const name of ['weight', 'bias'] as const) {
      expect(relativeError(views[name]?.data ?? [], run.parameters[i]?.[name] ?? [])).toBeLessThan(2e-6);
    }
  }
});

function gather(arena: ParameterArena, values: Values): Float32Array {
  return arena.gather(new Map(Object.entries(values).map(([name, data]) => [name, Float32Array.from(data)])));
}
