import { join } from 'node:path';
import { expect, test } from 'vitest';
import { adapt } from '../../src/jobs/adapt.ts';
import { evaluate } from '../../src/jobs/evaluate.ts';
import { finetune } from '../../src/jobs/finetune.ts';
import { pretrainImages } from '../../src/jobs/pretrainImages.ts';
import { probeImages } from '../../src/jobs/probeImages.ts';
import { data, needing } from '../needs.ts';
import { temporaryFolder } from '../temporary.ts';

const base = 'checkpoints/bert-mini-sentences';
const folder = temporaryFolder();
const at = (name: string) => join(folder, name);

/** What training is worth on real data, long enough that it shows. Bounds lie well below what was measured. */
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
      ...{ model: base, output: at('few'), learningRate: 3e-4, epochs: 10 },
      train: { files: [join(data, 'intents/banking77_train_10.csv')] },
      eval: { files: [join(data, 'intents/banking77_test.csv')] },
    });
    expect(result.count).toBe(3080);
    expect(result.accuracy).toBeGreaterThan(0.45);
  });

  test('all 77 intents of a bank', async () => {
    const result = await finetune({
      ...{ model: base, output: at('banking'), learningRate: 4e-4, epochs: 4 },
      train: { files: [join(data, 'banking77/train.csv')] },
      eval: { files: [join(data, 'banking77/test.csv')] },
    });
    expect([result.count, result.labels.length]).toEqual([3080, 77]);
    expect(result.accuracy).toBeGreaterThan(0.81);
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
