import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { randomBelow } from '../../src/core/random.ts';
import { ImageFile, ImageFileWriter, type ImageStore } from '../../src/data/images/imageStore.ts';
import { augmentedViews } from '../../src/data/images/views.ts';
import { onnxEngine } from '../../src/engine/onnx/engine.ts';
import { augmentationFor, methodDefaults } from '../../src/jobs/visionConfigs.ts';
import { randomVisionValues, visionSpecs } from '../../src/models/vision/encoder.ts';
import { lossInputs, viewsOf } from '../../src/tasks/vision/inputs.ts';
import { visionLoss } from '../../src/tasks/vision/losses.ts';
import { ParameterArena } from '../../src/train/arena.ts';
import { FlatArrays } from '../../src/train/flatArrays.ts';
import { createOptimizer } from '../../src/train/optimizer.ts';
import { compileStep, gradientOutput, lossOutput, stateOutput } from '../../src/train/programs.ts';
import type { ImageShape } from './imageShapes.ts';
import { serveTurns } from './turns.ts';

/** bertune's side: a turn is one training step; `coreSeconds` is what its views and masks took one core. */
const shape: ImageShape & { threads: number } = JSON.parse(process.argv[2] ?? '');
const step = await prepareStep();
await serveTurns(step);

async function prepareStep(): Promise<() => Promise<{ loss: number; coreSeconds: number }>> {
  const { config, images, threads } = shape;
  const specs = visionSpecs(config);
  const arena = new ParameterArena(specs.filter(({ isState }) => !isState));
  const states = new ParameterArena(specs.filter(({ isState }) => isState));
  const start = randomVisionValues(config, 1);
  const flat = new FlatArrays(arena);
  const [parameters, running] = [arena.gather(start, flat.array()), states.gather(start)];
  const [gradients, newRunning] = [flat.array(), new Float32Array(states.size)];
  const engine = onnxEngine({ threads });
  const method = config.method;
  const { optimizer: options, weightDecay } = methodDefaults[method];
  const optimizer = createOptimizer(flat, options, weightDecay);
  const program = await compileStep(engine, visionLoss(config, images, { training: true }));
  const values = { ...arena.views(parameters), ...states.views(running) };
  const into = {
    ...renamed(gradientOutput, arena.views(gradients)),
    ...renamed(stateOutput, states.views(newRunning)),
  };
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
    const { [lossOutput]: loss } = await program.run({ ...values, ...inputs }, into);
    running.set(newRunning);
    await flat.norm(gradients);
    const gradientScale = 1 / images;
    await optimizer.step({ parameters, gradients, gradientScale, learningRate: 1e-3, step: steps });
    return { loss: Number(loss?.data[0]) / images, coreSeconds };
  };
}

function renamed<T>(rename: (name: string) => string, views: Readonly<Record<string, T>>): Record<string, T> {
  return Object.fromEntries(Object.entries(views).map(([name, view]) => [rename(name), view]));
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
