import { cpSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, expect, test } from 'vitest';
import * as saveText from '../../src/hub/saveText.ts';
import * as runFolder from '../../src/jobs/runFolder.ts';
import * as family from '../../src/models/text/bert/family.ts';
import * as textModel from '../../src/models/text/model.ts';
import { repetitions } from '../repetitions.ts';
import { temporaryFolder } from '../temporary.ts';
import { Program } from '../train/checkpointKills.ts';
import { acts, claim, newVersion, oldVersion, saveModel } from './killValues.ts';
import { readJson } from './runs.ts';

const product = { ...saveText, ...runFolder, ...family, ...textModel };
const { RunFolder } = runFolder;
const modelFiles = ['config.json', 'model.safetensors', 'pooler.safetensors', 'vocab.txt'];
let saver: Program;
/** A run that has begun, with the model of an earlier one; and what it is to become. */
const [before, after] = [join(temporaryFolder(), 'run'), temporaryFolder()];

beforeAll(async () => {
  saver = await Program.compile('jobs/killSaver.ts');
  const run = RunFolder.claim(before, { ...claim, resume: false });
  await run.begin({ version: oldVersion });
  await saveModel(product, before, oldVersion);
  run.release();
  await saveModel(product, after, newVersion);
});

test('a process killed while it saves a model and its record leaves each file old or new', async () => {
  const life = await saver.life(copyOfRun());
  const points = await saver.killEverywhere(
    life,
    copyOfRun,
    async (folder, act, point) => {
      const place = `killed at ${JSON.stringify(point)}`;
      const olds = modelFiles.filter((name) => read(folder, name).equals(read(before, name)));
      const news = modelFiles.filter((name) => read(folder, name).equals(read(after, name)));
      expect([...olds, ...news].sort(), place).toEqual(modelFiles);
      if (act <= 0) expect(olds, place).toEqual(modelFiles);
      if (act === 2) expect(news, place).toEqual(modelFiles);
      expectRecord(folder, act);
      await goOn(folder);
    },
    repetitions(1, 6),
  );
  expect(points).toBeGreaterThanOrEqual(80);
  if (process.env.BERTUNE_REPORT) process.stdout.write(`model and record: killed at ${points} points, survived all\n`);
});

test('a process killed while it replaces a finished run leaves no record that vouches for what is gone', async () => {
  const finished = copyOfRun();
  await goOn(finished);
  process.env.BERTUNE_OVERWRITE = 'yes';
  const copyOfFinished = () => copyOf(finished);
  const { operations, starts } = await saver.life(copyOfFinished());
  const beginning = { operations: operations.slice(0, starts[1]), starts };
  const points = await saver.killEverywhere(
    beginning,
    copyOfFinished,
    (folder, _, point) => {
      const files = readdirSync(folder).filter((name) => !name.startsWith('.'));
      const place = `killed at ${JSON.stringify(point)}`;
      const next = () => RunFolder.claim(folder, claim);
      if (files.length > 0 && !files.includes('run.json')) expect(next, place).toThrow('holds no run to resume');
      else if (isFinished(next())) expect(files, place).toEqual(expect.arrayContaining(modelFiles));
    },
    repetitions(4, 12),
  );
  delete process.env.BERTUNE_OVERWRITE;
  if (process.env.BERTUNE_REPORT) process.stdout.write(`replacing a run: killed at ${points} points, survived all\n`);
});

function isFinished(run: ReturnType<typeof RunFolder.claim>): boolean {
  run.release();
  return run.finished !== undefined;
}

function copyOfRun(): string {
  return copyOf(before);
}

function copyOf(run: string): string {
  const folder = join(temporaryFolder(), 'run');
  cpSync(run, folder, { recursive: true });
  return folder;
}

/** The record is that of before the act or that of after it. @param act -1 while the folder is taken */
function expectRecord(folder: string, act: number): void {
  const { status, configuration, result } = readJson(folder, 'run.json');
  const [asked, old] = [{ version: newVersion }, { version: oldVersion }];
  if (status === 'finished')
    expect({ act, configuration, result }).toEqual({ act: 2, configuration: asked, result: asked });
  else expect(act <= 0 ? [asked, old] : [asked]).toContainEqual(configuration);
}

/** The next process takes the run over, and nothing of the killed one stays. */
async function goOn(folder: string): Promise<void> {
  const run = RunFolder.claim(folder, claim);
  if (!run.finished) for (const act of acts) await act(product, run);
  run.release();
  expect(readdirSync(folder).sort()).toEqual([...modelFiles, 'run.json'].sort());
  for (const name of modelFiles) expect(read(folder, name).equals(read(after, name))).toBe(true);
  expect(RunFolder.claim(folder, claim).finished?.result).toEqual({ version: newVersion });
}

function read(folder: string, name: string): Buffer {
  return readFileSync(join(folder, name));
}
