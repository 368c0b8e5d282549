import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { openRecords } from '../../src/data/records.ts';
import { tokenizeCorpus } from '../../src/data/tokenizedCorpus.ts';
import { loadTokenizer } from '../../src/text/tokenizer.ts';
import { dataFile, workPath } from './environment.ts';
import { printTable } from './table.ts';

/**
 * How fast texts are read, and read and tokenized in one thread, from each of the places given: files, `s3://…`,
 * `https://…`, `postgres://…`. Megabytes are those of the texts in UTF-8, unpacked.
 * Flags: PLACE..., --text-column NAME, --rounds N, --read-only.
 */
const { values: flags, positionals: places } = parseArgs({
  allowPositionals: true,
  options: {
    'text-column': { type: 'string' },
    rounds: { type: 'string', default: '3' },
    'read-only': { type: 'boolean', default: false },
  },
});

const tokenizer = loadTokenizer(join(dataFile('vocabs'), 'bert_uncased'));
const rows: string[][] = [];
for (const place of places) {
  const options = { files: [place], flag: place.replace(/:[^:@]*@/, ':***@'), textColumn: flags['text-column'] };
  let [bytes, tokens, cpu] = [0, 0, 0];
  const read: number[] = [];
  const tokenized: number[] = [];
  for (let round = 0; round < Number(flags.rounds); round++) {
    const before = process.cpuUsage();
    read.push(
      await seconds(async () => {
        const records = await openRecords(options);
        bytes = 0;
        for await (const batch of records.batches()) for (const { text } of batch) bytes += Buffer.byteLength(text);
        await records.close();
      }),
    );
    const { user, system } = process.cpuUsage(before);
    cpu = (user + system) / 1e6;
    if (flags['read-only']) continue;
    const folder = workPath('places', 'store');
    tokenized.push(
      await seconds(async () => {
        ({ tokens } = (
          await tokenizeCorpus({ records: options, tokenizer, mostTokens: 126, threads: 1 }, folder)
        ).counts);
      }),
    );
    rmSync(folder, { recursive: true, force: true });
  }
  const [reading, all] = [Math.min(...read), Math.min(...tokenized)];
  const rate = (time: number) => (bytes / 1e6 / time).toFixed(1);
  rows.push([
    options.flag,
    (bytes / 1e6).toFixed(1),
    rate(reading),
    rate(cpu),
    rate(all),
    Math.round(tokens / all).toLocaleString('en-US'),
  ]);
}
printTable('texts of places, the best of each', [
  ['', 'MB', 'read MB/s', 'MB a CPU second', 'tokenized MB/s', 'tokens/s'],
  ...rows,
]);

async function seconds(work: () => Promise<void>): Promise<number> {
  const start = performance.now();
  await work();
  return (performance.now() - start) / 1000;
}
