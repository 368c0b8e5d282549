import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { reviewLabels } from '../../src/data/labelReview.ts';
import { check } from '../../src/jobs/check.ts';
import { finetune } from '../../src/jobs/finetune.ts';
import { runInProcess } from '../cli/terminal.ts';
import { temporaryFolder } from '../temporary.ts';
import { listening } from './runs.ts';
import { saveTinyModel } from './tiny.ts';

const folder = temporaryFolder();
const at = (name: string) => join(folder, name);
const write = (name: string, lines: readonly string[]) => {
  writeFileSync(at(name), `${lines.join('\n')}\n`);
  return at(name);
};

beforeAll(async () => {
  await saveTinyModel(at('model'));
});

describe('a set', () => {
  test('is told by what it is read as and what is in it', async () => {
    const path = write('set.csv', [
      'text,label,created_at',
      'track my order,a,2024-01-01',
      'Track  my order,a,2024-01-02',
      ',b,2024-01-03',
      'cancel it,b,2024-01-04',
      'где мой заказ,a,2024-01-05',
      'close my account,,2024-01-06',
    ]);
    const { data, ok } = await check({ data: { files: [path] } });
    expect(data).toMatchObject({
      files: [{ name: path, encoding: 'UTF-8' }],
      columns: { text: 'text', label: 'label' },
      leftOut: [{ name: 'created_at', holds: 'times' }],
      unlabeled: 1,
      labels: {
        classes: [
          { label: 'a', texts: 3 },
          { label: 'b', texts: 2 },
        ],
        alike: [],
      },
      texts: { rows: 6, empty: 1, repeated: 1, conflicts: 0, damaged: 0, garbled: 0, shared: 0 },
    });
    expect(data.texts.characters).toEqual({ median: 14, most: 16 });
    expect(data.texts.scripts).toEqual([
      { script: 'Latin', share: 0.8 },
      { script: 'Cyrillic', share: 0.2 },
    ]);
    expect(ok).toBe(false);
  });

  test('of lines of text has no labels to look at', async () => {
    const path = write('lines.txt', ['track my order', 'cancel it']);
    const { ok, findings, data } = await check({ data: { files: [path] } });
    expect({ ok, findings, labels: data.labels }).toEqual({ ok: true, findings: [], labels: undefined });
  });

  test('is counted in tokens as the model reads it', async () => {
    // "order" is a piece; "q7" is two, and ж is none that the vocabulary has.
    const path = write('tokens.txt', ['order', 'order q7', 'ж order', 'order order order order']);
    const { data, findings } = await check({ data: { files: [path] }, model: at('model'), maxLength: 5 });
    // [CLS] and [SEP] among them.
    expect(data.tokens).toEqual({
      texts: 4,
      median: 4,
      high: 6,
      most: 6,
      maxLength: 5,
      cut: 0.25,
      unknown: 0.1,
      pieces: 10 / 9,
    });
    expect(findings.map(({ level, text }) => `${level} ${text}`)).toEqual([
      'wrong data: 10.0 % of the tokens are not in the vocabulary of model',
      'note data: 25.0 % of the texts are longer than 5 tokens (maxLength)',
      'note data: 3 texts are nearly the same as another ("order" and "order order order order")',
    ]);
  });
});

describe('what is wrong', () => {
  const header = 'text,label';
  const some = ['track my order,a', 'cancel it,b', 'close it,a', 'open it,b'];
  const wrong: [name: string, lines: string[], finding: string][] = [
    [
      'a text under two labels',
      [header, ...some, 'Track my  order,b'],
      'data: 1 text under more than one label ("Track my  order": "a" and "b"); one of them is wrong',
    ],
    [
      'labels that differ in case, spaces or Unicode form',
      [header, ...some, 'pay it,A', 'pay now,a ', 'update it,caf\u00e9', 'update now,cafe\u0301'],
      'data: "A", "a", "a " differ in case, spaces or Unicode form alone and are different classes; if they are one, spell them alike',
    ],
    [
      'labels with a space that takes no room',
      [header, ...some, 'pay it,a\u200b'],
      'data: "a", "a\u200b" differ in case, spaces or Unicode form alone and are different classes; if they are one, spell them alike',
    ],
    [
      'one number in two ways, as data frames write it',
      [header, 'pay it,1', 'pay now,1.0', 'open it,2', 'close it,10'],
      'data: "1", "1.0" differ in zeros behind a point alone and are different classes; if they are one, spell them alike',
    ],
    ['a row without a label', [header, ...some, 'pay it,'], 'data: 1 row without a label in column label'],
    ['rows without a text', [header, ...some, ',a'], 'data: 1 of 5 rows without a text'],
    [
      'texts that data frames, databases and spreadsheets write for none',
      [header, ...some, 'nan,a', '\\N,b', '#REF!,a'],
      'data: 3 texts stand for none, such as "nan"',
    ],
    [
      'UTF-8 that was read as another encoding',
      [header, ...some, 'the cafÃ© was fine,a'],
      'data: 1 text written as UTF-8 and read as another encoding before (such as cafÃ©)',
    ],
    [
      'a lost character',
      [header, ...some, 'caf\ufffd,a'],
      'data: 1 text with U+FFFD, in place of a character that was lost',
    ],
    ['a header that comes again', [header, ...some, header], 'data: 1 row repeats the header; leave it out'],
    ['no text at all', [header], 'data: no row with a text'],
    ['one class', [header, 'track it,a', 'cancel it,a'], 'data: one label only, "a"'],
  ];
  test.each(wrong)('%s', async (_, lines, finding) => {
    const { ok, findings } = await check({ data: { files: [write('wrong.csv', lines)] } });
    expect(findings.filter(({ level }) => level === 'wrong').map(({ text }) => text)).toContain(finding);
    expect(ok).toBe(false);
  });

  test('but a label that may stand for none is good to know', async () => {
    const { ok, findings } = await check({
      data: { files: [write('na.csv', [header, ...some, 'pay 1,NA', 'pay 2,NA'])] },
    });
    expect(findings.map(({ text }) => text)).toEqual(['data: "NA" may stand for no label, and is taken for a class']);
    expect(ok).toBe(true);
  });

  test('and answers such as "none" are texts', async () => {
    const { findings } = await check({ data: { files: [write('none.csv', [header, ...some, 'none,a', 'n/a,b'])] } });
    expect(findings).toEqual([]);
  });

  test('bytes that are of another encoding', async () => {
    writeFileSync(at('latin.csv'), Buffer.from('text,label\ncaf\xe9,a\nbar,b\n', 'latin1'));
    const { findings } = await check({ data: { files: [at('latin.csv')] } });
    expect(findings[0]?.text).toBe('data: 1 byte sequence that cannot be decoded; is it another encoding?');
  });

  test('held-out texts that are in the data, but for case and spaces, and labels that are not', async () => {
    const data = { files: [write('train.csv', [header, ...some])] };
    const held = { files: [write('held.csv', [header, 'TRACK my order,a', 'pay 1,c', 'pay 2,a'])] };
    const { findings, eval: result } = await check({ data, eval: held });
    expect(result?.texts.shared).toBe(1);
    expect(findings.map(({ level, text }) => `${level} ${text}`)).toEqual([
      'wrong eval has 1 text of data: a score on them flatters; leave them out',
      'wrong eval has labels that data has not: "c"',
    ]);
  });

  const looks: [name: string, labels: string[], looksLike: string | undefined][] = [
    ['scores', Array.from({ length: 40 }, (_, i) => (i / 7).toFixed(1)), 'measurements'],
    ['a few numbers', ['0.1', '0.2', '0.1', '0.2'], undefined],
    ['stars', ['1', '2', '3', '4', '5', '5'], undefined],
    ['class numbers', Array.from({ length: 400 }, (_, i) => String(i % 40)), undefined],
    ['ages', Array.from({ length: 400 }, (_, i) => String(i % 90)), 'measurements'],
    ['days', ['2024-01-01', '2024-01-02', '2024-01-01'], 'times'],
    ['keys', ['507f1f77bcf86cd799439011', '507f1f77bcf86cd799439012'], 'ids'],
    ['names of one text each', Array.from({ length: 20 }, (_, i) => `name ${i}`), 'values that hardly come twice'],
    ['texts', Array.from({ length: 20 }, (_, i) => `the answer we gave to ${i}`), 'texts'],
    ['intents', ['refund', 'order', 'refund'], undefined],
  ];
  test.each(looks)('labels that are %s', (_, labels, looksLike) => {
    const sizes = new Map<string, number>();
    for (const label of labels) sizes.set(label, (sizes.get(label) ?? 0) + 1);
    expect(reviewLabels('label', sizes).looksLike).toBe(looksLike);
  });
});

test('the command tells it at a glance and by its exit status', async () => {
  const good = write('good.csv', ['text,label', 'track it,a', 'cancel it,b', 'close it,a', 'open it,b']);
  expect(await runInProcess(['check', '--data', good])).toEqual({
    code: 0,
    stderr: '',
    stdout: `${[
      `--data      ${good}`,
      'encoding    UTF-8',
      'columns     text: text, label: label',
      'rows        4',
      'characters  half the texts up to 8, the longest 9',
      'scripts     Latin 100.0 %',
      'classes     2',
      '',
      'class  texts',
      'a          2  ████████████████████████',
      'b          2  ████████████████████████',
      '',
      'nothing is wrong',
    ].join('\n')}\n`,
  });
  const bad = write('bad.csv', ['text,label', 'track it,a', 'cancel it,b', 'close it,A']);
  const { code, stderr, stdout } = await runInProcess(['check', '--data', bad, '--json']);
  expect(code).toBe(1);
  expect(stderr).toBe('error: 1 thing is wrong with the data, as told above\n');
  expect(JSON.parse(stdout)).toMatchObject({ ok: false, data: { labels: { alike: [['A', 'a']] } } });
  expect(JSON.parse(stdout).findings[0].text).toMatch(/^--data: "A", "a" differ in case/);
});

test('training begins with what is wrong, and leaves out rows without a text', async () => {
  const rows = Array.from({ length: 20 }, (_, i) => `text of ${'abcdefghij'[i % 10]} ${i},${i % 2 ? 'a' : 'b'}`);
  const train = {
    files: [write('start.csv', ['text,label,score', ...rows.map((row) => `${row},1.5`), ',a,2', 'Text of a 0,a,2'])],
  };
  const hooks = listening();
  await finetune({ model: at('model'), train, output: at('out'), method: 'words' }, hooks);
  expect(hooks.notes().slice(0, 3)).toEqual([
    `train ${at('start.csv')}: text: text, label: label; left out: score (numbers)`,
    'train: 1 row without a text in column text left out',
    'train: 1 text under more than one label ("Text of a 0": "b" and "a"); one of them is wrong',
  ]);
});

describe('texts that are nearly the same', () => {
  test('are told within a set, across labels and between sets, apart from those that repeat outright', async () => {
    const path = write('near.csv', [
      'text,label',
      'where is my new card now,a',
      'Where is my  new card now,a',
      'where is my new card now?,b',
      'please cancel my account today,b',
      'something else entirely,a',
    ]);
    const held = write('held.csv', ['text,label', 'please cancel my account today!,b', 'something else entirely,a']);
    const { findings } = await check({ data: { files: [path] }, eval: { files: [held] } });
    const near = findings.filter(({ text }) => text.includes('nearly'));
    expect(near.map(({ level, text }) => `${level} ${text}`)).toEqual([
      'note data: 2 texts are nearly the same as another ("where is my new card now" and "where is my new card now?")',
      'note data: 1 pair of texts is nearly the same under different labels ("where is my new card now": "a", "where is my new card now?": "b"); audit tells which look wrong',
      'note eval: 1 text is nearly the same as one of data: a score on them flatters',
    ]);
  });
});
