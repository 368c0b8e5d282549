import type { HostTensor, Shape } from '../../src/core/tensor.ts';
import type { NamedTensors } from '../../src/engine/engine.ts';
import { onnxEngine } from '../../src/engine/onnx/engine.ts';
import { loadText } from '../../src/hub/textFolder.ts';
import { inputName, objectiveGraph, objectiveParameters } from '../../src/tasks/text/graph.ts';
import { ParameterArena } from '../../src/train/arena.ts';
import { FlatArrays } from '../../src/train/flatArrays.ts';
import { createOptimizer } from '../../src/train/optimizer.ts';
import { compileStep, gradientOutput, lossOutput } from '../../src/train/programs.ts';
import { type StepShape, stepObjective } from './shapes.ts';
import type { StepOptions } from './stepOptions.ts';
import { serveTurns } from './turns.ts';

/**
 * bertune's side: a turn is one training step (forward, backward, clipping, AdamW, dropout). The options come as JSON in
 * the first argument.
 */
const step = await prepareStep(JSON.parse(process.argv[2] ?? ''));
await serveTurns(async () => ({ loss: await step() }));

async function prepareStep({
  model: folder,
  shape,
  dropout,
  inputIds,
  labels,
}: StepOptions): Promise<() => Promise<number>> {
  const loaded = await loadText(folder, { head: 'maskedLm' });
  const model = loaded.model.withDropout(dropout);
  const arena = new ParameterArena(objectiveParameters(model, stepObjective));
  const flat = new FlatArrays(arena);
  const [parameters, gradients] = [arena.gather(loaded.values, flat.array()), flat.array()];
  loaded.values.clear();
  const engine = onnxEngine({ threads: shape.threads });
  const optimizer = createOptimizer(flat, { name: 'adamw' }, 0.01);
  const program = await compileStep(
    engine,
    objectiveGraph(model, stepObjective, shape, { words: shape.predictions }, { training: true }),
  );
  const inputs = { ...arena.views(parameters), ...batchOf(shape, inputIds, labels) };
  const into = Object.fromEntries(
    Object.entries(arena.views(gradients)).map(([name, view]) => [gradientOutput(name), view]),
  );
  let steps = 0;
  return async () => {
    const dropoutKey = tensor('uint32', [2], Uint32Array.of(7, ++steps));
    const { [lossOutput]: loss } = await program.run({ ...inputs, ...(dropout > 0 ? { dropoutKey } : {}) }, into);
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

function batchOf({ rows, width, predictions }: StepShape, ids: readonly number[], labels: readonly number[]) {
  const size = rows * width;
  return {
    inputIds: tensor('int32', [rows, width], Int32Array.from(ids)),
    positionIds: tensor(
      'int32',
      [rows, width],
      Int32Array.from({ length: size }, (_, i) => i % width),
    ),
    sequenceIds: tensor('int32', [rows, width], new Int32Array(size).fill(1)),
    [inputName('words', 'rows')]: tensor('int32', [predictions], Int32Array.from(predictedPlaces(size, predictions))),
    [inputName('words', 'targets')]: tensor('int32', [predictions], Int32Array.from(labels)),
    [inputName('words', 'weights')]: tensor('float32', [predictions], new Float32Array(predictions).fill(1)),
  } satisfies NamedTensors;
}

function predictedPlaces(size: number, predictions: number): number[] {
  return Array.from({ length: predictions }, (_, i) => Math.floor((i * size) / predictions));
}

function tensor<D extends HostTensor['dtype']>(dtype: D, shape: Shape, data: HostTensor<D>['data']): HostTensor<D> {
  return { dtype, shape, data };
}
