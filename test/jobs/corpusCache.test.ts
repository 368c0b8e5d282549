import { existsSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { InterruptedError, UsageError } from '../../src/core/errors.ts';
import { adapt } from '../../src/jobs/adapt.ts';
import { evaluate } from '../../src/jobs/evaluate.ts';
import type { AdaptOptions, JobHooks } from '../../src/jobs/types.ts';
import { runCommand } from '../cli/build.ts';
import { TestFolder } from '../data/files.ts';
import { listening, readJson, weightsOf } from './runs.ts';
import { messages, saveTinyModel } from './tiny.ts';

const folder = new TestFolder();
const at = (...names: string[]) => join(folder.path, ...names);

beforeAll(async () => {
  await folder.create();
  await saveTinyModel(at('tiny'));
  const lines = messages(90);
  // Long documents among the messages.
  await folder.write('corpus.txt', [...lines, lines.join(' '), lines.toReversed().join(' ')].join('\n'));
  await folder.write('other.txt', messages(30, 8).join('\n'));
});
afterAll(() => folder.remove());

function run(output: string, hooks: JobHooks, more: Partial<AdaptOptions> = {}) {
  const common = {
    threads: 1,
    seed: 5,
    maxLength: 16,
    batchTokens: 128,
    maxSteps: 4,
    saveSteps: 2,
    cache: at('cache'),
  };
  return adapt({ ...common, model: at('tiny'), corpus: { files: [at('corpus.txt')] }, output, ...more }, hooks);
}

const entries = () => readdirSync(at('cache', 'tokens'));
const firstNote = (hooks: ReturnType<typeof listening>) => hooks.notes().find((note) => note.startsWith('corpus'));

describe('the tokenized corpus', () => {
  test('is there for the second run, which is the same run', async () => {
    const [first, second, without] = [listening(), listening(), listening()];
    await run(at('first'), first);
    expect(firstNote(first)).toMatch(/^corpus: 92 texts, [\d,]+ tokens$/);
    await run(at('second'), second);
    expect(firstNote(second)).toBe(`${firstNote(first)}, as tokenized before`);
    await run(at('without'), without, { cache: false });
    expect(firstNote(without)).toBe(firstNote(first));
    expect(entries()).toHaveLength(1);
    for (const other of ['second', 'without']) {
      expect(weightsOf(at(other)).equals(weightsOf(at('first')))).toBe(true);
      expect(readJson(at(other, 'run.json')).data).toEqual(readJson(at('first', 'run.json')).data);
    }
  });

  test('may be gone when the run is resumed', async () => {
    await expect(run(at('resumed'), listening(2))).rejects.toThrow(InterruptedError);
    rmSync(at('cache'), { recursive: true });
    const hooks = listening();
    await run(at('resumed'), hooks, { resume: true });
    expect(hooks.notes()).toContain('resumed after step 2');
    expect(firstNote(hooks)).not.toContain('before');
    expect(weightsOf(at('resumed')).equals(weightsOf(at('first')))).toBe(true);
  });

  test('of --eval and of evaluate is kept, too', async () => {
    await run(at('eval'), listening(), { eval: { files: [at('other.txt')] }, evalLimit: 20 });
    const before = entries().length;
    const options = { model: at('tiny'), data: { files: [at('other.txt')] }, threads: 1, cache: at('cache') };
    const hooks = listening();
    const measured = await evaluate(options);
    expect(await evaluate(options, hooks)).toEqual(measured);
    expect(hooks.notes()[0]).toMatch(/^data: 30 texts, [\d,]+ tokens, as tokenized before$/);
    expect(entries()).toHaveLength(before + 1);
  });
});

describe('--overlap', () => {
  test('makes more of long texts, held-out ones on their side, and is part of the run', async () => {
    await run(at('plain'), listening());
    await run(at('overlap'), listening(), { overlap: 5 });
    const counts = (name: string) => readJson(at(name, 'run.json')).data as { corpus: Record<string, number> };
    const [plain, overlap] = [counts('plain').corpus, counts('overlap').corpus];
    expect(overlap).toEqual({ ...plain, tokens: overlap.tokens });
    expect(overlap.tokens).toBeGreaterThan((plain.tokens ?? Number.NaN) * 1.1);
    expect(readJson(at('overlap', 'run.json')).configuration).toMatchObject({ overlap: 5 });
    await expect(run(at('changed'), listening(2), { overlap: 5 })).rejects.toThrow(InterruptedError);
    await expect(run(at('changed'), listening(), { overlap: 4, resume: true })).rejects.toThrow(/overlap \(5, now 4\)/);
  });

  test.each([
    [16, 8, 7],
    [15, 8, 7],
  ])('has to be below half of --max-length %i', async (maxLength, overlap, most) => {
    await expect(run(at('new'), listening(), { maxLength, overlap })).rejects.toThrow(
      new UsageError(`overlap ${overlap} is not below half of maxLength ${maxLength}; use at most ${most}`),
    );
  });
});

test('the command line keeps what it tokenized, where and if it is told to', async () => {
  const env = { ...process.env, BERTUNE_CACHE: at('of-environment') };
  const adaptation = [
    'adapt',
    '--model',
    at('tiny'),
    '--corpus',
    at('corpus.txt'),
    '--max-length',
    '16',
    '--overlap',
    '3',
  ];
  const command = (output: string, ...more: string[]) =>
    runCommand([...adaptation, '--max-steps', '1', '--threads', '1', '--output', at(output), ...more], { env });
  const off = await command('cli-off', '--no-cache');
  expect(off.code, off.stderr).toBe(0);
  expect(existsSync(at('of-environment'))).toBe(false);
  await command('cli-first', '--cache', at('asked'));
  const second = await command('cli-second', '--cache', at('asked'));
  expect(second.stderr).toMatch(/--corpus: 92 texts, [\d,]+ tokens, as tokenized before\n/);
  expect(existsSync(at('of-environment'))).toBe(false);
  const third = await command('cli-third');
  expect(third.stderr).not.toContain('as tokenized before');
  expect(readdirSync(at('of-environment', 'tokens'))).toEqual(readdirSync(at('asked', 'tokens')));
});
