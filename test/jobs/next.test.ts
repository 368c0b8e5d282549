import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, expect, test } from 'vitest';
import { type NextResult, next } from '../../src/jobs/next.ts';
import { readLabels } from '../../src/jobs/readLabels.ts';
import { runInProcess } from '../cli/terminal.ts';
import { temporaryFolder } from '../temporary.ts';
import { listening } from './runs.ts';
import { labeledMessages, messages, saveTinyModel } from './tiny.ts';

const folder = temporaryFolder();
const at = (name: string) => join(folder, name);
const pool = messages(200);

beforeAll(async () => {
  await saveTinyModel(at('model'));
  writeFileSync(at('pool.csv'), `id,message\n${pool.map((text, i) => `p${i},"${text}"`).join('\n')}\n`);
  const labeled = labeledMessages(40).map(({ text, label }) => `"${text}",${label}`);
  writeFileSync(at('labeled.csv'), `text,label\n${labeled.join('\n')}\n`);
});

async function chosen(more: object = {}): Promise<NextResult> {
  const use = {
    model: at('model'),
    cache: false,
    unlabeled: { files: [at('pool.csv')] },
    output: at('next.csv'),
  } as const;
  const result = await next({ ...use, ...more });
  if (!('items' in result)) throw new Error('no texts');
  return result;
}

test('before there are labels, texts that stand for many, which can be labeled and read', async () => {
  const result = await chosen({ count: 12 });
  expect(result).toMatchObject({ labeled: 0, classes: 0, known: 0, files: [at('next.csv')] });
  expect(result.items).toHaveLength(12);
  for (const { row, id, text, reason } of result.items) {
    expect({ id, text }).toEqual({ id: `p${row - 1}`, text: pool[row - 1] });
    expect(reason).toMatch(/^stands for \d+ texts?$/);
  }
  expect((await chosen({ count: 12 })).items).toEqual(result.items);
  const [header, ...lines] = readFileSync(at('next.csv'), 'utf8').trimEnd().split('\n');
  expect(header).toBe('row,id,text,label,likely_label,score,reason');
  const filled = lines.map((line) => line.replace(/,,,/, ',question,,'));
  writeFileSync(at('filled.csv'), `${[header, ...filled].join('\n')}\n`);
  const read = await readLabels({ files: [at('filled.csv')] }, 'filled', {});
  expect(read.texts).toEqual(result.items.map(({ text }) => text));
  expect(new Set(read.labels)).toEqual(new Set(['question']));
});

test('with labels, texts that are in doubt, none of which repeats a labeled one', async () => {
  const [first] = labeledMessages(40);
  writeFileSync(at('pool2.csv'), `text\n"${first?.text} !"\n${pool.map((text) => `"${text}"`).join('\n')}\n`);
  const train = { files: [at('labeled.csv')] };
  const hooks = listening();
  const use = { model: at('model'), cache: false, output: at('next.csv') } as const;
  const result = (await next(
    { ...use, unlabeled: { files: [at('pool2.csv')] }, train, count: 5 },
    hooks,
  )) as NextResult;
  expect(result).toMatchObject({ pool: 201, labeled: 40, classes: 2 });
  expect(result.known).toBeGreaterThanOrEqual(1);
  expect(result.items.map(({ row }) => row)).not.toContain(1);
  for (const { reason, likely } of result.items) {
    expect(reason).toMatch(/^in doubt between \w+ and \w+$/);
    expect(reason).toContain(likely);
  }
});

test('labels come back from Label Studio and Argilla', async () => {
  for (const [format, answered] of [
    [
      'label-studio',
      (task: object) => ({
        ...task,
        annotations: [{ result: [{ from_name: 'new_label', value: { text: ['late'] } }] }],
      }),
    ],
    ['argilla', (record: object) => ({ ...record, responses: { new_label: [{ value: 'late' }] } })],
  ] as const) {
    const { items } = await chosen({ count: 3, output: at('tool.json'), format });
    const written: object[] = JSON.parse(readFileSync(at('tool.json'), 'utf8'));
    writeFileSync(at('exported.json'), JSON.stringify([answered(written[0] ?? {}), ...written.slice(1)]));
    const hooks = listening();
    const result = await next({ apply: at('exported.json'), output: at('labels.csv') }, hooks);
    expect(result).toEqual({ labeled: 1, classes: 1, open: 2, output: at('labels.csv') });
    expect(hooks.notes()).toEqual([`2 texts of ${at('exported.json')} without a label left out`]);
    expect((await readLabels({ files: [at('labels.csv')] }, 'labels', {})).texts).toEqual([items[0]?.text]);
  }
});

test('labels come back from JSON lines without their quotes, one text once and never with two labels', async () => {
  await chosen({ count: 3, output: at('next.jsonl') });
  const entries: { text: string; label: string | null }[] = readFileSync(at('next.jsonl'), 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));
  const [one, two, three] = entries as [(typeof entries)[0], (typeof entries)[0], (typeof entries)[0]];
  const apply = async (all: readonly object[]) => {
    writeFileSync(at('given.jsonl'), all.map((entry) => JSON.stringify(entry)).join('\n'));
    const hooks = listening();
    const result = await next({ apply: at('given.jsonl'), output: at('given.csv') }, hooks);
    return { result, notes: hooks.notes() };
  };
  const labeled = [{ ...one, label: 'late' }, { ...two, label: ' lost ' }, three];
  const { result, notes } = await apply([...labeled, { ...one, label: 'late' }]);
  expect(result).toEqual({ labeled: 2, classes: 2, open: 1, output: at('given.csv') });
  expect(notes).toEqual([
    `1 text of ${at('given.jsonl')} left out that came before`,
    `1 text of ${at('given.jsonl')} without a label left out`,
  ]);
  const { texts, labels } = await readLabels({ files: [at('given.csv')] }, 'labels', {});
  expect([texts, labels]).toEqual([
    [one.text, two.text],
    ['late', 'lost'],
  ]);
  await expect(apply([...labeled, { ...one, label: 'lost' }])).rejects.toThrow(
    'entries 1 and 4 are one text, labeled late and lost; nothing is written',
  );
});

test('says what there is no more of, and what a strategy lacks', async () => {
  writeFileSync(at('three.csv'), 'text\nwhere is it\ni want my money back\nthe card does not work\n');
  writeFileSync(at('one.csv'), 'text,label\nhello there my friend,hello\n');
  const hooks = listening();
  await next(
    {
      ...{ model: at('model'), unlabeled: { files: [at('three.csv')] }, output: at('x.csv'), count: 5, cache: false },
      ...{ train: { files: [at('one.csv')] }, strategy: 'margin', threads: 1 },
    },
    hooks,
  );
  expect(hooks.notes()).toEqual(
    expect.arrayContaining([
      '3 texts only: there are no more',
      'strategy margin needs labels of two classes: texts that stand for many are taken, as by coverage',
    ]),
  );
});

test('says what it needs', async () => {
  const needs = await runInProcess(['next', '--unlabeled', at('pool.csv'), '--output', at('x.csv')]);
  expect(needs).toMatchObject({ code: 2, stderr: 'error: next needs --model\n' });
  const place = await runInProcess([
    'next',
    '--model',
    at('model'),
    '--unlabeled',
    at('pool.csv'),
    '--output',
    at('pool.csv'),
  ]);
  expect(place.stderr).toContain('is what --unlabeled reads; choose another file');
});
