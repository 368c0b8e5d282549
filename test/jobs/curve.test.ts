import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, expect, test } from 'vitest';
import { curve } from '../../src/jobs/curve.ts';
import { runInProcess } from '../cli/terminal.ts';
import { temporaryFolder } from '../temporary.ts';
import { labeledMessages, saveTinyModel } from './tiny.ts';

const folder = temporaryFolder();
const at = (name: string) => join(folder, name);

beforeAll(async () => {
  await saveTinyModel(at('model'));
  const rows = labeledMessages(240).map(({ text, label }) => `"${text}",${label}`);
  writeFileSync(at('train.csv'), `text,label\n${rows.slice(0, 160).join('\n')}\n`);
  writeFileSync(at('test.csv'), `text,label\n${rows.slice(160).join('\n')}\n`);
});

test('words: few words tell the classes apart, so that the curve soon is flat', async () => {
  const result = await curve({ train: { files: [at('train.csv')] } });
  expect(result).toMatchObject({ method: 'words', classes: 2, measuredOn: 160 });
  expect(result.sizes.map(({ labels }) => labels)).toEqual([30, 60, 120].slice(-result.sizes.length));
  expect(result.sizes.at(-1)?.accuracy).toBeGreaterThan(0.9);
  expect(result.forecasts.map(({ labels }) => labels)).toEqual([160, 320, 640]);
  expect(result.gain.low).toBeGreaterThanOrEqual(0);
  expect(result.gain.mean).toBeLessThan(0.1);
});

test('vectors of a model, measured on a file: the same every time', async () => {
  const use = {
    model: at('model'),
    cache: false,
    train: { files: [at('train.csv')] },
    eval: { files: [at('test.csv')] },
  } as const;
  const [first, second] = [await curve(use), await curve(use)];
  expect(first).toMatchObject({ method: 'frozen', measuredOn: 80 });
  expect(first.sizes.map(({ labels }) => labels)).toEqual([20, 40, 80, 160]);
  expect(second).toEqual(first);
});

test('the command says what twice as many would bring', async () => {
  const { code, stdout } = await runInProcess(['curve', '--train', at('train.csv')]);
  expect(code).toBe(0);
  expect(stdout).toMatch(/twice the labels, 320 in place of 160, would bring about \d+\.\d points \(95 % interval/);
  writeFileSync(at('few.csv'), 'text,label\na b,x\nc d,y\n');
  const few = await runInProcess(['curve', '--train', at('few.csv')]);
  expect(few).toMatchObject({ code: 2, stderr: expect.stringContaining('--train has 2 texts for 2 classes') });
});
