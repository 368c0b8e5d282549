import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { labelNames, readLabeledSet } from '../../src/data/labels.ts';
import { openRecords } from '../../src/data/records.ts';
import { data, needing } from '../needs.ts';

needing('data').describe('public data', () => {
  const at = (path: string) => join(data, path);

  async function countOf(path: string): Promise<{ count: number; invalidUtf8: number }> {
    const records = await openRecords({ files: [path], flag: '--corpus' });
    let count = 0;
    for await (const batch of records.batches()) count += batch.length;
    await records.close();
    return { count, invalidUtf8: records.invalidUtf8 };
  }

  test.each([
    ['banking77/train.csv', 10_003, 77],
    ['banking77/test.csv', 3_080, 77],
    ['sst2/train.tsv', 67_349, 2],
    ['sst2/dev.tsv', 872, 2],
    ['chinese/waimai_10k.csv', 11_987, 2],
    ['chinese/ChnSentiCorp_htl_all.csv', 7_766, 2],
  ])('%s has %i rows of %i classes', async (path, rows, classes) => {
    const set = await readLabeledSet({ files: [at(path)], flag: '--train' });
    expect([set.texts.length, labelNames(set.labels).length]).toEqual([rows, classes]);
  });

  test('a query takes the label from the id', async () => {
    const query = `SELECT text, CASE WHEN id LIKE 'train/pos%' THEN 'positive' ELSE 'negative' END AS label FROM '${at('imdb/train.jsonl.gz')}'`;
    const set = await readLabeledSet({ files: [query], flag: '--train' });
    expect(set.texts.length).toBe(25_000);
    expect(set.labels.filter((label) => label === 'positive').length).toBe(12_500);
  });

  test.each(['text/cs_logs.txt.gz', 'chinese/wiki_zh.txt.gz'])('%s has the lines that grep counts', async (path) => {
    const lines = execFileSync('sh', ['-c', `gzip -dc '${at(path)}' | grep -c '[^[:space:]]'`], { encoding: 'utf8' });
    expect(await countOf(at(path))).toEqual({ count: Number(lines), invalidUtf8: 0 });
  });
});
