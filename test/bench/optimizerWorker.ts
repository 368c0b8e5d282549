import { ParameterArena } from '../../src/train/arena.ts';
import { FlatArrays } from '../../src/train/flatArrays.ts';
import { createOptimizer } from '../../src/train/optimizer.ts';
import { serveTurns } from './turns.ts';

/** bertune's side of the optimizer's benchmark: a turn is one update. */
const { parameters }: { parameters: number } = JSON.parse(process.argv[2] ?? '');
const arena = new ParameterArena([{ name: 'all', shape: [parameters], decay: true }]);
const flat = new FlatArrays(arena);
const optimizer = createOptimizer(flat, { name: 'adamw' }, 0.01);
const values = flat.array().fill(0.02);
const gradients = flat.array().fill(1e-3);
let steps = 0;
await serveTurns(async () => {
  await optimizer.step({ parameters: values, gradients, gradientScale: 1, learningRate: 5e-5, step: ++steps });
  return {};
});
