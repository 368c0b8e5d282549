import { HostState } from '../../src/engine/host/hostState.ts';
import { onnxEngine } from '../../src/engine/onnx/engine.ts';
import * as ops from '../../src/graph/functions.ts';
import { Graph } from '../../src/graph/graph.ts';
import { chooseOptimizer } from '../../src/train/optimizers/optimizers.ts';
import { stepOf } from '../../src/train/programs.ts';
import { serveTurns } from './turns.ts';

/** bertune's side of the optimizer's benchmark: a turn is one update. */
const { parameters }: { parameters: number } = JSON.parse(process.argv[2] ?? '');
const optimizer = chooseOptimizer({ name: 'adamw' });
const shape = [parameters];
const state = new HostState(onnxEngine({ threads: 1 }), {
  parameters: [{ name: 'all', shape, decay: true }],
  states: [],
  rule: optimizer.rule,
  values: new Map([['all', new Float32Array(parameters).fill(0.02)]]),
});
await setGradients();
let step = 0;
await serveTurns(async () => {
  const scalars = optimizer.scalars({ step: ++step, learningRate: 5e-5, weightDecay: 0.01, gradientScale: 1 });
  await state.apply(() => scalars);
  return {};
});

/** Every gradient becomes 1e-3. */
async function setGradients(): Promise<void> {
  const graph = new Graph();
  const all = graph.input('all', 'float32', shape);
  const loss = ops.scale(ops.sum(all, [0]), 1e-3);
  const program = await state.compile(stepOf({ graph, loss, parameters: new Map([['all', all]]) }));
  await program.accumulate({});
  await program.dispose();
}
