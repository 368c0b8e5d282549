import { defined } from '../../src/core/errors.ts';
import type { HostTensor, Shape } from '../../src/core/tensor.ts';
import type { Engine, NamedTensors } from '../../src/engine/engine.ts';
import { HostState } from '../../src/engine/host/hostState.ts';
import { onnxEngine } from '../../src/engine/onnx/engine.ts';
import { loadText } from '../../src/hub/textFolder.ts';
import { inputName, objectiveGraph, objectiveParameters } from '../../src/tasks/text/graph.ts';
import { chooseOptimizer } from '../../src/train/optimizers/optimizers.ts';
import { stepOf } from '../../src/train/programs.ts';
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
  backend,
  inputIds,
  labels,
}: StepOptions): Promise<() => Promise<number>> {
  const loaded = await loadText(folder, { head: 'maskedLm' });
  const model = loaded.model.withDropout(dropout);
  const optimizer = chooseOptimizer({ name: 'adamw' });
  const state = new HostState(await engineOf(backend, shape.threads), {
    parameters: objectiveParameters(model, stepObjective),
    states: [],
    rule: optimizer.rule,
    values: loaded.values,
  });
  const program = await state.compile(
    stepOf(objectiveGraph(model, stepObjective, shape, { words: shape.predictions }, { training: true })),
  );
  const batch = batchOf(shape, inputIds, labels);
  let steps = 0;
  return async () => {
    const dropoutKey = tensor('uint32', [2], Uint32Array.of(7, ++steps));
    const loss = await program.accumulate({ ...batch, ...(dropout > 0 ? { dropoutKey } : {}) });
    const norm = (await state.norm('gradients')) / shape.predictions;
    const gradientScale = Math.min(1, 1 / (norm + 1e-6)) / shape.predictions;
    const step = { step: steps, learningRate: 5e-5, gradientScale };
    await state.apply((decays) => optimizer.scalars({ ...step, weightDecay: decays ? 0.01 : 0 }));
    return loss / shape.predictions;
  };
}

async function engineOf(backend: StepOptions['backend'], threads: number): Promise<Engine> {
  if (backend === undefined) return onnxEngine({ threads });
  const { tfjsCpu, tfjsNode, tfjsWasm } = await import('../engine/tfjs.ts');
  if (backend === 'tensorflow') return defined(await tfjsNode(), 'the folder of BERTUNE_TFJS');
  return backend === 'cpu' ? tfjsCpu : tfjsWasm;
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
