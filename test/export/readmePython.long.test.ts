import { join } from 'node:path';
import { expect } from 'vitest';
import { loadModel } from '../../src/jobs/model.ts';
import { needing, python } from '../needs.ts';
import { temporaryFolder } from '../temporary.ts';
import { readerFolder, runScript, snippet } from './readme.ts';

needing('python').test("the README's Python classifies as bertune does with what its program trained", async () => {
  const folder = temporaryFolder();
  await readerFolder(folder);
  await runScript(process.execPath, snippet('ts', 'import { adapt, finetune, loadModel }'), folder);
  const said = await runScript(python, snippet('python', 'pipeline("text-classification"'), folder);
  const model = await loadModel(join(folder, 'runs/intent'));
  const [expected] = await model.classify(['how do i send this back?']);
  await model.dispose();
  expect(said).toContain(`'label': '${expected?.label}'`);
  expect(Number(/'score': ([\d.]+)/.exec(said)?.[1])).toBeCloseTo(expected?.score ?? Number.NaN, 4);
});
