import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { UsageError } from '../../src/core/errors.ts';
import { adapt, pretrain } from '../../src/jobs/adapt.ts';
import { evaluate } from '../../src/jobs/evaluate.ts';
import { finetune } from '../../src/jobs/finetune.ts';
import { loadModel } from '../../src/jobs/model.ts';
import { temporaryFolder } from '../temporary.ts';
import { saveTinyModel } from './tiny.ts';

const folder = temporaryFolder();
const model = join(folder, 'tiny');
const output = join(folder, 'output');
beforeAll(() => saveTinyModel(model));

/** Files are not looked at: what is wrong with an option shows before anything else. */
const nowhere = { files: [join(folder, 'nowhere.csv')] };

async function refused(job: Promise<unknown>): Promise<string> {
  const error = await job.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(UsageError);
  expect(existsSync(output)).toBe(false);
  return (error as UsageError).message;
}

describe('options that no job can use', () => {
  const training: [object, string][] = [
    [{ dropout: 1 }, 'dropout must be a fraction from 0 up to but not including 1, got 1'],
    [{ accumulationSteps: 0 }, 'accumulationSteps must be a positive whole number, got 0'],
    [{ learningRate: Number.NaN }, 'learningRate must be a number above 0, got NaN'],
    [{ learningRate: -1 }, 'learningRate must be a number above 0, got -1'],
    [{ learningRate: '0.1' }, 'learningRate must be a number above 0, got "0.1"'],
    [{ maxSteps: 1.5 }, 'maxSteps must be a positive whole number, got 1.5'],
    [{ maxSteps: 0 }, 'maxSteps must be a positive whole number, got 0'],
    [{ evalFraction: 1.5 }, 'evalFraction must be a fraction from 0 up to but not including 1, got 1.5'],
    [{ seed: -1.5 }, 'seed must be a whole number of at least 0, got -1.5'],
    [{ warmup: -5 }, 'warmup must be a fraction below 1 or a whole number of steps, got -5'],
    [{ maxLength: 1.5 }, 'maxLength must be a whole number of at least 3, got 1.5'],
    [{ threads: 0 }, 'threads must be a whole number from 1 to 1024, got 0'],
    [{ schedule: 'square' }, 'schedule must be linear, cosine or constant, got "square"'],
    [{ epochs: 1, maxSteps: 1 }, 'epochs and maxSteps cannot be given together'],
  ];
  test.each(training)('%o', async (wrong, message) => {
    expect(await refused(adapt({ model, corpus: nowhere, output, ...wrong }))).toBe(message);
    expect(await refused(finetune({ model, train: nowhere, output, ...wrong }))).toBe(message);
    const fresh = { modelConfig: model, tokenizer: model };
    expect(await refused(pretrain({ ...fresh, corpus: nowhere, output, ...wrong }))).toBe(message);
  });

  test('those of one job', async () => {
    expect(await refused(adapt({ model, corpus: nowhere, output, maskProbability: 2 }))).toBe(
      'maskProbability must be a probability above 0 and at most 1, got 2',
    );
    expect(await refused(finetune({ model, train: nowhere, output, batchSize: 0 }))).toBe(
      'batchSize must be a positive whole number, got 0',
    );
    expect(await refused(evaluate({ model, data: nowhere, limit: 0 }))).toBe(
      'limit must be a positive whole number, got 0',
    );
    expect(await refused(loadModel(model, { threads: 0 }))).toBe(
      'threads must be a whole number from 1 to 1024, got 0',
    );
    const loaded = await loadModel(model, { threads: 1 });
    expect(await refused(loaded.fillMask('my [MASK]', { topK: -1 }))).toBe(
      'topK must be a positive whole number, got -1',
    );
    await loaded.dispose();
  });

  test('what is no object of options, no list of texts or no path', async () => {
    const untyped: Record<string, (value: unknown) => Promise<unknown>> = {
      adapt: (value) => adapt(value as Parameters<typeof adapt>[0]),
      loadModel: (value) => loadModel(value as string),
    };
    const call = (name: string, value: unknown) => refused(untyped[name]?.(value) ?? Promise.resolve());
    for (const value of [undefined, null, 'model', [], 5]) {
      expect(await call('adapt', value)).toMatch(/^adapt takes an object of options, got /);
    }
    for (const value of [undefined, null, '', 5]) {
      expect(await call('loadModel', value)).toMatch(/^loadModel needs the path of a model/);
    }
    expect(await call('adapt', { model, corpus: nowhere, output, seed: 10n })).toBe(
      'seed must be a whole number of at least 0, got 10',
    );
    const loaded = await loadModel(model, { threads: 1 });
    const texts = 'one text' as unknown as string[]; // what types catch and JavaScript does not
    expect(await refused(loaded.embed(texts))).toBe('embed needs a list of texts, got something else');
    await loaded.dispose();
  });

  test('hooks that would never be called', async () => {
    const signal = new AbortController() as unknown as AbortSignal; // the slip that types catch and JavaScript does not
    expect(await refused(adapt({ model, corpus: nowhere, output }, { signal }))).toMatch(
      /^signal must be an AbortSignal/,
    );
  });
});
