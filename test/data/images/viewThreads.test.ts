import { spawn } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { beforeAll, expect, test } from 'vitest';
import { augmentations } from '../../../src/data/images/augmentation.ts';
import { chosenImages, ImageFile, ImageFileWriter } from '../../../src/data/images/imageStore.ts';
import { augmentedViews } from '../../../src/data/images/views.ts';
import { builtCommand } from '../../cli/build.ts';
import { temporaryFolder } from '../../temporary.ts';
import { digestOf } from './digest.ts';

/** Threads run the built package alone, so they are tested in a process of its own. */
const script = `
  const { root, setup, augmentation, threads, examples, chosen, broken } = JSON.parse(process.argv[1]);
  const { ImageFile, chosenImages } = await import(root + 'data/images/imageStore.js');
  const { augmentedViews } = await import(root + 'data/images/views.js');
  const { createHash } = await import('node:crypto');
  const { rmSync } = await import('node:fs');
  let store = new ImageFile(setup);
  if (chosen) store = chosenImages(store, chosen);
  const views = augmentedViews(store, { augmentation, seed: 5, threads });
  try {
    if (broken) rmSync(setup.folder, { recursive: true });
    const batches = await Promise.all([0, 1].map((epoch) => views.batch(epoch, examples, 2)));
    const hash = createHash('sha256');
    for (const batch of batches) for (const view of batch) hash.update(view);
    console.log(hash.digest('hex'));
  } catch (error) {
    console.log(error.name + ': ' + error.message);
  }
  await views.close();
`;

const set = { length: 100, height: 12, width: 10, channels: 3 };
const augmentation = {
  ...augmentations.contrastive(3),
  blur: { probability: 0.5, deviation: [0.1, 2] as const },
  noise: { probability: 0.5, deviation: 0.1 },
};
const examples = Array.from({ length: 70 }, (_, i) => (i * 37) % 90);
let root = '';
beforeAll(async () => {
  root = `${pathToFileURL(join(await builtCommand(), '../..')).href}/`;
});

function writeImages(): string {
  const folder = join(temporaryFolder(), 'images');
  mkdirSync(folder);
  const writer = new ImageFileWriter(folder);
  for (let i = 0; i < set.length; i++) {
    writer.add(
      Uint8Array.from({ length: 360 }, (_, j) => (i * 7 + j * 13 + ((i * j) % 11)) % 256),
      i % 4,
    );
  }
  writer.finish();
  return folder;
}

function inProcess(options: object): Promise<string> {
  const child = spawn(process.execPath, ['--input-type=module', '-e', script, JSON.stringify({ root, ...options })]);
  let text = '';
  child.stdout.on('data', (chunk) => {
    text += String(chunk);
  });
  return new Promise((resolve) => child.on('close', () => resolve(text.trim())));
}

test('the bytes are the same in one thread and in several, also of chosen images', async () => {
  const setup = { folder: writeImages(), set };
  const chosen = Array.from({ length: 90 }, (_, i) => (i * 3) % 100);
  const store = new ImageFile(setup);
  for (const indices of [undefined, chosen]) {
    const views = augmentedViews(indices ? chosenImages(store, indices) : store, { augmentation, seed: 5, threads: 1 });
    const batches = await Promise.all([0, 1].map((epoch) => views.batch(epoch, examples, 2)));
    const expected = digestOf(batches.flat());
    for (const threads of [1, 2, 3]) {
      expect(await inProcess({ setup, augmentation, threads, examples, chosen: indices })).toBe(expected);
    }
  }
  store.close();
});

test('a thread that fails is told in one line', async () => {
  const setup = { folder: writeImages(), set };
  expect(await inProcess({ setup, augmentation, threads: 2, examples, broken: true })).toMatch(
    /^BertuneError: a thread that prepares images failed: ENOENT.+; run again with dataThreads 1$/,
  );
});
