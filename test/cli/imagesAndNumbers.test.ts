import { cpSync, mkdirSync, readdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import sharp from 'sharp';
import { beforeAll, expect, test } from 'vitest';
import { saveSeries } from '../../src/hub/seriesFolder.ts';
import { seriesStart, type TableConfig } from '../../src/models/series/config.ts';
import { tableParameters } from '../../src/models/series/tableAutoencoder.ts';
import { writeBars } from '../data/images/idxFiles.ts';
import { sines, writeCsv } from '../data/numberFiles.ts';
import { saveTinyVision } from '../jobs/tinyImages.ts';
import { temporaryFolder } from '../temporary.ts';
import { runInProcess } from './terminal.ts';

const folder = temporaryFolder();
const at = (name: string) => join(folder, name);
const table: TableConfig = {
  kind: 'table-autoencoder',
  columns: ['x', 'y'],
  ...{ mean: [20, -400], deviation: [2, 80], hiddenSizes: [4], latentSize: 1 },
};

beforeAll(async () => {
  const idx = writeBars(folder, 'bars', 20);
  cpSync(idx, at('nameless.idx'));
  cpSync(idx, at('cut-images-idx3-ubyte'));
  truncateSync(at('cut-images-idx3-ubyte'), 500);
  writeFileSync(at('words.bin'), 'hello world, no images here');
  writeFileSync(at('words-images-idx3-ubyte.gz'), 'hello world, no gzip here');
  for (const name of ['empty', 'flat', 'one/only']) mkdirSync(at(name), { recursive: true });
  for (const name of ['flat/1.png', 'flat/2.png', 'one/only/1.png', 'one/only/2.png']) {
    await sharp({ create: { width: 8, height: 8, channels: 3, background: '#123' } }).toFile(at(name));
  }
  writeCsv(
    at('series.csv'),
    ['time', 'x', 'y'],
    sines(60).map((row, i) => [`2024-01-01 ${i}`, ...row]),
  );
  writeCsv(
    at('one.csv'),
    ['x'],
    sines(60).map(([x = 0]) => [x]),
  );
  writeCsv(
    at('gap.csv'),
    ['x', 'y'],
    [
      [1, 2],
      [3, ''],
      [5, 6],
    ],
  );
  await saveTinyVision(at('mae'), 'mae');
  await saveTinyVision(at('damaged'), 'mae');
  truncateSync(at('damaged/model.safetensors'), 3000);
  await saveSeries(at('table'), table, seriesStart(tableParameters(table), 1));
  mkdirSync(at('bert'));
  writeFileSync(at('bert/config.json'), '{ "model_type": "bert" }');
});

const bars = '@bars-images-idx3-ubyte';
const imageModels =
  'models of images have bertune-autoencoder, bertune-simsiam, bertune-simclr, bertune-mae, bertune-image-classifier; choose another --model';
const noLabels =
  'the images have no labels; give a folder with a subfolder for each class, or an IDX file with its labels beside it';

/** Command lines (`@` is the folder) with the exit status and the last line of stderr. */
const cases: [string, number, string][] = [
  // Images that cannot be used.
  [
    'image pretrain --method mae --data @nowhere --output @x',
    2,
    '--data: nothing at @nowhere; give an IDX file, a folder of images or a .tar of one',
  ],
  [
    'image pretrain --method mae --data @words.bin --output @x',
    2,
    '--data: @words.bin starts with 0x68656c6c, but an IDX file of images starts with 0x00000803; give such a file, .+',
  ],
  [
    'image pretrain --method mae --data @cut-images-idx3-ubyte --output @x',
    1,
    '--data: @cut-images-idx3-ubyte is truncated: its header says 20, it ends after 7; get it again',
  ],
  [
    'image pretrain --method mae --data @words-images-idx3-ubyte.gz --output @x',
    1,
    '--data: @words-images-idx3-ubyte.gz is no whole gzip file: incorrect header check; get it again',
  ],
  ['image pretrain --method mae --data @empty --output @x', 2, '--data: the folder @empty holds no images .+'],
  [
    `image pretrain --method mae --data ${bars} --eval @empty --output @x`,
    2,
    '--eval: the folder @empty holds no images .+',
  ],
  [`image pretrain --method mae --data ${bars} @flat --output @x`, 2, '--data takes one path here, got 2'],
  // Settings that do not go together.
  [`image pretrain --method mae --data ${bars}`, 2, 'image pretrain needs --output (or --preview, to look at views)'],
  [
    `image pretrain --method mae --data ${bars} --patch-size 5 --output @x`,
    2,
    '--patch-size 5 does not divide images of 8 x 8; choose one that does, or another --image-size',
  ],
  [
    `image pretrain --method simsiam --data ${bars} --batch-size 1 --output @x`,
    2,
    'an update of 1 image leaves simsiam nothing to compare an image with; use a larger --batch-size',
  ],
  [
    `image pretrain --method simclr --data ${bars} --batch-size 4 --accumulation-steps 4 --output @x`,
    2,
    'an update of 4 images in 4 micro-batches leaves simclr nothing to compare an image with; use a larger --batch-size',
  ],
  [
    `image pretrain --method simsiam --data ${bars} --noise 0.1 --preview @x.png`,
    2,
    '--noise is an option of --method autoencoder, not of simsiam',
  ],
  [
    `image pretrain --method mae --data ${bars} --preview @x.jpg`,
    2,
    '--preview: pictures are written to .png, not to @x.jpg',
  ],
  // Places that cannot be written to.
  [
    `image pretrain --method mae --data ${bars} --output @mae`,
    2,
    '@mae holds another run; continue it with --resume, replace it with --overwrite, or choose another --output',
  ],
  [
    `image pretrain --method mae --data ${bars} --output @words.bin/x/y`,
    2,
    '--output @words.bin/x/y cannot be made: a file is in the way; choose another folder',
  ],
  [
    `image finetune --model @mae --train ${bars} --output @mae --overwrite`,
    2,
    '--output @mae is the model that the run reads; choose another folder',
  ],
  [
    `image finetune --model @mae --train ${bars} --output @words.bin/x`,
    2,
    '--output @words.bin/x cannot be made: a file is in the way; choose another folder',
  ],
  [
    `image embed --model @mae --data ${bars} --output @x.csv`,
    2,
    '--output: vectors are written to .parquet or .jsonl, not to @x.csv',
  ],
  [
    `image embed --model @mae --data ${bars} --output @words.bin/x.jsonl`,
    2,
    '@words.bin cannot be made: a file is in the way',
  ],
  [
    `image show --model @mae --data ${bars} --output @x.gif`,
    2,
    '--output: pictures are written to .png, not to @x.gif',
  ],
  // Models that cannot be used.
  [
    `image finetune --model @nowhere --train ${bars} --output @x`,
    2,
    '@nowhere/config.json does not exist: give as --model a folder that image pretrain or finetune wrote',
  ],
  [
    `image finetune --model @bert --train ${bars} --output @x`,
    2,
    `@bert/config.json: model_type is "bert", and ${imageModels}`,
  ],
  [
    `image embed --model @table --data ${bars} --output @x.parquet`,
    2,
    `@table/config.json: model_type is "bertune-table-autoencoder", and ${imageModels}`,
  ],
  [`image show --model @table --data ${bars} --output @x.png`, 2, `.+${imageModels}`],
  [`image probe --model @table --train ${bars} --test ${bars}`, 2, `.+${imageModels}`],
  [`image embed --model @damaged --data ${bars} --output @x.parquet`, 1, '@damaged/model.safetensors .+'],
  [
    'predict --model @mae --input @series.csv --text-column time',
    1,
    '@mae/config.json: model_type is "bertune-mae", and only "bert", .+',
  ],
  // Labels.
  ['image finetune --model @mae --train @nameless.idx --output @x', 1, `--train: ${noLabels}`],
  ['image finetune --model @mae --train @flat --output @x', 1, `--train: ${noLabels}`],
  [
    'image finetune --model @mae --train @one --output @x',
    2,
    '--train has one class only; a classifier needs at least two',
  ],
  [`image finetune --model @mae --train ${bars} --test @nameless.idx --output @x`, 1, `--test: ${noLabels}`],
  [
    `image finetune --model @mae --train ${bars} --test @one --output @x`,
    1,
    '--test: class "only" was not seen in training; known are 0, 1',
  ],
  [
    `image finetune --model @mae --train ${bars} --eval-fraction 0 --output @x`,
    2,
    '--eval-fraction 0 leaves no image to measure on; give some with --test',
  ],
  [`image probe --model @mae --train @flat --test ${bars}`, 1, `--train: ${noLabels}`],
  [`image probe --model @mae --train ${bars} --test @nowhere`, 2, '--test: nothing at @nowhere; .+'],
  [
    `image probe --model @mae --train ${bars} --test ${bars} --seeds 13`,
    2,
    '--seeds must be a whole number from 1 to 12, got "13"',
  ],
  // Series.
  ['sequence pretrain --data @nowhere.csv --window 8 --horizon 2 --output @x', 2, '--data: no file at @nowhere.csv'],
  [
    'sequence pretrain --data @words.bin --window 8 --horizon 2 --output @x',
    2,
    '--data: cannot tell the format of @words.bin; known are .+',
  ],
  [
    'sequence pretrain --data @series.csv --columns x,z --window 8 --horizon 2 --output @x',
    2,
    '--columns: --data @series.csv has no column "z"; its columns are time, x, y',
  ],
  [
    'sequence pretrain --data @series.csv --columns time --window 8 --horizon 2 --output @x',
    1,
    '--data: @series.csv has "2024-01-01 0", which is no number, in column "time" of row 1; choose other --columns, or leave such rows out with --query',
  ],
  [
    'sequence pretrain --data @gap.csv --window 8 --horizon 2 --output @x',
    1,
    '--data: @gap.csv has no value in column "y" of row 2; choose other --columns, or leave such rows out with --query',
  ],
  [
    'sequence pretrain --data @series.csv --window 60 --horizon 2 --output @x',
    2,
    '--window 60 and --horizon 2 do not fit a series of 60 rows, of which a part is held out; use shorter ones, or at least 81 rows',
  ],
  [
    'sequence pretrain --data @series.csv --window 1 --horizon 2 --output @x',
    2,
    '--window must be a whole number of at least 2, got "1"',
  ],
  [
    'sequence pretrain --data @series.csv --window 8 --horizon 2 --hidden-size 9 --output @x',
    2,
    '--hidden-size 9 cannot be shared among 4 attention heads',
  ],
  [
    'sequence pretrain --data @series.csv --window 8 --horizon 2 --eval-fraction 0 --output @x',
    2,
    '--eval-fraction must be a fraction between 0 and 1, so that there is something to measure on, got "0"',
  ],
  ['sequence pretrain --data @series.csv --window 8 --horizon 2 --output @table', 2, '@table holds another run; .+'],
  [
    'sequence pretrain --data @series.csv --window 8 --horizon 2 --output @words.bin/x',
    2,
    '--output @words.bin/x cannot be made: a file is in the way; choose another folder',
  ],
  // Tables.
  [
    'table pretrain --data @series.csv --latent-size 2 --output @x',
    2,
    '--latent-size 2 is not below the 2 columns: nothing would have to be learned; use fewer; left out: time (texts)',
  ],
  [
    'table pretrain --data @series.csv --columns x,none --output @x',
    2,
    '--columns: --data @series.csv has no column "none"; its columns are time, x, y',
  ],
  [
    'table embed --model @table --data @one.csv --output @x.parquet',
    2,
    '--data: @one.csv has no column "y", which the model was trained on; its columns are x',
  ],
  [
    'table embed --model @table --data @gap.csv --output @x.parquet',
    1,
    '--data: @gap.csv has no value in column "y" of row 2; leave such rows out with --query',
  ],
  [
    'table embed --model @nowhere --data @series.csv --output @x.parquet',
    2,
    '@nowhere/config.json does not exist: give as --model a folder that sequence pretrain or table pretrain wrote',
  ],
  [
    'table embed --model @mae --data @series.csv --output @x.parquet',
    2,
    '@mae/config.json: model_type is bertune-mae, not bertune-forecaster or bertune-table-autoencoder; choose another --model',
  ],
  [
    'table embed --model @table --data @series.csv --output @x.txt',
    2,
    '--output: vectors are written to .parquet or .jsonl, not to @x.txt',
  ],
];

test.each(cases)('%s', async (line, code, message) => {
  const before = contentOf(folder);
  const found = await runInProcess([...line.replaceAll('@', `${folder}/`).split(' '), '--threads', '1']);
  const lines = found.stderr.replaceAll(`${folder}/`, '@').trimEnd().split('\n');
  expect(lines.filter((text) => text.startsWith('error: '))).toEqual([lines.at(-1)]);
  expect(lines.at(-1)).toMatch(new RegExp(`^error: ${pattern(message)}$`));
  expect(found).toMatchObject({ code, stdout: '' });
  expect(contentOf(folder)).toEqual(before);
});

/** A message with `.+` for anything as a regular expression. */
function pattern(message: string): string {
  const escaped = message.split('.+').map((part) => part.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&'));
  return escaped.join('.+');
}

/** Every file below a folder with its content. */
function contentOf(path: string): string[] {
  return readdirSync(path, { recursive: true, withFileTypes: true })
    .map((entry) => {
      const file = join(entry.parentPath, entry.name);
      return `${file} ${entry.isFile() ? readFileSync(file).toString('base64').slice(0, 4000) : ''}`;
    })
    .sort();
}
