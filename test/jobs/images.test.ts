import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { randomUnit } from '../../src/core/random.ts';
import { finetuneImages } from '../../src/jobs/finetuneImages.ts';
import type { PretrainImagesOptions, PretrainMethod } from '../../src/jobs/imageTypes.ts';
import { pretrainImages } from '../../src/jobs/pretrainImages.ts';
import type { JobEvent } from '../../src/jobs/types.ts';
import { temporaryFolder } from '../temporary.ts';

const [count, size] = [96, 8];
const folder = temporaryFolder();
const data = join(folder, 'bars-images-idx3-ubyte');

/** Bright bars on a dark ground: across in the images of class 0, down in those of class 1. */
beforeAll(() => {
  const images = Buffer.alloc(16 + count * size * size);
  const labels = Buffer.alloc(8 + count);
  for (const [i, word] of [0x803, count, size, size].entries()) images.writeUInt32BE(word, 4 * i);
  for (const [i, word] of [0x801, count].entries()) labels.writeUInt32BE(word, 4 * i);
  for (let n = 0; n < count; n++) {
    labels[8 + n] = n % 2;
    const bar = Math.floor(randomUnit(5, 'sample', n) * size);
    for (let i = 0; i < size * size; i++) {
      const isBar = (n % 2 === 0 ? Math.floor(i / size) : i % size) === bar;
      images[16 + n * size * size + i] = (isBar ? 200 : 20) + Math.floor(40 * randomUnit(5, 'sample', n, i + 1));
    }
  }
  writeFileSync(data, images);
  writeFileSync(join(folder, 'bars-labels-idx1-ubyte'), labels);
});

const small: Readonly<Record<PretrainMethod, Partial<PretrainImagesOptions>>> = {
  autoencoder: { latentSize: 8, noise: 0.1 },
  simsiam: { width: 4, projectionSize: 16 },
  simclr: { width: 4, projectionSize: 16 },
  mae: { patchSize: 2, hiddenSize: 16, layers: 1, attentionHeads: 2, learningRate: 5e-3 },
};
const methods = Object.keys(small) as PretrainMethod[];

function options(method: PretrainMethod, output: string, more: Partial<PretrainImagesOptions> = {}) {
  const common = { cache: false, batchSize: 16, maxSteps: 6, threads: 1, dataThreads: 1, evalFraction: 0.2 } as const;
  return { method, data, output: join(temporaryFolder(), output), ...common, ...small[method], ...more };
}

describe.each(methods)('%s', (method) => {
  test('stopped and resumed, comes to the same bits as without a stop', async () => {
    const whole = options(method, 'whole');
    await pretrainImages(whole);
    const stopped = options(method, 'stopped', { saveSteps: 100 });
    const controller = new AbortController();
    const onEvent = (event: JobEvent) => event.type === 'step' && event.step === 4 && controller.abort();
    await expect(
      pretrainImages({ ...stopped, saveSteps: 100 }, { onEvent, signal: controller.signal }),
    ).rejects.toThrow('stopped after step 4 of 6');
    await pretrainImages({ ...stopped, resume: true });
    expect(weights(stopped.output)).toEqual(weights(whole.output));
    expect(losses(stopped.output)).toEqual(losses(whole.output));
    expect(losses(whole.output)).toHaveLength(6);
  });
});

test('a masked autoencoder learns more than the mean colour, and its encoder fine-tunes to a classifier', async () => {
  const pretrained = options('mae', 'mae', { maxSteps: 300, augment: false });
  const result = await pretrainImages(pretrained);
  expect(result.evalLossAfter).toBeLessThan(0.9 * (result.metrics.meanColourError ?? 0));
  const output = join(temporaryFolder(), 'classifier');
  const { accuracy, count: measured } = await finetuneImages({
    ...{ model: pretrained.output, train: data, output, cache: false, evalFraction: 0.25, augment: false },
    ...{ maxSteps: 60, learningRate: 3e-3, threads: 1, dataThreads: 1 },
  });
  expect(measured).toBe(24);
  expect(accuracy).toBeGreaterThan(0.9);
});

test('outputs that are all the same are warned of', async () => {
  const notes: string[] = [];
  const onEvent = (event: JobEvent) => event.type === 'note' && notes.push(event.text);
  // A learning rate that no network survives.
  await pretrainImages(options('simsiam', 'collapsed', { learningRate: 30, maxSteps: 12 }), { onEvent }).catch(
    () => {},
  );
  expect(notes.some((note) => note.startsWith('the outputs collapse'))).toBe(true);
});

test.each<[Partial<PretrainImagesOptions>, string]>([
  [{ patchSize: 3 }, '--patch-size 3 does not divide images of 8 x 8'],
  [{ attentionHeads: 3 }, '--hidden-size 16 is no multiple of 4 and of --attention-heads 3'],
  [{ latentSize: 3 }, 'latentSize is an option of autoencoder, not of mae'],
  [{ momentum: 0.5, optimizer: 'adamw' }, '--momentum is a setting of --optimizer sgd'],
])('refuses %o', async (more, message) => {
  await expect(pretrainImages(options('mae', 'refused', more))).rejects.toThrow(message);
});

function weights(output: string): Buffer {
  return readFileSync(join(output, 'model.safetensors'));
}

function losses(output: string): number[] {
  const lines = readFileSync(join(output, 'metrics.jsonl'), 'utf8').trim().split('\n');
  return lines.flatMap((line) => JSON.parse(line).loss ?? []);
}
