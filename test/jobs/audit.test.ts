import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { randomBelow } from '../../src/core/random.ts';
import { type AuditResult, audit, type MendResult } from '../../src/jobs/audit.ts';
import { runInProcess } from '../cli/terminal.ts';
import { temporaryFolder } from '../temporary.ts';
import { listening } from './runs.ts';
import { saveTinyModel } from './tiny.ts';

const folder = temporaryFolder();
const at = (name: string) => join(folder, name);
const kinds = ['cancel', 'track', 'refund'];
const things = ['order', 'parcel', 'card', 'invoice', 'account', 'delivery', 'item', 'address'];

/** A text that its first word gives a class to, and what it is labeled as: every tenth one wrongly. */
const rows = Array.from({ length: 150 }, (_, i) => {
  const kind = i % 3;
  const thing = things[randomBelow(things.length, 1, 'corpus', i)] ?? '';
  const isWrong = i % 10 === 4;
  const label = kinds[isWrong ? (kind + 1) % 3 : kind] ?? '';
  const text = `please ${kinds[kind]} the ${thing} of number ${1000 + 37 * i}`;
  return { id: `m${i}`, text, label, right: kinds[kind] ?? '', isWrong, score: i };
});
const header = 'id,message,label,priority';
const csv = (own: readonly (typeof rows)[number][], of: 'label' | 'right' = 'label') =>
  `${[header, ...own.map((row) => `${row.id},${row.text},${row[of]},${row.score}`)].join('\n')}\n`;
const data = { files: [at('data.csv')] };

async function looked(more: object = {}): Promise<AuditResult> {
  const result = await audit({ data, ...more });
  if (!('items' in result)) throw new Error('no audit');
  return result;
}

beforeAll(async () => {
  writeFileSync(at('data.csv'), csv(rows));
  await saveTinyModel(at('model'));
});

describe('labels that are wrong', () => {
  test('are found by words, with the right ones beside them', async () => {
    const result = await looked();
    expect(result).toMatchObject({ texts: 150, classes: 3, method: 'words', unjudged: 0, files: [] });
    const wrong = rows.flatMap(({ isWrong }, i) => (isWrong ? [i + 1] : []));
    expect(result.items.map(({ row }) => row).sort((a, b) => a - b)).toEqual(wrong);
    for (const { row, id, label, likely, score, reason } of result.items) {
      const own = rows[row - 1];
      expect({ id, label, likely }).toEqual({ id: own?.id, label: own?.label, likely: own?.right });
      expect(reason).toContain(`reads like ${own?.right}`);
      expect(score).toBeGreaterThan(0.5);
    }
    const scores = result.items.map(({ score }) => score);
    expect(scores).toEqual([...scores].sort((a, b) => b - a));
    expect(result.wrong.mean).toBeCloseTo(15, -1);
    expect(result.wrong.low).toBeLessThan(15);
    expect(result.wrong.high).toBeGreaterThan(15);
    expect(result.accuracy).toBeCloseTo(0.9, 1);
  });

  test('are the same with vectors of a model, a second time too', async () => {
    const use = { model: at('model'), cache: at('cache') };
    const [first, second] = [await looked(use), await looked(use)];
    expect(first.method).toBe('frozen');
    expect(second).toEqual(first);
    // A model of random weights tells them apart in part.
    const right = first.items.filter(({ row }) => rows[row - 1]?.isWrong).length;
    expect(right / first.items.length).toBeGreaterThan(0.5);
  });

  test('where labels slipped by a row, the rows are named', async () => {
    const path = at('slipped.csv');
    const slipped = rows.map((row, i) => ({ ...row, label: (i >= 60 && i < 90 ? rows[i + 1] : row)?.right ?? '' }));
    writeFileSync(path, csv(slipped));
    const { runs, items } = await looked({ data: { files: [path] } });
    const [from, to] = runs[0] ?? [0, 0];
    expect([runs.length, Math.abs(from - 61) <= 1, Math.abs(to - 90) <= 1]).toEqual([1, true, true]);
    expect(items.map(({ row }) => row).filter((row) => row < 60 || row > 91)).toEqual([]);
    const { stdout } = await runInProcess(['audit', '--data', path]);
    expect(stdout).toContain(`wrong labels lie together, as after a column that slipped: rows ${from} to ${to}\n`);
    expect((await looked()).runs).toEqual([]);
  });

  test('texts that are nearly the same and differ in their labels are told with their rows', async () => {
    const path = at('near.csv');
    const twin = { ...(rows[0] as (typeof rows)[number]), label: 'track', text: `${rows[0]?.text} !` };
    writeFileSync(path, csv([...rows, twin]));
    const result = await looked({ data: { files: [path] } });
    expect(result.nearDuplicates).toBeGreaterThanOrEqual(2);
    const item = result.items.find(({ row }) => row === 151);
    expect(item).toMatchObject({ label: 'track', likely: 'cancel' });
    expect(item?.reason).toContain('nearly the same as row 1, which is cancel');
  });

  test('a class of one text is not judged, which is said', async () => {
    const path = at('single.csv');
    writeFileSync(path, `${csv(rows)}m,close everything,close,0\n`);
    expect(await looked({ data: { files: [path] } })).toMatchObject({ classes: 4, unjudged: 1 });
  });
});

describe('the way there and back', () => {
  const mend = async (apply: string, output = 'mended.csv') =>
    (await audit({ data, apply: at(apply), output: at(output) })) as MendResult;

  test('a table that is filled in makes the mended data, all columns kept', async () => {
    await looked({ output: at('look.csv') });
    const lines = readFileSync(at('look.csv'), 'utf8').trimEnd().split('\n');
    expect(lines[0]).toBe('row,id,text,label,new_label,likely_label,score,reason,drop');
    const filled = lines.slice(1).map((line) => {
      const cells = line.split(',');
      // The first one is dropped, the others get what is proposed.
      return cells.map((cell, i) => (i === 4 ? (cells[5] ?? '') : cell)).join(',');
    });
    const [dropped = '', ...others] = filled;
    writeFileSync(at('filled.csv'), `${[lines[0], `${dropped}x`, ...others].join('\n')}\n`);
    const hooks = listening();
    const result = await audit({ data, apply: at('filled.csv'), output: at('mended.csv') }, hooks);
    expect(result).toEqual({ rows: 149, relabeled: 14, dropped: 1, output: at('mended.csv') });
    const gone = Number(dropped.split(',')[0]);
    expect(readFileSync(at('mended.csv'), 'utf8')).toBe(
      csv(
        rows.filter((_, i) => i + 1 !== gone),
        'right',
      ),
    );
    expect(readFileSync(at('data.csv'), 'utf8')).toBe(csv(rows));
  });

  test('JSON lines come back as another program writes them: null, true and false', async () => {
    const { items } = await looked({ output: at('look.jsonl') });
    const entries: Record<string, unknown>[] = readFileSync(at('look.jsonl'), 'utf8')
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line));
    const filled = entries.map((entry, i) => ({
      ...entry,
      new_label: i < 2 ? entry.likely_label : null,
      drop: i === 1 ? true : i === 2 ? false : null,
    }));
    writeFileSync(at('filled.jsonl'), filled.map((entry) => JSON.stringify(entry)).join('\n'));
    const hooks = listening();
    const result = await audit({ data, apply: at('filled.jsonl'), output: at('mended.csv') }, hooks);
    expect(result).toMatchObject({ rows: 149, relabeled: 1, dropped: 1 });
    const [first, second] = items.map(({ row }) => row) as [number, number];
    const wanted = rows
      .filter((_, i) => i + 1 !== second)
      .map((row) => (row === rows[first - 1] ? { ...row, label: row.right } : row));
    expect(readFileSync(at('mended.csv'), 'utf8')).toBe(csv(wanted));
    expect(hooks.notes()).toEqual(
      expect.arrayContaining([
        `1 text of ${at('filled.jsonl')} with a new label dropped, as they say as well`,
        `13 texts of ${at('filled.jsonl')} without a decision: left as they are`,
      ]),
    );
  });

  test('cells that are blank say nothing, and spaces around a label are none of it', async () => {
    const { text, label } = rows[2] as (typeof rows)[number];
    writeFileSync(
      at('spaces.csv'),
      `row,text,label,new_label,drop\n3,${text},${label}, track ,\n4,${rows[3]?.text},${rows[3]?.label}, , \n5,${rows[4]?.text},${rows[4]?.label},,n\n`,
    );
    expect(await mend('spaces.csv')).toMatchObject({ rows: 150, relabeled: 1, dropped: 0 });
    expect(readFileSync(at('mended.csv'), 'utf8').split('\n')[3]).toBe(`m2,${text},track,2`);
  });

  test('tasks of Label Studio, as it exports them', async () => {
    const { files } = await looked({ output: at('tasks.json'), format: 'label-studio' });
    expect(files).toEqual([at('tasks.json'), at('tasks.xml')]);
    expect(readFileSync(at('tasks.xml'), 'utf8')).toContain('<Choice value="refund"/>');
    const tasks: { data: { row: number; likely_label: string }; predictions: { result: object[] }[] }[] = JSON.parse(
      readFileSync(at('tasks.json'), 'utf8'),
    );
    const full = tasks.map((task, id) => ({
      id,
      ...task,
      annotations: [{ was_cancelled: false, ...task.predictions[0] }],
    }));
    writeFileSync(at('exported.json'), JSON.stringify(full));
    expect(await mend('exported.json')).toMatchObject({ rows: 150, relabeled: 15, dropped: 0 });
    expect(readFileSync(at('mended.csv'), 'utf8')).toBe(csv(rows, 'right'));
    const flat = tasks.map(({ data: own }) => ({ ...own, new_label: own.likely_label, annotator: 1 }));
    writeFileSync(at('flat.json'), JSON.stringify(flat));
    expect(await mend('flat.json')).toMatchObject({ relabeled: 15 });
  });

  test('records of Argilla, as it exports them', async () => {
    await looked({ output: at('records.json'), format: 'argilla' });
    const records: { suggestions: { new_label: { value: string } } }[] = JSON.parse(
      readFileSync(at('records.json'), 'utf8'),
    );
    const answered = records.map((record, i) => ({
      ...record,
      status: i === 0 ? 'discarded' : 'completed',
      responses: { new_label: [{ value: record.suggestions.new_label.value, user_id: 'a' }] },
    }));
    writeFileSync(at('answered.json'), JSON.stringify(answered));
    expect(await mend('answered.json')).toMatchObject({ rows: 149, relabeled: 14, dropped: 1 });
  });

  const line = (row: number, changes: Partial<Record<'text' | 'label' | 'new_label', string>> = {}) => {
    const own = rows[row - 1] ?? { text: 'nothing', label: 'cancel' };
    const { text = own.text, label = own.label, new_label = 'track' } = changes;
    return `${row},${text},${label},${new_label}`;
  };
  test.each([
    ['a row that is not there', [line(151)], 'entry 1 is for row 151, and the data has 150'],
    ['a row twice', [line(3), line(3)], 'entry 2 is for row 3 once more'],
    ['another text', [line(3), line(4, { text: 'something else' })], 'entry 2 has another text than row 4 of the data'],
    [
      'another label',
      [line(3, { label: 'track' })],
      'entry 1 says that row 3 is labeled track, and in the data it is refund',
    ],
    [
      'a label that there is not',
      [line(3, { new_label: 'trak' })],
      'entry 1 has the label "trak", which no text of the data has (did you mean track?)',
    ],
  ])('%s is refused by its place, and nothing written', async (_, lines, message) => {
    writeFileSync(at('bad.csv'), `${['row,text,label,new_label', ...lines].join('\n')}\n`);
    await expect(mend('bad.csv', 'never.csv')).rejects.toThrow(
      `apply ${at('bad.csv')}: ${message}; nothing is written`,
    );
    expect(existsSync(at('never.csv'))).toBe(false);
  });

  test('never writes over what it reads', async () => {
    writeFileSync(at('fine.csv'), `row,text,label,new_label\n${line(3)}\n`);
    await expect(mend('fine.csv', 'data.csv')).rejects.toThrow(/is what data reads; choose another file$/);
    await expect(mend('fine.csv', 'fine.csv')).rejects.toThrow(/is what apply reads; choose another file$/);
    await expect(mend('fine.csv', 'fine.csv')).rejects.toThrow('choose another file');
    await expect(looked({ output: at('data.csv') })).rejects.toThrow('choose another file');
    expect(readFileSync(at('data.csv'), 'utf8')).toBe(csv(rows));
  });
});

test('texts none of which can be judged are not said to be right', async () => {
  writeFileSync(at('alone.csv'), 'text,label\nhello there,a\nhello there,b\ngood evening,c\n,c\n');
  const { stdout, stderr } = await runInProcess(['audit', '--data', at('alone.csv')]);
  expect(stdout).toContain(
    '3 texts, 3 classes, and no class has two texts that are not nearly the same: no label can be judged',
  );
  expect(stdout).toContain('2 texts are nearly the same as one with another label');
  expect(stdout).not.toContain('look wrong');
  expect(stderr).toContain('1 row without a text left out');
});

test('labels that are no classes are refused by name', async () => {
  const path = at('numbers.csv');
  writeFileSync(path, `text,label\n${rows.map(({ text }, i) => `${text},${i * 1.37}`).join('\n')}\n`);
  await expect(audit({ data: { files: [path] } })).rejects.toThrow('the labels of column label look like measurements');
  writeFileSync(path, `text,label\n${rows.map(({ text }) => `${text},a`).join('\n')}\n`);
  await expect(audit({ data: { files: [path] } })).rejects.toThrow('has 1 label only (a)');
});

test('the command says how many look wrong, and gives JSON', async () => {
  const { code, stdout } = await runInProcess(['audit', '--data', at('data.csv')]);
  expect(code).toBe(0);
  expect(stdout).toMatch(/about 1\d labels look wrong \(\d+\.\d %; 95 % interval \d+ to \d+\)/);
  const json = await runInProcess(['audit', '--data', at('data.csv'), '--json']);
  expect(JSON.parse(json.stdout)).toMatchObject({ texts: 150, classes: 3 });
  const without = await runInProcess(['audit', '--data', at('data.csv'), '--apply', at('x.csv')]);
  expect(without).toMatchObject({
    code: 2,
    stderr: 'error: --apply writes the mended data; name a file with --output\n',
  });
});
