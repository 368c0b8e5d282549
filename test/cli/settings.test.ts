import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { adaptCommand } from '../../src/cli/commands/adapt.ts';
import { finetuneCommand } from '../../src/cli/commands/finetune.ts';
import { jobOptions } from '../../src/cli/jobOptions.ts';
import { readSettings } from '../../src/cli/settings.ts';
import { type SettingName, settingNames } from '../../src/settings/table.ts';
import { runInProcess } from './terminal.ts';

const folder = mkdtempSync(join(tmpdir(), 'bertune-cli-'));
afterAll(() => rmSync(folder, { recursive: true }));

const file = join(folder, 'run.yaml');

function read(yaml: string, flags: Partial<Record<SettingName, unknown>> = {}, command = adaptCommand) {
  writeFileSync(file, yaml);
  const given = new Map<SettingName, unknown>([['config', file]]);
  for (const name of settingNames) if (name in flags) given.set(name, flags[name]);
  return readSettings(command, given);
}

const needed = 'model: base\ncorpus: [a.txt, b.txt]\noutput: out\n';

describe('the configuration file', () => {
  test('takes the names of the flags and gives what a job needs', async () => {
    const settings = await read(
      `${needed}learning-rate: 5e-5\nwhole-word: true\nwarmup: 0.1\neval-fraction: 0.05\ntext-column: message\nseed: 7\n`,
    );
    expect(jobOptions('adapt', settings)).toEqual({
      model: 'base',
      output: 'out',
      learningRate: 5e-5,
      warmup: 0.1,
      wholeWord: true,
      seed: 7,
      corpus: { files: ['a.txt', 'b.txt'], textColumn: 'message' },
      evalFraction: 0.05,
    });
  });

  test('loses against a flag', async () => {
    const settings = await read(`${needed}epochs: 3\nseed: 1\nwhole-word: true\n`, {
      seed: '2',
      corpus: ['c.txt'],
      wholeWord: false,
    });
    expect(settings).toMatchObject({ seed: 2, epochs: 3, corpus: ['c.txt'], wholeWord: false, model: 'base' });
  });

  test('loses against a flag that rules its setting out', async () => {
    const settings = await read(`${needed}epochs: 3\n`, { maxSteps: '10', query: 'SELECT 1 AS text' });
    expect(settings).toMatchObject({ maxSteps: 10, query: 'SELECT 1 AS text' });
    expect(settings).not.toHaveProperty('epochs');
    expect(settings).not.toHaveProperty('corpus');
  });

  test('may be empty', async () => {
    await expect(read('# nothing yet\n')).rejects.toThrow('adapt needs --model (on the command line');
  });

  test.each([
    ['learning-rat: 1', 'line 4: "learning-rat" is no setting of adapt (did you mean learning-rate?)'],
    ['learningRate: 1', 'line 4: "learningRate" is no setting of adapt (did you mean learning-rate?)'],
    ['top-k: 3', 'line 4: "top-k" is no setting of adapt'],
    ['config: other.yaml', 'line 4: "config" is no setting of adapt'],
    ['epochs: many', 'line 4: epochs must be a positive whole number, got "many"'],
    ['whole-word: 1', 'line 4: whole-word must be true or false, got 1'],
    ['text-column:', 'line 4: text-column must be a text, got null'],
    ['epochs: 1\nmax-steps: 2', 'give --epochs or --max-steps, not both'],
    ['epochs: [1', 'line 5: not valid YAML: '],
    ['model: other', 'line 4: not valid YAML: Map keys must be unique'],
  ])('refuses %j', async (line, message) => {
    const error: unknown = await read(`${needed}${line}\n`).catch((caught: unknown) => caught);
    expect(error).toMatchObject({ name: 'UsageError', exitCode: 2 });
    const text = error instanceof Error ? error.message : '';
    expect(text.replace(`${file}, `, '')).toContain(message);
    expect(text).not.toContain('\n');
  });

  test('refuses what is no mapping and what is not there', async () => {
    await expect(read('- a\n')).rejects.toThrow(`${file}: must hold lines like "learning-rate: 5e-5"`);
    const missing = readSettings(finetuneCommand, new Map([['config', join(folder, 'none.yaml')]]));
    await expect(missing).rejects.toThrow(`--config: cannot read ${join(folder, 'none.yaml')}: ENOENT`);
  });
});

test('a switch of the file is turned off by --no-…', async () => {
  writeFileSync(file, 'json: true\n');
  let json: boolean | undefined;
  const spec = {
    ...adaptCommand,
    job: undefined,
    run: async (settings: { json?: boolean }) => {
      json = settings.json;
    },
  };
  await runInProcess(['adapt', '--config', file], [spec]);
  expect(json).toBe(true);
  await runInProcess(['adapt', '--config', file, '--no-json'], [spec]);
  expect(json).toBe(false);
});
