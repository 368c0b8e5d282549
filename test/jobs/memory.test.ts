import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { UsageError } from '../../src/core/errors.ts';
import { adapt } from '../../src/jobs/adapt.ts';
import { finetune } from '../../src/jobs/finetune.ts';
import { needing } from '../needs.ts';
import { temporaryFolder } from '../temporary.ts';
import { listening, readJson, weightsOf } from './runs.ts';
import { labeledCsv, labeledMessages, messages, saveTinyModel } from './tiny.ts';

const folder = temporaryFolder();
const at = (name: string) => join(folder, name);
const common = { threads: 1, maxSteps: 2, maxLength: 32 };
const corpus = { files: [at('corpus.txt')] };
const adaptTiny = (output: string, more: object, hooks = listening()) =>
  adapt({ ...common, model: at('tiny'), corpus, output: at(output), batchTokens: 256, ...more }, hooks);

beforeAll(async () => {
  await saveTinyModel(at('tiny'));
  writeFileSync(at('corpus.txt'), messages(60).join('\n'));
  writeFileSync(at('labeled.csv'), labeledCsv(labeledMessages(40)));
});

describe('a run that cannot fit', () => {
  afterEach(() => vi.restoreAllMocks());

  needing('available memory').test('is refused before it begins, with what to change', async () => {
    vi.spyOn(process, 'availableMemory').mockReturnValue(4e6);
    await expect(adaptTiny('huge', { batchTokens: 4096 })).rejects.toThrow(
      /^training needs about \d+ MB of memory more than it holds now, and 4 MB are available: use recompute \(\d+ MB\), smaller batches, more accumulationSteps or a smaller model$/,
    );
    expect(existsSync(at('huge'))).toBe(false);
    await adaptTiny('small', { batchTokens: 64 });
    expect(readdirSync(at('small'))).toContain('model.safetensors');
  });
});

test('a batch that no array holds is refused, in one line, and nothing is left', async () => {
  const refusal = new UsageError(
    'one batch is more than there is memory for: use smaller batches or more accumulationSteps',
  );
  await expect(adaptTiny('boundless', { batchTokens: 1e13 })).rejects.toThrow(refusal);
  const train = { files: [at('labeled.csv')] };
  await expect(
    finetune({ ...common, method: 'finetune', model: at('tiny'), train, output: at('boundless'), batchSize: 1e13 }),
  ).rejects.toThrow(refusal);
  expect(existsSync(at('boundless'))).toBe(false);
});

test('what a run is going to take is in its record, with less for --recompute and more for accumulation', async () => {
  const estimate = async (name: string, more: object) => {
    await adaptTiny(name, { batchTokens: 4096, ...more });
    const { configuration } = readJson(at(name), 'run.json') as { configuration: { estimatedMemoryBytes: number } };
    return configuration.estimatedMemoryBytes;
  };
  const plain = await estimate('plain', {});
  expect(await estimate('recomputed', { recompute: true })).toBeLessThan(plain);
  expect(await estimate('larger', { batchTokens: 8192 })).toBeGreaterThan(1.01 * plain);
  const output = at('tuned');
  await finetune({ ...common, method: 'finetune', model: at('tiny'), train: { files: [at('labeled.csv')] }, output });
  expect(readJson(output, 'run.json')).toMatchObject({ configuration: { estimatedMemoryBytes: expect.any(Number) } });
});

test('--fast-math is named in the record, and said to do nothing where it does nothing', async () => {
  const hooks = listening();
  await adaptTiny('fast', { fastMath: true }, hooks);
  await adaptTiny('exact', {});
  expect(readJson(at('fast'), 'run.json')).toMatchObject({ configuration: { fastMath: true } });
  expect(readJson(at('exact'), 'run.json')).toMatchObject({ configuration: { fastMath: false } });
  const isArm = process.arch.startsWith('arm');
  expect(hooks.notes().some((note) => note.startsWith('fastMath does nothing on this processor'))).toBe(!isArm);
  if (!isArm) expect(weightsOf(at('fast')).equals(weightsOf(at('exact')))).toBe(true);
});
