import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { randomBelow } from '../../src/core/random.ts';
import { ImageFile, ImageFileWriter, type ImageStore } from '../../src/data/images/imageStore.ts';
import { augmentedViews } from '../../src/data/images/views.ts';
import { HostState } from '../../src/engine/host/hostState.ts';
import { onnxEngine } from '../../src/engine/onnx/engine.ts';
import { augmentationFor, methodDefaults } from '../../src/jobs/visionConfigs.ts';
import { randomVisionValues, visionSpecs } from '../../src/models/vision/encoder.ts';
import { lossInputs, viewsOf } from '../../src/tasks/vision/inputs.ts';
import { visionLoss } from '../../src/tasks/vision/losses.ts';
import { chooseOptimizer } from '../../src/train/optimizers/optimizers.ts';
import { stepOf } from '../../src/train/programs.ts';
import type { ImageShape } from './imageShapes.ts';
import { serveTurns } from './turns.ts';

/** bertune's side: a turn is one training step; `coreSeconds` is what its views and masks took one core. */
const shape: ImageShape & { threads: number } = JSON.parse(process.argv[2] ?? '');
const step = await prepareStep();
await serveTurns(step);

async function prepareStep(): Promise<() => Promise<{ loss: number; coreSeconds: number }>> {
  const { config, images, threads } = shape;
  const specs = visionSpecs(config);
  const method = config.method;
  const { optimizer: options, weightDecay } = methodDefaults[method];
  const optimizer = chooseOptimizer(options);
  const state = new HostState(onnxEngine({ threads }), {
    parameters: specs.filter(({ isState }) => !isState),
    states: specs.filter(({ isState }) => isState),
    rule: optimizer.rule,
    values: randomVisionValues(config, 1),
  });
  const program = await state.compile(stepOf(visionLoss(config, images, { training: true })));
  const augmentation = method === 'classifier' ? {} : (augmentationFor(method, config.image.channels) ?? {});
  const views = augmentedViews(randomImages(2 * images), { augmentation, seed: 1, threads: 1 });
  const examples = Array.from({ length: images }, (_, i) => i);
  let steps = 0;
  let made: readonly Float32Array[] | undefined;
  return async () => {
    const started = performance.now();
    made = await views.batch(++steps, examples, viewsOf(config), made);
    const inputs = lossInputs({ config, seed: 1, noise: 0 }, steps, examples, made);
    const coreSeconds = (performance.now() - started) / 1000;
    const loss = await program.accumulate(inputs);
    await state.norm('gradients');
    const step = { step: steps, learningRate: 1e-3, gradientScale: 1 / images };
    await state.apply((decays) => optimizer.scalars({ ...step, weightDecay: decays ? weightDecay : 0 }));
    return { loss: loss / images, coreSeconds };
  };
}

/** Images of random bytes in a folder that goes with the process. */
function randomImages(count: number): ImageStore {
  const folder = mkdtempSync(join(tmpdir(), 'bertune-bench-'));
  process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
  const { channels, height, width } = shape.config.image;
  const writer = new ImageFileWriter(folder);
  const size = channels * height * width;
  for (let n = 0; n < count; n++) {
    writer.add(
      Uint8Array.from({ length: size }, (_, i) => randomBelow(256, 3, 'sample', n, i)),
      undefined,
    );
  }
  const set = { length: count, channels, height, width };
  writer.finish();
  return new ImageFile({ folder, set });
}
