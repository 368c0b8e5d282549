import { join } from 'node:path';
import { beforeAll } from 'vitest';
import { finetuneImages } from '../../src/jobs/finetuneImages.ts';
import { pretrainImages } from '../../src/jobs/pretrainImages.ts';
import { writeBars } from '../data/images/idxFiles.ts';
import { temporaryFolder } from '../temporary.ts';
import { describeResuming, sixSteps } from './resumeCases.ts';
import { pretrainMethods, saveTinyVision, tinySettings } from './tinyImages.ts';

const folder = temporaryFolder();
const data = writeBars(folder, 'bars', 44);
const otherImages = () => writeBars(folder, 'others', 44, 8, 6);
const common = { ...sixSteps, batchSize: 16, evalFraction: 0.2, cache: false, dataThreads: 1 } as const;

for (const method of pretrainMethods) {
  describeResuming(
    `image pretrain --method ${method}`,
    (output, hooks, more) =>
      pretrainImages({ method, data, output, ...common, ...tinySettings[method], ...more }, hooks),
    [() => ({ data: otherImages() }), /settings? changed: .*images \("\w+", now "\w+"\)/],
  );
}

const model = join(folder, 'pretrained');
beforeAll(async () => {
  await saveTinyVision(model, 'simsiam');
});
describeResuming(
  'image finetune',
  (output, hooks, more) => finetuneImages({ model, train: data, output, ...common, ...more }, hooks),
  [() => ({ train: otherImages() }), /1 setting changed: images \("\w+", now "\w+"\)/],
);
