import { expect, test } from 'vitest';
import type { AdaptOptions, FinetuneOptions, PretrainImagesOptions, SequencePretrainOptions } from '../../src/index.ts';
import type { Resolved } from '../../src/settings/options.ts';

/** Each line is checked by the compiler: it complains where an error that is expected does not come. */
test('options have the types of their settings', () => {
  const adaptation = { model: 'm', corpus: { files: ['a.txt'] }, output: 'o' };
  const good: AdaptOptions = {
    ...adaptation,
    learningRate: 1e-4,
    schedule: 'cosine',
    cache: false,
    freeze: 'embeddings',
  };
  // @ts-expect-error: a misspelt name
  const misspelt: AdaptOptions = { ...adaptation, learningrate: 1 };
  // @ts-expect-error: a value of another type
  const wrong: AdaptOptions = { ...adaptation, epochs: '3' };
  // @ts-expect-error: a word that is none of the choices
  const word: AdaptOptions = { ...adaptation, schedule: 'square' };
  // @ts-expect-error: without what it needs
  const lacking: AdaptOptions = { model: 'm', output: 'o' };
  // @ts-expect-error: a setting of another job
  const other: AdaptOptions = { ...adaptation, batchSize: 3 };
  // @ts-expect-error: texts have no one path
  const path: FinetuneOptions = { model: 'm', train: 'a.csv', output: 'o' };
  const images: PretrainImagesOptions = { method: 'mae', data: 'photos', output: 'o', channels: 1, eval: 'others' };
  // @ts-expect-error: 1 or 3
  const channels: PretrainImagesOptions = { method: 'mae', data: 'photos', output: 'o', channels: 2 };
  // @ts-expect-error: series have no dropout
  const series: SequencePretrainOptions = { data: 'a.csv', output: 'o', window: 3, horizon: 1, dropout: 0.1 };
  // @ts-expect-error: options are not to be written to
  good.seed = 3;

  const filled = (settings: Resolved<'adapt'>) => {
    const rate: number = settings.learningRate;
    // @ts-expect-error: works out of the model, not of the table
    const length: number = settings.maxLength;
    return [rate, length];
  };
  expect([good, misspelt, wrong, word, lacking, other, path, images, channels, series, filled]).toHaveLength(11);
});
