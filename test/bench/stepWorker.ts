import { fillNormal, randomBelow } from '../../src/core/random.ts';
import type { HostTensor, Shape } from '../../src/core/tensor.ts';
import type { NamedTensors } from '../../src/engine/engine.ts';
import { onnxEngine } from '../../src/engine/onnx/engine.ts';
import type { ParameterSpec } from '../../src/nn/parameters.ts';
import { maskedLmLoss, maskedLmParts, partParameters } from '../../src/tasks/losses.ts';
import { ParameterArena } from '../../src/train/arena.ts';
import { FlatArrays } from '../../src/train/flatArrays.ts';
import { createOptimizer } from '../../src/train/optimizer.ts';
import { compileStep, gradientOutput, lossOutput } from '../../src/train/programs.ts';
import { configOf, type StepShape } from './shapes.ts';
import { serveTurns } from './turns.ts';

/**
 * bertune's side: a turn is one training step (forward, backward, clipping, AdamW, dropout 0.1). The shape comes as JSON
 * in the first argument.
 */
const shape: StepShape = JSON.parse(process.argv[2] ?? '');
const step = await prepareStep(shape);
await serveTurns(async () => ({ loss: await step() }));

async function prepareStep(shape: StepShape): Promise<() => Promise<number>> {
  const config = configOf(shape);
  const specs = partParameters(config, maskedLmParts);
  const arena = new ParameterArena(specs);
  const [parameters, gradients] = [new Float32Array(arena.size), new Float32Array(arena.size)];
  const views = arena.views(parameters);
  startRandomly(specs, views);
  const engine = onnxEngine({ threads: shape.threads });
  const flat = new FlatArrays(engine, arena);
  const optimizer = createOptimizer(flat, arena, { name: 'adamw' }, 0.01);
  const program = await compileStep(engine, maskedLmLoss(config, shape, shape.predictions, { training: true }));
  const inputs = { ...views, ...batchOf(shape) };
  const into = Object.fromEntries(
    Object.entries(arena.views(gradients)).map(([name, view]) => [gradientOutput(name), view]),
  );
  let steps = 0;
  return async () => {
    const dropoutKey = tensor('uint32', [2], Uint32Array.of(7, ++steps));
    const { [lossOutput]: loss } = await program.run({ ...inputs, dropoutKey }, into);
    const norm = (await flat.norm(gradients)) / shape.predictions;
    const clip = Math.min(1, 1 / (norm + 1e-6));
    await optimizer.step({
      parameters,
      gradients,
      gradientScale: clip / shape.predictions,
      learningRate: 5e-5,
      step: steps,
    });
    return Number(loss?.data[0]) / shape.predictions;
  };
}

/** Normal draws for the weights; one stretch of them repeated, so that starting does not take longer than the steps. */
function startRandomly(specs: readonly ParameterSpec[], views: Record<string, HostTensor<'float32'>>): void {
  const draws = new Float32Array(99_991);
  fillNormal(draws, 0.02, 1, 'initialize', 0);
  for (const { name, initializer } of specs) {
    const data = views[name]?.data ?? draws;
    if (initializer === 'ones') data.fill(1);
    if (initializer === 'normal') for (let i = 0; i < data.length; i++) data[i] = draws[i % draws.length] as number;
  }
}

function batchOf({ rows, width, vocabularySize, predictions }: StepShape): NamedTensors {
  const size = rows * width;
  const ids = () => Int32Array.from({ length: size }, (_, i) => randomBelow(vocabularySize, 2, 'sample', i));
  const spread = Int32Array.from({ length: predictions }, (_, i) => Math.floor((i * size) / predictions));
  return {
    inputIds: tensor('int32', [rows, width], ids()),
    positionIds: tensor(
      'int32',
      [rows, width],
      Int32Array.from({ length: size }, (_, i) => i % width),
    ),
    segmentIds: tensor('int32', [rows, width], new Int32Array(size).fill(1)),
    predictedRows: tensor('int32', [predictions], spread),
    labels: tensor('int32', [predictions], ids().slice(0, predictions)),
    weights: tensor('float32', [predictions], new Float32Array(predictions).fill(1)),
  };
}

function tensor<D extends HostTensor['dtype']>(dtype: D, shape: Shape, data: HostTensor<D>['data']): HostTensor<D> {
  return { dtype, shape, data };
}
