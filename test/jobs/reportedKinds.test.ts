import { readFileSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { randomBelow } from '../../src/core/random.ts';
import { type AuditResult, audit } from '../../src/jobs/audit.ts';
import { finetune } from '../../src/jobs/finetune.ts';
import { keptAnswers, readAnswers } from '../../src/jobs/heldOutAnswers.ts';
import { report } from '../../src/jobs/report.ts';
import { readReportedRun } from '../../src/jobs/reportedRun.ts';
import type { FinetuneOptions } from '../../src/jobs/types.ts';
import type { Held } from '../../src/report/held.ts';
import { pairText } from '../../src/text/pair.ts';
import { runInProcess } from '../cli/terminal.ts';
import { TestFolder } from '../data/files.ts';
import { ratedMessages, topicMessages } from './answered.ts';
import { labeledCsv, labeledMessages, messages, saveTinyModel } from './tiny.ts';

const folder = new TestFolder();
const at = (...names: string[]) => join(folder.path, ...names);

beforeAll(async () => {
  await folder.create();
  await saveTinyModel(at('tiny'));
  await folder.write('train.csv', labeledCsv(labeledMessages(60, 11)));
  await folder.write('held.csv', labeledCsv(labeledMessages(40, 12)));
});
afterAll(() => folder.remove());

let runs = 0;
function options(more: Partial<FinetuneOptions> = {}): FinetuneOptions {
  return {
    ...{ model: at('tiny'), train: { files: [at('train.csv')] }, eval: { files: [at('held.csv')] } },
    ...{ output: at(`run-${++runs}`), threads: 1, method: 'words', ...more },
  };
}

function heldOf<K extends Held['kind']>(output: string, kind: K): Extract<Held, { kind: K }> {
  const held = readAnswers(output);
  if (held?.kind !== kind) throw new Error(`no answers of ${kind}`);
  return held as Extract<Held, { kind: K }>;
}

describe('answers to held-out texts tell the figures of the run', () => {
  test.each(['words', 'finetune'] as const)('several labels, by %s', async (method) => {
    const lines = topicMessages(160).map(({ text, labels }) => `"${text}","${labels.join('|')}"`);
    await folder.write('several.csv', ['text,labels', ...lines.slice(0, 100)].join('\n'));
    await folder.write('several.held.csv', ['text,labels', ...lines.slice(100)].join('\n'));
    const files = (name: string) => ({ files: [at(name)], labelSeparator: '|' });
    const given = options({
      ...{ train: files('several.csv'), eval: files('several.held.csv'), method, task: 'several-labels' },
      ...(method === 'finetune' ? { maxSteps: 3 } : {}),
    });
    const result = (await finetune(given)) as unknown as { microF1: number; exactMatch: number; labels: string[] };
    const { own, told, labels, thresholds, texts } = heldOf(given.output, 'several-labels');
    expect(labels).toEqual(result.labels);
    expect(texts).toHaveLength(60);
    const right = own.map((pairs, i) => pairs.filter(([c]) => told[i]?.some(([other]) => other === c)).length);
    const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);
    const all = sum(own.map(({ length }) => length)) + sum(told.map(({ length }) => length));
    expect((2 * sum(right)) / Math.max(1, all)).toBeCloseTo(result.microF1, 12);
    const exact = own.filter((pairs, i) => pairs.length === told[i]?.length && right[i] === pairs.length).length;
    expect(exact / 60).toBeCloseTo(result.exactMatch, 12);
    for (const [c, score] of told.flat()) expect(score).toBeGreaterThanOrEqual((thresholds[c] as number) - 1e-5);
    expect(readFileSync(join(given.output, 'report.html'), 'utf8')).toContain('id="mistakes"');
  });

  test.each(['words', 'finetune'] as const)('a number, by %s', async (method) => {
    const lines = ratedMessages(160).map(({ text, urgency }) => `"${text}",${urgency}`);
    await folder.write('rated.csv', ['text,urgency', ...lines.slice(0, 100)].join('\n'));
    await folder.write('rated.held.csv', ['text,urgency', ...lines.slice(100)].join('\n'));
    const given = options({
      ...{ train: { files: [at('rated.csv')] }, eval: { files: [at('rated.held.csv')] }, method, task: 'number' },
      ...(method === 'finetune' ? { maxSteps: 3 } : {}),
    });
    const result = (await finetune(given)) as unknown as {
      mae: number;
      r2: number;
      interval: { held: number; margin: number };
    };
    const { own, told, name, interval } = heldOf(given.output, 'number');
    expect(name).toBe('urgency');
    expect(own).toEqual(
      ratedMessages(160)
        .map(({ urgency }) => urgency)
        .slice(100),
    );
    const off = own.map((value, i) => Math.abs(value - (told[i] as number)));
    expect(off.reduce((sum, value) => sum + value, 0) / 60).toBeCloseTo(result.mae, 3);
    expect(interval?.margin).toBeCloseTo(result.interval.margin, 6);
    expect(off.filter((value) => value <= result.interval.margin).length / 60).toBeCloseTo(result.interval.held, 1);
    const page = readFileSync(join(given.output, 'report.html'), 'utf8');
    expect(page).toContain('id="numbers"');
    expect(page.match(/<circle/g)?.length).toBe(60);
    expect(page).toContain(`That tells ${(100 * result.r2).toFixed(1)} % of how the numbers vary`);
  });

  test.each(['frozen', 'finetune'] as const)('labels on tokens, by %s', async (method) => {
    const tagged = (count: number, seed: number) =>
      messages(count, seed).map((text) => {
        const start = text.indexOf(' my ') < 0 ? text.indexOf('the ') + 4 : text.indexOf(' my ') + 4;
        return { text, entities: [[start, text.indexOf(' ', start), 'THING']] };
      });
    const held = tagged(30, 4);
    const lines = (rows: readonly object[]) => rows.map((row) => JSON.stringify(row)).join('\n');
    await folder.write('tagged.jsonl', lines(tagged(60, 3)));
    await folder.write('tagged.held.jsonl', lines(held));
    const given = options({
      ...{ train: { files: [at('tagged.jsonl')] }, eval: { files: [at('tagged.held.jsonl')] }, method, task: 'tokens' },
      ...(method === 'finetune' ? { maxSteps: 3 } : {}),
    });
    const { entities } = (await finetune(given)) as unknown as {
      entities: { micro: { precision: number; recall: number; support: number } };
    };
    const { own, found, texts } = heldOf(given.output, 'tokens');
    expect(own).toEqual(held.map((row) => row.entities));
    expect(texts).toEqual(held.map(({ text }) => text));
    const key = (list: readonly unknown[]) => list.map((one) => JSON.stringify(one));
    const right = own.flatMap((list, i) => key(list).filter((one) => key(found[i] ?? []).includes(one))).length;
    expect(right / own.flat().length).toBeCloseTo(entities.micro.recall, 12);
    expect(right / Math.max(1, found.flat().length)).toBeCloseTo(entities.micro.precision, 12);
    expect(readFileSync(join(given.output, 'report.html'), 'utf8')).toContain('id="mistakes"');
    const { path } = await report({ runs: [given.output], output: at('without.html'), reportTexts: false });
    const page = readFileSync(path, 'utf8');
    for (const { text } of held) expect(page).not.toContain(text);
  });
});

test('answers of pairs keep both texts, and many are thinned evenly', () => {
  const of = 20_000;
  const texts = Array.from({ length: of }, (_, i) => pairText(`a${i}`, `${i}`.padEnd(1200, 'b')));
  const held = keptAnswers(
    { kind: 'number', name: 'n', texts, targets: texts.map((_, i) => i), values: texts.map(() => 0) },
    true,
  );
  expect(held.of).toBe(of);
  expect(held.own).toHaveLength(10_000);
  expect(held.own[1]).toBe(2);
  expect(held.own.at(-1)).toBe(19_998);
  expect(held.texts?.[1]).toBe('a2');
  expect(held.pairs?.[1]).toHaveLength(1001);
});

test('what an earlier version wrote of one label a text is read', async () => {
  const given = options();
  const { accuracy } = await finetune(given);
  const path = join(given.output, 'answers.json');
  const { format, kind, ...content } = JSON.parse(readFileSync(path, 'utf8'));
  expect({ format, kind }).toEqual({ format: 2, kind: 'one-label' });
  writeFileSync(path, JSON.stringify({ format: 1, ...content }));
  const { classes, answers } = heldOf(given.output, 'one-label');
  expect(classes.filter((own, i) => own === answers[i]).length / 40).toBeCloseTo(accuracy, 12);
});

test('how strange texts are is kept, and tells apart as well as was said', async () => {
  await folder.write('strange.txt', Array.from({ length: 30 }, (_, i) => `zzz ${i} qqq xyz`).join('\n'));
  const given = options({ method: 'frozen', cache: false, outOfScope: { files: [at('strange.txt')] } });
  const { calibrated } = await finetune(given);
  const { outOfScope } = await readReportedRun(given.output, { keepsTexts: true });
  const { score, inScope, outOfScope: strange = [], threshold = 0 } = outOfScope ?? { inScope: [] };
  expect(score).toBe(calibrated?.outside.kind);
  expect([inScope.length, strange.length]).toEqual([60, 30]);
  const wins = Array.from(strange).flatMap((a) => Array.from(inScope, (b) => (a > b ? 1 : a === b ? 0.5 : 0)));
  const area = wins.reduce<number>((sum, win) => sum + win, 0) / wins.length;
  const told = calibrated?.outside.tried.find(({ kind }) => kind === score);
  expect(area).toBeCloseTo(told?.auroc ?? Number.NaN, 6);
  // The threshold lets 95 % of the texts of a label pass.
  expect(Array.from(inScope).filter((value) => value > threshold).length).toBe(3);
  const page = readFileSync(join(given.output, 'report.html'), 'utf8');
  expect(page).toContain(`${score} (chosen)</th>`);
  expect(page).toContain('a text is taken for one of none where answers may be left out: 5.0 % of those of a label');
});

describe('labels that look wrong', () => {
  let run = '';
  let items: AuditResult['items'] = [];
  const things = ['order', 'parcel', 'card', 'invoice', 'account', 'delivery', 'item', 'address'];
  const rows = Array.from({ length: 150 }, (_, i) => {
    const kinds = ['cancel', 'track', 'refund'];
    const thing = things[randomBelow(things.length, 1, 'corpus', i)] ?? '';
    const label = kinds[i % 10 === 4 ? (i + 1) % 3 : i % 3] ?? '';
    return { text: `please ${kinds[i % 3]} the ${thing} of <b>number</b> ${1000 + 37 * i}`, label };
  });

  beforeAll(async () => {
    const given = options();
    run = given.output;
    await finetune(given);
    await folder.write('look.csv', labeledCsv(rows));
    const result = await audit({ data: { files: [at('look.csv')] } });
    items = 'items' in result ? result.items : [];
  });

  const shown = async (more: { audit?: string; reportTexts?: boolean } = {}) => {
    const { path } = await report({ runs: [run], output: at('audited.html'), ...more });
    return readFileSync(path, 'utf8');
  };

  test.each([
    ['look.parquet', 'table'],
    ['look.audit.csv', 'table'],
    ['studio.json', 'label-studio'],
    ['argilla.json', 'argilla'],
  ] as const)('of %s stand on the page, their texts escaped', async (name, format) => {
    const data = { files: [at('look.csv')] };
    await audit({ data, output: at(name), format });
    const page = await shown({ audit: at(name) });
    expect(items).toHaveLength(15);
    expect(page.includes('<p>15 texts have labels that look wrong.</p>')).toBe(true);
    for (const { row, text, label, likely, reason } of items) {
      const escaped = text.replaceAll('<', '&#60;').replaceAll('>', '&#62;');
      const told = `<b>${label}</b> → <b>${likely}</b> · ${reason} · row ${row} · score `;
      const line = `<li><span class="text">${escaped}</span><span class="what">${told}`;
      expect(page.includes(line), line).toBe(true);
    }
    expect(page.includes('<b>number')).toBe(false);
    const without = await shown({ audit: at(name), reportTexts: false });
    expect(without.includes(`· row ${items[0]?.row} ·`)).toBe(true);
    expect(without).not.toMatch(/please (cancel|track|refund)/);
  });

  test('are found in the folder of the run, the newest file first', async () => {
    const { stdout } = await runInProcess(['audit', '--data', at('look.csv'), '--json']);
    writeFileSync(join(run, 'audit.json'), stdout);
    const { wrong: about } = JSON.parse(stdout) as { wrong: { mean: number } };
    const line = `<p>15 texts of 150 have labels that look wrong. About ${Math.round(about.mean)} labels are wrong (`;
    expect((await shown()).includes(line), line).toBe(true);
    writeFileSync(join(run, 'audit.csv'), 'not,an,audit\n1,2,3\n');
    utimesSync(join(run, 'audit.json'), 1, 1);
    const { code, stderr } = await runInProcess(['report', run, '--output', at('audited.html')]);
    expect(code).toBe(0);
    expect(stderr).toContain('the audit cannot be read');
    expect(stderr).toContain('audit.json left out: audit.csv is newer');
  });

  test('of a file that is no audit, or of several runs, are refused', async () => {
    const refused = await runInProcess(['report', run, '--audit', at('held.csv'), '--output', at('audited.html')]);
    expect(refused.code).toBe(2);
    expect(refused.stderr).toContain('held.csv has no column row; give the file that bertune audit wrote');
    const lost = await runInProcess(['report', run, '--audit', at('lost.json'), '--output', at('audited.html')]);
    expect(lost).toMatchObject({ code: 2 });
    expect(lost.stderr).toMatch(/^error: --audit \S+lost.json is not there; check the path\n$/);
    const both = await runInProcess(['report', run, run, '--audit', at('held.csv')]);
    expect(both.stderr).toMatch(
      /^error: --audit is of one run's texts; of 2 runs, put an audit.csv into the folder of each\n$/,
    );
  });
});
