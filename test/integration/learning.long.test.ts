import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { adapt } from '../../src/jobs/adapt.ts';
import { evaluate } from '../../src/jobs/evaluate.ts';
import { finetune } from '../../src/jobs/finetune.ts';
import { pretrainImages } from '../../src/jobs/pretrainImages.ts';
import { probeImages } from '../../src/jobs/probeImages.ts';
import { tokenTexts } from '../bench/tokenTexts.ts';
import { data, models, needing } from '../needs.ts';
import { temporaryFolder } from '../temporary.ts';

const base = 'checkpoints/bert-mini-sentences';
const folder = temporaryFolder();
const at = (name: string) => join(folder, name);

/** What training is worth on real data, long enough that it shows. Bounds are guesses that lie well below what is expected. */
needing('data').describe('learning on real data', () => {
  test('adapting to questions to a bank, of which the base knows none, lowers the loss of questions never seen', async () => {
    const read = (name: string) => ({ files: [`SELECT text FROM '${data}/banking77/${name}.csv'`] });
    const output = at('adapted');
    const options = { maxLength: 64, learningRate: 5e-4, epochs: 3 };
    const result = await adapt({ model: base, corpus: read('train'), output, ...options });
    expect((result.evalLossBefore ?? 0) - (result.evalLossAfter ?? Number.NaN)).toBeGreaterThan(1.5);
    const lossOf = (model: string) => evaluate({ model, data: read('test'), maxLength: 64 });
    const before = await lossOf(base);
    expect(before.loss - (await lossOf(output)).loss).toBeGreaterThan(1.5);
  });

  test('ten labels for each of 77 intents of a bank', async () => {
    const result = await finetune({
      ...{ method: 'finetune', model: base, output: at('few'), learningRate: 3e-4, epochs: 10 },
      train: { files: [join(data, 'intents/banking77_train_10.csv')] },
      eval: { files: [join(data, 'intents/banking77_test.csv')] },
    });
    expect(result.count).toBe(3080);
    expect(result.accuracy).toBeGreaterThan(0.45);
  });

  test('all 77 intents of a bank', async () => {
    const result = await finetune({
      ...{ method: 'finetune', model: base, output: at('banking'), learningRate: 4e-4, epochs: 4 },
      train: { files: [join(data, 'banking77/train.csv')] },
      eval: { files: [join(data, 'banking77/test.csv')] },
    });
    expect([result.count, result.labels.length]).toEqual([3080, 77]);
    expect(result.accuracy).toBeGreaterThan(0.81);
  });

  needing('models').test('ten labels for each of 77 intents of a bank, by the method that folds choose', async () => {
    const output = at('chosen');
    const set = (name: string) => ({ files: [join(data, `intents/banking77_${name}.csv`)] });
    const options = { model: join(models, 'all-minilm-l6-v2'), train: set('train_10'), eval: set('test') };
    const frozen = await finetune({ ...options, output: at('frozen'), method: 'frozen' });
    expect(frozen.accuracy).toBeGreaterThan(0.85);
    const result = await finetune({ ...options, output });
    expect(result.ladder?.chosen).toBe(result.method);
    expect(result.accuracy).toBeGreaterThan(frozen.accuracy);
    const measured = await evaluate({ model: output, data: set('test') });
    expect(measured).toMatchObject({ accuracy: result.accuracy, confusion: result.confusion });
  });

  test('an autoencoder of digits learns features that tell more than those of a random start', async () => {
    const images = join(data, 'mnist/train-images-idx3-ubyte.gz');
    const output = at('digits');
    const trained = await pretrainImages({ method: 'autoencoder', data: images, output, epochs: 3 });
    expect(trained.evalLossAfter).toBeLessThan(0.05);
    const held = join(data, 'mnist/test3k-images-idx3-ubyte.gz');
    const probed = await probeImages({ model: output, train: images, test: held, labelsPerClass: 10 });
    expect(probed.tested).toBe(3000);
    expect(probed.overRandomStart?.low).toBeGreaterThan(0.1);
  });
});

test('labels on tokens of texts that share neither templates nor values with those of training', async () => {
  const written = (part: 'train' | 'test', count: number) => {
    const lines = tokenTexts(count, 11, part).map((text) => JSON.stringify(text));
    writeFileSync(at(`${part}.jsonl`), `${lines.join('\n')}\n`);
    return { files: [at(`${part}.jsonl`)] };
  };
  const sets = { train: written('train', 100), eval: written('test', 200), offsets: 'utf-16' as const };
  const options = { task: 'tokens' as const, model: base, ...sets };
  const frozen = await finetune({ ...options, output: at('words-frozen'), method: 'frozen' });
  const trained = await finetune({ ...options, output: at('words') });
  expect(trained.method).toBe('finetune');
  // A start that is sure of the training texts ends near the encoder as it is, and one at random half way.
  expect(trained.entities.micro.f1).toBeGreaterThan(frozen.entities.micro.f1 + 0.2);
});
