import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { JobEvent } from '../../src/jobs/types.ts';
import { readUnlabeled } from '../../src/jobs/unlabeledTexts.ts';

const folder = mkdtempSync(join(tmpdir(), 'bertune-unlabeled-'));
const numbers = ['one', 'two', 'three', 'four', 'five', 'six', 'seven', 'eight'];

function fileOf(name: string, texts: readonly string[]): string {
  const path = join(folder, name);
  writeFileSync(path, `text\n${texts.join('\n')}\n`);
  return path;
}

async function read(path: string, options: { known?: string[]; most?: number; seed?: number } = {}) {
  const notes: string[] = [];
  const onEvent = (event: JobEvent) => {
    if (event.type === 'note') notes.push(String(event.text));
  };
  const { known = [], most, seed = 0 } = options;
  const texts = await readUnlabeled({ files: [path] }, { known, seed, most }, { onEvent });
  return { texts, notes: notes.join('\n') };
}

test('each text is read once, and none that is known', async () => {
  const path = fileOf('repeated.csv', ['My card', 'my  CARD', 'A loan', 'Where is it?', 'a loan']);
  const { texts, notes } = await read(path, { known: ['where is it?'] });
  expect(texts).toEqual(['My card', 'A loan']);
  expect(notes).toMatch(/2 texts; 3 left out/);
});

test('of more texts than are kept chance chooses, each as likely as another', async () => {
  const path = fileOf('many.csv', numbers);
  const { texts, notes } = await read(path, { most: 3, seed: 4 });
  expect(texts.length).toBe(3);
  expect(new Set(texts).size).toBe(3);
  expect(notes).toMatch(/3 of 8 texts, chosen by chance/);
  expect((await read(path, { most: 3, seed: 4 })).texts).toEqual(texts);
  const counts = new Map<string, number>();
  for (let seed = 0; seed < 40; seed++) {
    for (const text of (await read(path, { most: 3, seed })).texts) counts.set(text, (counts.get(text) ?? 0) + 1);
  }
  // 15 of 40 are to be expected, with a standard deviation of 3.
  for (const name of numbers) expect(Math.abs((counts.get(name) ?? 0) - 15)).toBeLessThan(12);
});

test('a file whose texts all have a label is refused by its setting', async () => {
  const path = fileOf('known.csv', ['My card']);
  await expect(read(path, { known: ['my card'] })).rejects.toThrow(/holds no text that is not in the labeled sets/);
});
