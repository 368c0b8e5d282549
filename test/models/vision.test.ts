import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import type { HostTensor } from '../../src/core/tensor.ts';
import { floatData } from '../../src/core/tensor.ts';
import type { NamedTensors } from '../../src/engine/engine.ts';
import { openSafetensors } from '../../src/hub/safetensors.ts';
import { patchCount, type VisionConfig } from '../../src/models/vision/config.ts';
import { visionSpecs } from '../../src/models/vision/encoder.ts';
import { maskInputs } from '../../src/tasks/vision/inputs.ts';
import { visionLoss } from '../../src/tasks/vision/losses.ts';
import { compileStep, gradientOutput, lossOutput, stateOutput } from '../../src/train/programs.ts';
import { engines } from '../engine/engines.ts';
import { expectClose } from '../parity.ts';

/** What test/fixtures/vision/make.py computed with PyTorch in float64. */
interface TorchCase {
  readonly config: VisionConfig;
  readonly count: number;
  readonly loss: number;
  readonly evaluationLoss: number;
}

const fixture = (name: string) => fileURLToPath(new URL(`../fixtures/vision/${name}`, import.meta.url));
const cases: Readonly<Record<string, TorchCase>> = JSON.parse(readFileSync(fixture('cases.json'), 'utf8'));

/** float32 against float64 through a whole network and back. Measured here: at most 4e-6. */
const tolerance = 2e-5;

describe.each(Object.entries(cases))('%s agrees with PyTorch', (name, { config, count, loss, evaluationLoss }) => {
  describe.each(engines)('%s', (_, engine) => {
    test('loss, gradients of all parameters and running statistics', async () => {
      const stored = await readStored(name);
      const step = visionLoss(config, count, { training: true });
      const program = await compileStep(engine, step);
      const results = await program.run({ ...valuesOf(config, stored), ...inputsOf(config, count, stored) });
      expectClose([Number(results[lossOutput]?.data[0])], [loss], { quantity: 'loss', tolerance });
      const specs = visionSpecs(config);
      expect([...step.parameters.keys()].sort()).toEqual(
        specs.flatMap((spec) => (spec.isState ? [] : [spec.name])).sort(),
      );
      expect(specs.map((spec) => `value ${spec.name}`).sort()).toEqual(
        [...stored.keys()].filter((key) => key.startsWith('value')).sort(),
      );
      for (const spec of specs) {
        const output = results[spec.isState ? stateOutput(spec.name) : gradientOutput(spec.name)];
        const expected = stored.get(`${spec.isState ? 'new' : 'gradient'} ${spec.name}`);
        const [actual, wanted] = [floatsOf(output), expected ?? new Float32Array()];
        expect(actual).toHaveLength(wanted.length);
        // What a normalization or a softmax takes out again has a gradient of zero, so of rounding alone.
        if (Math.max(...wanted.map(Math.abs)) < 1e-9) expect(Math.max(...actual.map(Math.abs))).toBeLessThan(1e-4);
        else expectClose(actual, wanted, { quantity: 'gradients and statistics', name: spec.name, tolerance });
      }
      await program.dispose();
    });

    test('the loss with running statistics', async () => {
      const stored = await readStored(name);
      const evaluation = visionLoss(config, count, { training: false });
      evaluation.graph.output(lossOutput, evaluation.loss);
      const program = await engine.compile(evaluation.graph);
      const results = await program.run({ ...valuesOf(config, stored), ...inputsOf(config, count, stored) });
      const found = [Number(results[lossOutput]?.data[0])];
      expectClose(found, [evaluationLoss], { quantity: 'loss with running statistics', tolerance });
      await program.dispose();
    });
  });
});

async function readStored(name: string): Promise<Map<string, Float32Array>> {
  const file = await openSafetensors(fixture(`${name}.safetensors`));
  const stored = new Map<string, Float32Array>();
  for (const key of file.tensors.keys()) stored.set(key, await file.read(key));
  await file.close();
  return stored;
}

function valuesOf(config: VisionConfig, stored: ReadonlyMap<string, Float32Array>): NamedTensors {
  return Object.fromEntries(
    visionSpecs(config).map(({ name, shape }) => {
      const data = stored.get(`value ${name}`) ?? new Float32Array();
      return [name, { dtype: 'float32', shape, data } satisfies HostTensor];
    }),
  );
}

function inputsOf(config: VisionConfig, count: number, stored: ReadonlyMap<string, Float32Array>): NamedTensors {
  const { channels, height, width } = config.image;
  const inputs: Record<string, HostTensor> = {};
  for (const name of ['images', 'otherImages', 'targets']) {
    const data = stored.get(`input ${name}`);
    const images = (data?.length ?? 0) / (channels * height * width);
    if (data) inputs[name] = { dtype: 'float32', shape: [images, channels, height, width], data };
  }
  const labels = stored.get('input labels');
  if (labels) inputs.labels = { dtype: 'int32', shape: [count], data: Int32Array.from(labels) };
  const places = stored.get('input visiblePlaces');
  if (config.method !== 'mae' || !places) return inputs;
  const visible = places.length / count;
  expect(visible).toBeLessThan(patchCount(config.image, config.encoder));
  const masks = Array.from({ length: count }, (_, n) => Int32Array.from(places.slice(n * visible, (n + 1) * visible)));
  return { ...inputs, ...maskInputs(config, masks) };
}

function floatsOf(tensor: HostTensor | undefined): Float32Array {
  if (!tensor) throw new Error('no such output');
  return floatData(tensor);
}
