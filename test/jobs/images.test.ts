import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import sharp from 'sharp';
import { expect, test } from 'vitest';
import { finetuneImages } from '../../src/jobs/finetuneImages.ts';
import type { PretrainImagesOptions, PretrainMethod } from '../../src/jobs/imageTypes.ts';
import { pretrainImages } from '../../src/jobs/pretrainImages.ts';
import type { JobEvent } from '../../src/jobs/types.ts';
import { writeBars } from '../data/images/idxFiles.ts';
import { temporaryFolder } from '../temporary.ts';
import { saveTinyVision, tinySettings } from './tinyImages.ts';

const data = writeBars(temporaryFolder(), 'bars', 96);

function options(method: PretrainMethod, output: string, more: Partial<PretrainImagesOptions> = {}) {
  const common = { cache: false, batchSize: 16, maxSteps: 6, threads: 1, dataThreads: 1, evalFraction: 0.2 } as const;
  return { method, data, output: join(temporaryFolder(), output), ...common, ...tinySettings[method], ...more };
}

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

test('momentum without an optimizer says that it changes the usual one', async () => {
  const told = async (method: 'mae' | 'simsiam') => {
    const notes: string[] = [];
    const onEvent = (event: JobEvent) => event.type === 'note' && notes.push(event.text);
    await pretrainImages(options(method, `momentum-${method}`, { momentum: 0.5, maxSteps: 1 }), { onEvent });
    return notes.filter((note) => note.includes('momentum'));
  };
  expect(await told('mae')).toEqual([
    'momentum makes the optimizer sgd, where adamw is usual: learningRate may have to change',
  ]);
  expect(await told('simsiam')).toEqual([]);
});

test('one held-out image tells nothing of a collapse', async () => {
  const notes: string[] = [];
  const onEvent = (event: JobEvent) => event.type === 'note' && notes.push(event.text);
  const { metrics } = await pretrainImages(options('simclr', 'one', { evalFraction: 0.01, maxSteps: 1 }), { onEvent });
  expect(metrics).not.toHaveProperty('outputDeviation');
  expect(notes.filter((note) => note.includes('collapse'))).toEqual([]);
});

test.each<[Partial<PretrainImagesOptions>, string]>([
  [{ patchSize: 3 }, 'patchSize 3 does not divide images of 8 x 8'],
  [{ attentionHeads: 3 }, 'hiddenSize 16 is no multiple of 4 and of attentionHeads 3'],
  [{ latentSize: 3 }, 'latentSize is an option of method autoencoder, not of mae'],
  [{ momentum: 0.5, optimizer: 'adamw' }, 'momentum is a setting of optimizer sgd'],
])('refuses %o', async (more, message) => {
  await expect(pretrainImages(options('mae', 'refused', more))).rejects.toThrow(message);
});

test('images are held out class by class, whatever the seed', async () => {
  const model = join(temporaryFolder(), 'model');
  await saveTinyVision(model, 'autoencoder');
  // Of 40 images, four are of the rare class, and a fifth of each class is held out.
  const folder = temporaryFolder();
  const sizes = { common: 36, rare: 4 };
  for (const [name, count] of Object.entries(sizes)) {
    mkdirSync(join(folder, name));
    for (let i = 0; i < count; i++) {
      const background = { r: 6 * i, g: 6 * i, b: 6 * i };
      await sharp({ create: { width: 8, height: 8, channels: 3, background } }).toFile(join(folder, name, `${i}.png`));
    }
  }
  for (const seed of [0, 1, 2]) {
    const notes: string[] = [];
    const onEvent = (event: JobEvent) => event.type === 'note' && notes.push(event.text);
    const result = await finetuneImages(
      {
        ...{ model, train: folder, output: join(temporaryFolder(), 'classifier'), cache: false, augment: false },
        ...{ evalFraction: 0.2, maxSteps: 1, threads: 1, dataThreads: 1, seed },
      },
      { onEvent },
    );
    const support = result.confusion.map((row) => row.reduce((sum, count) => sum + count));
    expect([result.labels, support]).toEqual([
      ['common', 'rare'],
      [7, 1],
    ]);
    expect(notes).toContain('8 images held out, class by class, to measure the classifier');
  }
});
