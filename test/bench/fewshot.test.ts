import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { readLabeledSet } from '../../src/data/labels.ts';
import { openRecords } from '../../src/data/records.ts';
import { temporaryFolder } from '../temporary.ts';
import { appendRow, groupCells, groupsOf, groupTitle, keyOf, markdown, type Row, readRows } from './fewshotRows.ts';
import { draw, type Labeled, shotsTitle, split, wantedSets, writeDraw } from './fewshotSets.ts';

/** 30 texts of class a, 20 of b and 10 of c. */
const pool = labeled([
  ['a', 30],
  ['b', 20],
  ['c', 10],
]);
const sources = {
  pool,
  test: labeled(
    [
      ['a', 3],
      ['b', 2],
      ['d', 4],
    ],
    'test',
  ),
};

describe('labels that are drawn', () => {
  test('are those of the seed', () => {
    for (const shots of ['5', '12-texts']) {
      expect(draw(sources, shots, 1)).toEqual(draw(sources, shots, 1));
      expect(draw(sources, shots, 1).train).not.toEqual(draw(sources, shots, 2).train);
    }
  });

  test('are so many a class, so many in all, or all', () => {
    expect(counts(draw(sources, '5', 1).train)).toEqual({ a: 5, b: 5, c: 5 });
    expect(counts(draw(sources, '12-texts', 1).train)).toEqual({ a: 6, b: 4, c: 2 });
    expect(draw(sources, 'full', 1).train).toEqual(pool);
  });

  test('are texts of the pool, with their labels, none twice', () => {
    const { texts, labels } = draw(sources, '12-texts', 3).train;
    expect(new Set(texts).size).toBe(12);
    for (const [i, text] of texts.entries()) expect(labels[i]).toBe(pool.labels[pool.texts.indexOf(text)]);
  });

  test('are those that the set comes with, whatever the seed', () => {
    const own = labeled(
      [
        ['a', 1],
        ['b', 1],
      ],
      'own',
    );
    for (const seed of [1, 2]) expect(draw({ ...sources, drawn: { '1': own } }, '1', seed).train).toEqual(own);
  });

  test('leave test texts of other classes apart, and count them', () => {
    const { test: measured, unseen } = draw(sources, '5', 1);
    expect([counts(measured), unseen]).toEqual([{ a: 3, b: 2 }, 4]);
  });

  test('have texts without labels beside them: those of the pool, where the set has no others', () => {
    expect(draw(sources, '5', 1).unlabeled).toEqual(pool.texts);
    expect(draw({ ...sources, unlabeled: ['another'] }, '5', 1).unlabeled).toEqual(['another']);
  });
});

test('a set without a split of its own holds out a sample, and no text is on both sides', () => {
  const repeated = {
    texts: [...pool.texts, ...pool.texts.map((text) => text.toUpperCase())],
    labels: twice(pool.labels),
  };
  const { pool: rest, test: held } = split(repeated, 12);
  expect(counts(held)).toEqual({ a: 6, b: 4, c: 2 });
  const seen = new Set(held.texts.map((text) => text.toLowerCase()));
  expect(rest.texts.filter((text) => seen.has(text.toLowerCase()))).toEqual([]);
  expect(rest.texts.length).toBeGreaterThanOrEqual(120 - 2 * 12);
});

test('files of a draw are read as they were written', async () => {
  const texts = ['a "quoted", one', 'two\nlines', ' 很快，好吃 ', "it's, fine"];
  const train = { texts, labels: ['0', '1', 'x,y', 'a#b'] };
  const { train: file, unlabeled } = writeDraw(join(temporaryFolder(), 'draw'), {
    train,
    test: train,
    unseen: 0,
    unlabeled: texts,
  });
  const read = await readLabeledSet({ files: [file], flag: 'train' });
  expect([read.texts, read.labels]).toEqual([train.texts, train.labels]);
  const records = await openRecords({ files: [unlabeled], flag: 'unlabeled' });
  const found: string[] = [];
  for await (const batch of records.batches()) found.push(...batch.map(({ text }) => text));
  await records.close();
  expect(found).toEqual(texts);
});

describe('--sets', () => {
  test('names sets, and what of them', () => {
    expect(wantedSets('banking77:10,atis,sst2:16-texts,snips:full')).toEqual([
      { set: 'banking77', shots: '10' },
      { set: 'atis', shots: '100-texts' },
      { set: 'atis', shots: '300-texts' },
      { set: 'sst2', shots: '16-texts' },
      { set: 'snips', shots: 'full' },
    ]);
    expect(['1', '10', '64-texts', 'full'].map(shotsTitle)).toEqual([
      '1 label a class',
      '10 labels a class',
      '64 labels in all',
      'all labels',
    ]);
  });

  test('refuses others by name', () => {
    expect(() => wantedSets('bank:5')).toThrow('--sets: there is no set bank; there are banking77, snips');
    for (const item of ['snips:0', 'snips:-5', 'snips:ten', 'snips:']) {
      expect(() => wantedSets(item)).toThrow(`--sets: ${item} should end in :N`);
    }
  });
});

describe('rows', () => {
  const rows = [
    row({ side: 'ladder', seed: 1, correct: 90, seconds: 30, chosen: 'hybrid' }),
    row({ side: 'ladder', seed: 2, correct: 84, seconds: 50, chosen: 'contrastive' }),
    row({ side: 'ladder', seed: 3, correct: 87, seconds: 40, chosen: 'hybrid' }),
    row({ side: 'setfit', seed: 1, correct: 86, seconds: 400, peakBytes: 2e9 }),
    row({ side: 'setfit', seed: 2, correct: 82, seconds: 200 }),
    row({ side: 'setfit', seed: 3, correct: 81, seconds: 300 }),
    row({ side: 'svm', seed: 2, correct: 70, seconds: 2, model: null }),
  ];

  test('give the mean with its lowest and highest, the median time and the largest memory', () => {
    const [group] = groupsOf(rows);
    const [own, svm, setfit] = group?.sides ?? [];
    expect(own).toMatchObject({
      side: 'ladder',
      seeds: [1, 2, 3],
      seconds: 40,
      chosen: ['hybrid', 'contrastive', 'hybrid'],
    });
    expect([own?.accuracy.mean, own?.accuracy.lowest, own?.accuracy.highest]).toEqual([0.87, 0.84, 0.9]);
    expect([own?.behind, own?.timeRatio]).toEqual([undefined, undefined]);
    expect(svm).toMatchObject({ side: 'svm', seeds: [2], accuracy: { mean: 0.7 }, timeRatio: 20 });
    expect(svm?.behind).toBeUndefined();
    expect(setfit).toMatchObject({ side: 'setfit', seconds: 300, peakBytes: 2e9 });
    expect(setfit?.timeRatio).toBeCloseTo(40 / 300, 12);
  });

  test('give the difference seed by seed, with its interval', () => {
    const { behind } = groupsOf(rows)[0]?.sides[2] ?? {};
    // 4, 2 and 6 points: mean 4, deviation 2; the quantile of Student's t for two degrees of freedom is 4.303.
    expect(behind?.mean).toBeCloseTo(0.04, 12);
    expect(behind?.low).toBeCloseTo(0.04 - (4.303 * 0.02) / Math.sqrt(3), 12);
    expect(behind?.high).toBeCloseTo(0.04 + (4.303 * 0.02) / Math.sqrt(3), 12);
  });

  test('are a table of every model, in which those that read none stand too', () => {
    const both = [...rows, row({ side: 'frozen', seed: 1, correct: 80, model: '/models/other' })];
    const groups = groupsOf(both);
    expect(groups.map(({ model, sides }) => [model, sides.map(({ side }) => side)])).toEqual([
      ['/models/mini', ['ladder', 'svm', 'setfit']],
      ['/models/other', ['frozen', 'svm']],
    ]);
    expect(groupsOf([row({ side: 'svm', model: null })]).map(({ model }) => model)).toEqual([null]);
    expect(groups.map(groupTitle)[0]).toBe('SNIPS, 5 labels a class (35 texts), measured on 100, mini');
  });

  test('are printed', () => {
    const [group] = groupsOf(rows);
    const cells = group ? groupCells(group) : [];
    expect(cells.slice(1)).toEqual([
      [
        'finetune, its own choice: hybrid, contrastive, hybrid',
        '87.0 %',
        '84.0–90.0',
        '40 s',
        '1.00 GB',
        '-',
        '-',
        '1 2 3',
      ],
      ['TF-IDF, LinearSVC', '70.0 %', '70.0–70.0', '2.0 s', '1.00 GB', '-', '20.00', '2'],
      ['SetFit', '83.0 %', '81.0–86.0', '5.0 min', '2.00 GB', '+4.0 (-1.0 to +9.0)', '0.13', '1 2 3'],
    ]);
    expect(markdown(groupsOf(rows)).split('\n')).toEqual([
      '| mini | SNIPS, 5 labels a class |',
      '| --- | ---: |',
      '| finetune, its own choice | 87.0 (84.0–90.0), 40 s |',
      '| TF-IDF, LinearSVC | 70.0, 2.0 s |',
      '| SetFit | 83.0 (81.0–86.0), 5.0 min |',
    ]);
  });

  test('are found again in their file, and half a row is told', () => {
    const path = join(temporaryFolder(), 'rows.jsonl');
    expect(readRows(path)).toEqual([]);
    for (const one of rows) appendRow(path, one);
    expect(readRows(path)).toEqual(rows);
    expect(new Set(readRows(path).map(keyOf)).size).toBe(rows.length);
    writeFileSync(path, readFileSync(path, 'utf8').slice(0, -20));
    expect(() => readRows(path)).toThrow(`${path}: line 7 is no row of this benchmark, or half a one`);
  });
});

function row(given: Partial<Row>): Row {
  return {
    ...{
      set: 'snips',
      shots: '5',
      seed: 1,
      model: '/models/mini',
      side: 'frozen',
      trained: 35,
      tested: 100,
      correct: 50,
    },
    ...{
      seconds: 10,
      peakBytes: 1e9,
      measured: '2026-01-01T00:00:00.000Z',
      processor: 'a processor',
      cores: 2,
      load: 1,
    },
    ...given,
  };
}

function labeled(classes: readonly (readonly [string, number])[], name = 'text'): Labeled {
  const labels = classes.flatMap(([label, count]) => new Array<string>(count).fill(label));
  return { texts: labels.map((label, i) => `${name} ${letters(i)} of ${label}`), labels };
}

/** A word of its own for a number: numbers alone do not tell texts apart. */
function letters(i: number): string {
  return [...i.toString(26)].map((digit) => String.fromCharCode(97 + Number.parseInt(digit, 26))).join('');
}

function twice<T>(list: readonly T[]): T[] {
  return [...list, ...list];
}

function counts({ labels }: Labeled): Record<string, number> {
  const found: Record<string, number> = {};
  for (const label of labels) found[label] = (found[label] ?? 0) + 1;
  return found;
}
