import { join } from 'node:path';
import { beforeAll, expect, test } from 'vitest';
import { builtCommand } from '../cli/build.ts';
import { writeBars } from '../data/images/idxFiles.ts';
import { sines, writeCsv } from '../data/numberFiles.ts';
import { repetitions } from '../repetitions.ts';
import { temporaryFolder } from '../temporary.ts';
import { expectKillsChangeNothing } from './killing.ts';
import { saveTinyVision } from './tinyImages.ts';

const folder = temporaryFolder();
const common = '--seed 5 --threads 1 --max-steps 60 --eval-steps 17 --save-steps 2 --patience 50 --keep-checkpoints 99';
const commands = {
  'image finetune': '--model @pretrained --train @bars-images-idx3-ubyte --no-cache --data-threads 1',
  'sequence pretrain': '--data @series.csv --window 8 --horizon 2 --hidden-size 8',
};

beforeAll(async () => {
  await builtCommand();
  writeBars(folder, 'bars', 60);
  await saveTinyVision(join(folder, 'pretrained'), 'simsiam');
  writeCsv(join(folder, 'series.csv'), ['x', 'y'], sines(200));
});

test.each(Object.entries(commands))('%s killed and resumed ends as if never stopped', async (name, options) => {
  const line = `${name} ${options} --batch-size 16 ${common}`.replaceAll('@', `${folder}/`);
  const words = (output: string) => [...line.split(' '), '--output', output];
  const place = join(folder, name.replace(' ', '-'));
  const mostKills = repetitions(2, 12);
  expect(await expectKillsChangeNothing(words, place, { mostKills, stepsBetween: repetitions(25, 3) })).toBe(mostKills);
});
