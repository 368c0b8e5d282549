import { join } from 'node:path';
import { pretrainSequence } from '../../src/jobs/pretrainSequence.ts';
import { pretrainTable } from '../../src/jobs/pretrainTable.ts';
import { curvedRows, sines, writeCsv } from '../data/numberFiles.ts';
import { temporaryFolder } from '../temporary.ts';
import { describeResuming, sixSteps } from './resumeCases.ts';

const folder = temporaryFolder();
const names = ['a', 'b', 'c', 'd', 'e'];
const series = writeCsv(join(folder, 'series.csv'), ['x', 'y'], sines(80));
const table = writeCsv(join(folder, 'table.csv'), names, curvedRows(90));
const common = { ...sixSteps, batchSize: 16 };

describeResuming(
  'sequence pretrain',
  (output, hooks, more) => {
    const sizes = { window: 8, horizon: 2, hiddenSize: 8, attentionHeads: 2 };
    return pretrainSequence({ data: series, output, ...sizes, ...common, ...more }, hooks);
  },
  [
    () => ({ data: writeCsv(join(folder, 'longer.csv'), ['x', 'y'], sines(81)) }),
    /settings changed: .*values \("\w+", now "\w+"\)/,
  ],
);

describeResuming(
  'table pretrain',
  (output, hooks, more) =>
    pretrainTable({ data: table, output, latentSize: 2, hiddenSizes: [8], ...common, ...more }, hooks),
  [
    () => ({ data: writeCsv(join(folder, 'longer-table.csv'), names, curvedRows(91)) }),
    /settings changed: .*values \("\w+", now "\w+"\)/,
  ],
);
