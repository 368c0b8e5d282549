import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, test } from 'vitest';
import { setting } from '../../src/core/message.ts';
import { readTagged } from '../../src/data/tagged/readTagged.ts';
import { evaluate } from '../../src/jobs/evaluate.ts';
import { loadModel } from '../../src/jobs/model.ts';
import { predict } from '../../src/jobs/predict.ts';
import { predictFile } from '../../src/jobs/predictFile.ts';
import type { FoundEntity, JobHooks } from '../../src/jobs/types.ts';
import { temporaryFolder } from '../temporary.ts';
import { inOneProcess } from '../train/processes.ts';
import { listening } from './runs.ts';
import { saveTinyClassifier } from './tiny.ts';

const folder = temporaryFolder();
const at = (name: string) => join(folder, name);
const model = fileURLToPath(new URL('../fixtures/tagging/model', import.meta.url));
const texts = [
  'Anna Berg has not come.',
  'My order AB-12 is not in Paris!',
  '🙂🙂 The parcels of annas orderer',
  '  Anna   -  Rome , PARIS ',
  "Zoë's parcel is in Rome 🙂 not in Paris",
  'the the the anna anna berg berg',
  'order12 of bergparis,\nannaberg.',
  'x',
];
let expected: FoundEntity[][];
const input = { files: [at('new.jsonl')] };
const common = { model, input, threads: 1 };
const parts = (lists: readonly (readonly { label: string; text: string }[])[]) =>
  lists.map((list) => list.map(({ label, text }) => [label, text.replace(/\s/g, '')]));

beforeAll(async () => {
  writeFileSync(at('new.jsonl'), texts.map((text, i) => `${JSON.stringify({ id: i + 10, text })}\n`).join(''));
  await saveTinyClassifier(at('intent'), ['a', 'b']);
  const loaded = await loadModel(model, { threads: 1 });
  expected = await loaded.entities(texts);
  await loaded.dispose();
  expect(expected.flat().length).toBeGreaterThan(10);
});

/** Entities of a file, each with what it holds. */
async function readBack(path: string, more: object = {}) {
  const set = await readTagged({ files: [path], flag: setting('data'), ...more });
  const lists = set.texts.map(({ text, spans }) =>
    spans.map(({ start, end, label }) => ({ start, end, label, text: text.slice(start, end) })),
  );
  return { ...set, lists };
}

describe('words and tags in columns', () => {
  test.each([
    ['found.conll', undefined, 'IOB2'],
    ['found.tsv', 'IOB2', 'IOB2'],
    ['first.conll', 'IOB1', 'IOB1'],
    ['ends.bioes', 'BIOES', 'BIOES'],
    ['last.conll', 'BILOU', 'BILOU'],
  ] as const)('%s is read back, tags %s', async (name, tagScheme, scheme) => {
    const result = await predictFile({ ...common, output: at(name), tagScheme });
    const counts = Object.values(result.labels).reduce((sum, count) => sum + count, 0);
    expect(result).toMatchObject({ count: texts.length, added: ['tags'], files: [at(name)] });
    expect(counts).toBe(expected.flat().length);
    const back = await readBack(at(name), { scheme });
    expect(parts(back.lists)).toEqual(parts(expected));
    expect(back.texts.map(({ text }) => text.replaceAll(' ', ''))).toEqual(
      texts.map((text) => text.replace(/\s/g, '')),
    );
    const tags = readFileSync(at(name), 'utf8').match(/(?<=\t).*/g) ?? [];
    const letters = new Set(tags.map((tag) => tag[0]));
    expect(
      [...letters].every((letter) =>
        `O${{ IOB1: 'BI', IOB2: 'BI', BIOES: 'BIES', BILOU: 'BILU' }[scheme]}`.includes(letter ?? '?'),
      ),
    ).toBe(true);
    // As conlleval, whose rules need no scheme, counts them.
    if (scheme !== 'IOB1') expect(tags.filter((tag) => /^[BSU]/.test(tag))).toHaveLength(counts);
  });

  test('of types alone lose what parts neighbours, which is told', async () => {
    const hooks = listening();
    await predictFile({ ...common, output: at('types.conll'), tagScheme: 'IO' }, hooks);
    const back = await readBack(at('types.conll'), { scheme: 'IO' });
    const lost = expected.flat().length - back.lists.flat().length;
    expect(lost).toBeGreaterThan(0);
    expect(hooks.notes()).toContain(
      `${at('types.conll')}: ${lost} ${lost === 1 ? 'entity' : 'entities'} right behind one of the same label: IO makes them one (tagScheme)`,
    );
  });

  test('leave out texts without a word, and keep a word that begins as a comment does', async () => {
    writeFileSync(
      at('few.jsonl'),
      `${JSON.stringify({ text: '# anna berg' })}\n${JSON.stringify({ text: ' \u0001 ' })}\n`,
    );
    const hooks = listening();
    const few = { ...common, input: { files: [at('few.jsonl')] } };
    await predictFile({ ...few, output: at('few.conll'), tagScheme: 'IO' }, hooks);
    expect(hooks.notes()).toContain(`${at('few.conll')}: 1 text without a word: not in it`);
    const back = await readBack(at('few.conll'), { scheme: 'IO' });
    expect(back.texts.map(({ text }) => text)).toEqual(['# anna berg']);
  });

  test('are the same from two processes', async () => {
    await predictFile({ ...common, output: at('alone.conll') });
    const work = (hooks: JobHooks) => predictFile({ ...common, output: at('both.conll') }, hooks);
    const results = await Promise.all(inOneProcess(2).map((collective) => work({ collective })));
    expect(results[1]).toEqual(results[0]);
    expect(readFileSync(at('both.conll'), 'utf8')).toBe(readFileSync(at('alone.conll'), 'utf8'));
  });
});

describe('tasks of Label Studio', () => {
  const tasks = (name: string) => JSON.parse(readFileSync(at(name), 'utf8'));

  test('have predictions, which become labels once they are accepted', async () => {
    const output = at('tasks.json');
    const result = await predictFile({ ...common, output, format: 'label-studio' });
    expect(result).toMatchObject({ count: texts.length, added: ['entities'], files: [output, at('tasks.xml')] });
    const written = tasks('tasks.json');
    expect(written.map(({ data }: { data: object }) => data)).toEqual(texts.map((text, i) => ({ text, id: i + 10 })));
    for (const { data, predictions } of written) {
      const points = Array.from(data.text as string);
      for (const { value, from_name, to_name, type } of predictions[0].result) {
        expect([from_name, to_name, type]).toEqual(['label', 'text', 'labels']);
        expect(points.slice(value.start, value.end).join('')).toBe(value.text);
      }
      const scores = predictions[0].result.map(({ score }: { score: number }) => score);
      expect(predictions[0].score).toBe(scores.length === 0 ? undefined : Math.min(...scores));
    }
    const configuration = readFileSync(at('tasks.xml'), 'utf8');
    expect(configuration.match(/<Label value="[^"]*"\/>/g)).toEqual(['<Label value="PER"/>', '<Label value="CITY"/>']);
    expect(configuration).toContain('<Labels name="label" toName="text">');
    // What is not accepted teaches nothing.
    await expect(readBack(output)).rejects.toThrow('no row has labels on parts of its text');
    const accepted = written.map(({ predictions, ...task }: { predictions: object[] }) => ({
      ...task,
      annotations: predictions,
    }));
    writeFileSync(at('accepted.json'), JSON.stringify(accepted));
    const back = await readBack(at('accepted.json'));
    const plain = (lists: readonly (readonly FoundEntity[])[] | typeof back.lists) =>
      lists.map((list) => list.map(({ start, end, label, text }) => ({ start, end, label, text })));
    expect(back.texts.map(({ text }) => text)).toEqual(texts);
    expect(plain(back.lists)).toEqual(plain(expected));
  });

  test('count places as they are asked to', async () => {
    await predictFile({ ...common, output: at('units.json'), format: 'label-studio', offsets: 'utf-16' });
    for (const { data, predictions } of tasks('units.json')) {
      for (const { value } of predictions[0].result) {
        expect(data.text.slice(value.start, value.end)).toBe(value.text);
      }
    }
  });
});

test('what a file has no use for is refused, and nothing is written', async () => {
  const refused: readonly [object, string][] = [
    [{ output: at('no.csv'), tagScheme: 'BIOES' }, 'tagScheme is for words and tags in columns: give output a file'],
    [{ output: at('no.json') }, '.json is written with format label-studio'],
    [{ output: at('no.csv'), format: 'label-studio' }, 'format label-studio is written to .json, not to'],
    [{ output: at('no.json'), format: 'label-studio', tagScheme: 'IOB2' }, 'tagScheme is for words and tags'],
    [{ output: at('no.conll'), offsets: 'utf-16' }, 'offsets: words in columns have no places'],
    [{ output: at('no.conll'), aggregation: 'none' }, 'aggregation none gives tags of tokens'],
    [{ output: at('no.conll'), scores: true }, 'scores goes with .csv, .parquet or .jsonl'],
    [{ output: at('no.conll'), coverage: 0.9 }, 'coverage is for models that answer with one label'],
    [{ output: at('no.conll'), model: at('intent') }, 'holds labels on parts of texts, and'],
    [{ output: at('no.jsonl'), model: at('intent'), offsets: 'utf-16' }, 'offsets is for labels on tokens, and'],
  ];
  for (const [more, message] of refused) {
    await expect(predictFile({ ...common, output: '', ...more }), JSON.stringify(more)).rejects.toThrow(message);
  }
  const lines = async () => {
    for await (const _ of predict({ ...common, model: at('intent'), aggregation: 'max' }));
  };
  await expect(lines()).rejects.toThrow('aggregation is for labels on tokens, and');
  for (const name of ['no.csv', 'no.json', 'no.xml', 'no.conll', 'no.jsonl']) expect(existsSync(at(name))).toBe(false);
});

test('two processes measure as one does', async () => {
  const rows = texts.map((text, i) => ({
    text,
    entities: (expected[i] ?? [])
      .filter((_, n) => (i + n) % 3 > 0)
      .map(({ start, end, label }, n) => ({ start, end, label: n % 2 ? label : 'PER' })),
  }));
  // Beyond the texts that one process takes at once.
  const many = Array.from({ length: 300 }, () => rows).flat();
  writeFileSync(at('true.jsonl'), many.map((row) => `${JSON.stringify(row)}\n`).join(''));
  const options = { model, data: { files: [at('true.jsonl')] }, offsets: 'utf-16', threads: 1 } as const;
  const alone = await evaluate(options);
  const both = await Promise.all(inOneProcess(2).map((collective) => evaluate(options, { collective })));
  if (!('entities' in alone)) throw new Error('no entities measured');
  expect(alone.texts).toBe(many.length);
  expect(alone.entities.micro.f1).toBeGreaterThan(0.2);
  expect(alone.entities.micro.f1).toBeLessThan(1);
  for (const one of both) expect(one).toEqual(alone);
});
