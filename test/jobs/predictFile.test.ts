import { existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { BertuneError, InterruptedError, UsageError } from '../../src/core/errors.ts';
import { embed } from '../../src/jobs/embed.ts';
import { loadModel } from '../../src/jobs/model.ts';
import { predict } from '../../src/jobs/predict.ts';
import { type PredictFileOptions, predictFile } from '../../src/jobs/predictFile.ts';
import { runSql } from '../data/files.ts';
import { temporaryFolder } from '../temporary.ts';
import { listening } from './runs.ts';
import { messages, saveTinyClassifier, saveTinyModel } from './tiny.ts';

const folder = temporaryFolder();
const at = (name: string) => join(folder, name);
const labels = ['asks', 'wants'];
const texts = ['where is my order', 'i want to cancel my card', 'please track the parcel'] as const;

beforeAll(async () => {
  await saveTinyClassifier(at('classifier'), labels);
  await saveTinyModel(at('tiny'));
});

function written(name: string, content: string): { files: string[] } {
  writeFileSync(at(name), content);
  return { files: [at(name)] };
}

function labeled(options: Omit<PredictFileOptions, 'model'>, hooks = listening()) {
  return predictFile({ model: at('classifier'), threads: 1, ...options }, hooks);
}

/** What the model says of texts by itself. */
async function answers(asked: readonly string[]) {
  const model = await loadModel(at('classifier'), { threads: 1 });
  try {
    return await model.classify(asked);
  } finally {
    await model.dispose();
  }
}

const lines = (name: string) =>
  readFileSync(at(name), 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));

describe('the columns of the input come back in their order, with label and score behind them', () => {
  test('of CSV, as they are written', async () => {
    const input = written(
      'in.csv',
      `id,when,text,"a ""b"""\n007,2024-01-01,"${texts[0]}, yes",1.0\n008,,${texts[1]},\n9,x,,"two\nlines"\n`,
    );
    const [a, b] = await answers([`${texts[0]}, yes`, texts[1]]);
    const output = at('out.csv');
    const hooks = listening();
    const result = await labeled({ input, output }, hooks);
    // Of no text nothing is said.
    expect(hooks.notes()).toContain('input: 1 row without a text: nothing is said of it');
    expect(readFileSync(output, 'utf8')).toBe(
      [
        'id,when,text,"a ""b""",label,score',
        `007,2024-01-01,"${texts[0]}, yes",1.0,${a?.label},${a?.score}`,
        `008,,${texts[1]},,${b?.label},${b?.score}`,
        `9,x,,"two\nlines",,`,
        '',
      ].join('\n'),
    );
    expect(result).toMatchObject({ count: 3, added: ['label', 'score'], output });
    expect(Object.values(result.labels).reduce((sum, count) => sum + count)).toBe(2);
    expect(readdirSync(folder).filter((name) => name.includes('partial'))).toEqual([]);
  });

  test('of Parquet, with their types', async () => {
    const columns = [
      "1::BIGINT AS id, 'where is my order' AS text, [1, 2] AS tags, {'a': 1} AS s, DATE '2024-01-05' AS d",
      "1.50::DECIMAL(5,2) AS m, encode('café') AS b, 0.1::FLOAT AS f, map {'k': 2} AS p",
    ].join(', ');
    await runSql(`COPY (SELECT ${columns} UNION ALL SELECT 2, 'i want', NULL, NULL, NULL, NULL, NULL, 'nan'::FLOAT, NULL)
      TO '${at('in.parquet')}'`);
    const input = { files: [at('in.parquet')] };
    await labeled({ input, output: at('out.parquet') });
    const kept = 'id, text, tags, s, d, m, b, f, p';
    expect(await runSql(`SELECT ${kept} FROM '${at('out.parquet')}'`)).toEqual(
      await runSql(`SELECT ${kept} FROM '${at('in.parquet')}'`),
    );
    const types = async (name: string) =>
      (await runSql(`DESCRIBE FROM '${at(name)}'`)).map(([column, type]) => `${column} ${type}`);
    expect(await types('out.parquet')).toEqual([...(await types('in.parquet')), 'label VARCHAR', 'score DOUBLE']);

    await labeled({ input, output: at('typed.jsonl') });
    expect(lines('typed.jsonl')).toMatchObject([
      { id: 1, tags: [1, 2], s: { a: 1 }, d: '2024-01-05', m: 1.5, b: 'café', f: 0.1, p: { k: 2 } },
      { id: 2, tags: null, s: null, d: null, m: null, b: null, f: null, p: null },
    ]);
    await labeled({ input, output: at('typed.csv') });
    const [header, first] = readFileSync(at('typed.csv'), 'utf8').split('\n');
    expect(header).toBe('id,text,tags,s,d,m,b,f,p,label,score');
    expect(first).toContain('1,where is my order,"[1,2]","{""a"":1}",2024-01-05,1.50,café,0.1,"{""k"":2}",');
  });

  test('of JSON lines, whatever a value is', async () => {
    const rows = [
      { n: 1, text: texts[0], meta: { x: [1, null] }, s: 'a"b', big: 12345678901234567890n, ok: true, part: 0.5 },
      { text: texts[1], n: 'two', more: [], ok: false, part: 2 },
    ];
    const json = (row: object) => JSON.stringify(row, (_, value) => (typeof value === 'bigint' ? 0.25 : value));
    const input = written('in.jsonl', rows.map((row) => json(row).replace('0.25', '12345678901234567890')).join('\n'));
    await labeled({ input, output: at('out.jsonl') });
    expect(readFileSync(at('out.jsonl'), 'utf8')).toContain('"big":12345678901234567890,');
    expect(lines('out.jsonl')).toMatchObject([
      { n: 1, text: texts[0], meta: { x: [1, null] }, s: 'a"b', ok: true, part: 0.5, more: null },
      { n: 'two', text: texts[1], meta: null, more: [], ok: false, part: 2 },
    ]);
    await labeled({ input, output: at('json.csv') });
    expect(readFileSync(at('json.csv'), 'utf8').split('\n')[1]).toContain(
      '"{""x"":[1,null]}","a""b",12345678901234567890',
    );
    await labeled({ input, output: at('json.parquet') });
    const described = await runSql(`DESCRIBE FROM '${at('json.parquet')}'`);
    expect(described.map(([name, type]) => `${name} ${type}`)).toEqual([
      ...['n VARCHAR', 'text VARCHAR', 'meta VARCHAR', 's VARCHAR', 'big VARCHAR', 'ok BOOLEAN', 'part DOUBLE'],
      ...['more VARCHAR', 'label VARCHAR', 'score DOUBLE'],
    ]);
  });

  test('of several files, with what each has', async () => {
    written('a.csv', `id,text\n1,${texts[0]}\n`);
    written('b.csv', `text,more\n${texts[1]},yes\n`);
    written('c.txt', `${texts[2]}\n\n`);
    const hooks = listening();
    await labeled({ input: { files: ['a.csv', 'b.csv', 'c.txt'].map(at) }, output: at('several.jsonl') }, hooks);
    expect(lines('several.jsonl')).toMatchObject([
      { id: '1', text: texts[0], more: null },
      { id: null, text: texts[1], more: 'yes' },
      { id: null, text: texts[2], more: null },
    ]);
    expect(hooks.notes()).toEqual([
      'input: text: text; every column is kept',
      `input: ${at('a.csv')} has no column more: empty in its rows`,
      `input: ${at('b.csv')} has no column id: empty in its rows`,
    ]);
  });

  test('of a query and of standard input', async () => {
    written('q.csv', `text\n${texts[0]}\n`);
    await labeled({ input: { files: [`SELECT text, 7 AS n FROM '${at('q.csv')}'`] }, output: at('q.jsonl') });
    expect(lines('q.jsonl')).toMatchObject([{ text: texts[0], n: 7 }]);
    async function* stdin() {
      yield* texts;
    }
    const result = await labeled({ stdin: stdin(), output: at('s.jsonl'), scores: true });
    expect(result.added).toEqual(['label', 'score', 'score_asks', 'score_wants']);
    for (const [i, line] of lines('s.jsonl').entries()) {
      expect(Object.keys(line)).toEqual(['text', 'label', 'score', 'score_asks', 'score_wants']);
      expect(line).toMatchObject({ text: texts[i], score: Math.max(line.score_asks, line.score_wants) });
      expect(line.score_asks + line.score_wants).toBeCloseTo(1, 6);
    }
  });
});

test('names that are taken are told, and refused where none is left', async () => {
  const input = written('taken.csv', `text,Label,score\n${texts[0]},x,y\n`);
  const hooks = listening();
  const { added } = await labeled({ input, output: at('taken.jsonl') }, hooks);
  expect(added).toEqual(['predicted_label', 'predicted_score']);
  expect(Object.keys(lines('taken.jsonl')[0])).toEqual(['text', 'Label', 'score', ...added]);
  expect(hooks.notes()).toEqual([
    'input: text: text; every column is kept',
    'input has a column Label of its own: the one that is added is predicted_label, a column score of its own: the one that is added is predicted_score',
  ]);
  const again = { files: [at('taken.jsonl')], textColumn: 'text' };
  await expect(labeled({ input: again, output: at('no.csv') })).rejects.toThrow(
    new UsageError(
      'input has the columns Label and predicted_label, so there is no name for the column label; rename one of them',
    ),
  );
  expect(existsSync(at('no.csv'))).toBe(false);
});

describe('leaves nothing behind', () => {
  const input = () => written('some.txt', messages(2000).join('\n'));

  test.each([
    ['another ending', 'labels.xls', 'output: labels are written to .csv, .parquet or .jsonl, not to @labels.xls'],
    ['a folder', 'classifier.csv/x/out.csv', '@classifier.csv/x cannot be made: a file is in the way'],
  ])('%s', async (_, name, message) => {
    writeFileSync(at('classifier.csv'), '');
    const before = readdirSync(folder).length;
    const options = { input: input(), output: at(name) };
    const expected = new UsageError(message.replaceAll('@', `${folder}/`));
    // Before the model, which is not there, is looked for.
    await expect(labeled(options)).rejects.toThrow(expected);
    expect(readdirSync(folder).length - before).toBeLessThanOrEqual(1);
  });

  test('a file that is read', async () => {
    const own = written('own.csv', `text\n${texts[0]}\n`);
    await expect(labeled({ input: own, output: at('own.csv') })).rejects.toThrow(
      new UsageError(`output ${at('own.csv')} is what input reads; choose another file`),
    );
    symlinkSync(at('own.csv'), at('link.csv'));
    await expect(labeled({ input: own, output: at('link.csv') })).rejects.toThrow('is what input reads');
    expect(readFileSync(at('own.csv'), 'utf8')).toBe(`text\n${texts[0]}\n`);
  });

  test('bytes of Parquet that are not UTF-8 are told by every job', async () => {
    await runSql(`COPY (SELECT '\\xE9t\\xE9'::BLOB AS text) TO '${at('latin.parquet')}'`);
    const input = { files: [at('latin.parquet')] };
    const told = 'invalid UTF-8 byte sequences in input replaced by U+FFFD';
    const [file, stream] = [listening(), listening()];
    await labeled({ input, output: at('latin.csv') }, file);
    for await (const { text } of predict({ model: at('classifier'), input, threads: 1 }, stream)) {
      expect(text).toBe('\ufffdt\ufffd');
    }
    for (const { notes } of [file, stream]) expect(notes().join()).toContain(`2 ${told}`);
  });

  test.each(['', '/*.jsonl'])('a file of a folder that is read: folder%s', async (glob) => {
    mkdirSync(at('read'), { recursive: true });
    writeFileSync(at('read/a.jsonl'), `{"text":"${texts[0]}"}\n`);
    const options = { input: { files: [`${at('read')}${glob}`] }, output: at('read/a.jsonl'), threads: 1 };
    await expect(labeled(options)).rejects.toThrow(`output ${options.output} is what input reads`);
    await expect(embed({ ...options, model: at('tiny') })).rejects.toThrow(
      `output ${options.output} is what input reads`,
    );
    expect(readFileSync(at('read/a.jsonl'), 'utf8')).toBe(`{"text":"${texts[0]}"}\n`);
  });

  test('a model without a classifier', async () => {
    const options = { model: at('tiny'), threads: 1, input: input(), output: at('none.csv') };
    await expect(predictFile(options)).rejects.toThrow('which classification needs');
    expect(existsSync(at('none.csv'))).toBe(false);
  });

  test('a file without texts', async () => {
    const header = written('header.csv', 'id,text\n');
    const message = new BertuneError(`input: ${header.files[0]} holds no text; a header alone is nothing to read`);
    await expect(labeled({ input: header, output: at('empty.csv') })).rejects.toThrow(message);
    await expect(embed({ model: at('tiny'), input: header, output: at('empty.jsonl') })).rejects.toThrow(message);
    const reading = predict({ model: at('classifier'), input: header });
    await expect(reading.next()).rejects.toThrow(message);
    expect(existsSync(at('empty.csv')) || existsSync(at('empty.jsonl'))).toBe(false);
  });

  test('a stop', async () => {
    const controller = new AbortController();
    const onEvent = ({ type }: { type: string }) => type === 'progress' && controller.abort();
    const stopped = labeled(
      { input: input(), output: at('stopped.csv') },
      {
        ...listening(),
        ...{ onEvent, signal: controller.signal },
      },
    );
    await expect(stopped).rejects.toThrow(InterruptedError);
    expect(readdirSync(folder).filter((name) => name.startsWith('stopped'))).toEqual([]);
  });
});

test('thousands of rows keep their order, and what is done is told', async () => {
  const count = 5000;
  const input = written(
    'rows.csv',
    `n,text\n${messages(count)
      .map((text, i) => `${i},"${text}"`)
      .join('\n')}\n`,
  );
  for (const ending of ['csv', 'parquet', 'jsonl']) {
    const events: object[] = [];
    const onEvent = (event: { type: string }) => event.type === 'progress' && events.push(event);
    const output = at(`many.${ending}`);
    await labeled({ input, output }, { ...listening(), onEvent });
    const numbers = await runSql(`SELECT n FROM '${output}'`);
    expect(numbers.map(([n]) => Number(n))).toEqual(Array.from({ length: count }, (_, i) => i));
    expect(events.length).toBeGreaterThan(5);
    expect(events.at(-1)).toEqual({ type: 'progress', activity: 'labeling texts', done: count, total: count });
  }
});
