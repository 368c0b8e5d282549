import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { adapt } from '../../src/jobs/adapt.ts';
import { calibrate } from '../../src/jobs/calibrate.ts';
import { finetune } from '../../src/jobs/finetune.ts';
import { report } from '../../src/jobs/report.ts';
import type { FinetuneOptions } from '../../src/jobs/types.ts';
import { reliability } from '../../src/report/curves.ts';
import { runInProcess } from '../cli/terminal.ts';
import { TestFolder } from '../data/files.ts';
import { ratedMessages, topicMessages } from './answered.ts';
import { listening, readJson } from './runs.ts';
import { labeledCsv, labeledMessages, messages, saveTinyModel } from './tiny.ts';

const folder = new TestFolder();
const at = (...names: string[]) => join(folder.path, ...names);
/** It stands in no other file than those that keep held-out texts. */
const secret = 'the account of mrs quibble';

beforeAll(async () => {
  await folder.create();
  await saveTinyModel(at('tiny'));
  await folder.write('train.csv', labeledCsv(labeledMessages(40, 11)));
  const held = labeledMessages(30, 12).map((row, i) => (i === 7 ? { ...row, text: `${row.text} ${secret}` } : row));
  await folder.write('held.csv', labeledCsv(held));
  await folder.write('corpus.txt', messages(60).join('\n'));
});
afterAll(() => folder.remove());

let runs = 0;
function options(more: Partial<FinetuneOptions> = {}): FinetuneOptions {
  return {
    ...{ model: at('tiny'), train: { files: [at('train.csv')] }, eval: { files: [at('held.csv')] } },
    ...{ output: at(`run-${++runs}`), threads: 1, ...more },
  };
}

interface Kept {
  readonly labels: string[];
  readonly classes: number[];
  readonly answers: number[];
  readonly scores: number[];
  readonly own: number[];
  readonly texts?: string[];
  readonly of: number;
}

test.each(['words', 'frozen', 'hybrid', 'finetune', 'finetune+words'] as const)(
  '%s keeps what was answered to the held-out texts, and writes a report of it',
  async (method) => {
    const given = options({ method, ...(method.startsWith('finetune') ? { maxSteps: 4 } : {}) });
    const result = await finetune(given);
    const kept = readJson(given.output, 'answers.json') as unknown as Kept;
    const confusion = result.labels.map((_, own) =>
      result.labels.map(
        (_, answered) => kept.classes.filter((c, i) => c === own && kept.answers[i] === answered).length,
      ),
    );
    expect(confusion).toEqual(result.confusion);
    const loss = kept.own.reduce((sum, own) => sum - Math.log(own), 0) / kept.own.length;
    expect(loss).toBeCloseTo(result.loss, 4);
    expect(kept.texts?.[7]).toContain(secret);
    const page = readFileSync(join(given.output, 'report.html'), 'utf8');
    expect(page).toContain(`${(100 * result.accuracy).toFixed(1)} % of 30 held-out texts`);
    expect(page.includes('id="learning"')).toBe(method.startsWith('finetune'));
  },
);

test('slices of a column are named where they are worse, by evaluate and in the report', async () => {
  const rows = labeledMessages(160, 12).map(({ text, label }, i) => ({
    text,
    label,
    channel: i % 4 === 0 ? 'phone' : i % 4 === 1 ? 'mail' : 'app',
  }));
  // On the phone, labels are those of other texts.
  const wrong = rows.map((row, i) =>
    row.channel === 'phone' ? { ...row, label: rows[(i + 5) % 160]?.label ?? '' } : row,
  );
  await folder.write(
    'sliced.csv',
    ['text,label,channel', ...wrong.map(({ text, label, channel }) => `"${text}",${label},${channel}`)].join('\n'),
  );
  const data = { files: [at('sliced.csv')], sliceColumn: 'Channel' };
  const given = options({ method: 'words', eval: data });
  await finetune(given);
  const page = readFileSync(join(given.output, 'report.html'), 'utf8');
  expect(page).toContain('<p>Worse than the rest: phone.</p>');
  const { stdout, code } = await runInProcess([
    'evaluate',
    '--model',
    given.output,
    '--data',
    at('sliced.csv'),
    '--slice-column',
    'channel',
  ]);
  expect(code).toBe(0);
  expect(stdout).toMatch(/\nworse than the rest, beyond chance: phone\n$/);
  const all = await runInProcess([
    'evaluate',
    '--model',
    given.output,
    '--data',
    at('sliced.csv'),
    '--slice-column',
    'chanel',
  ]);
  expect(all).toMatchObject({ code: 2 });
  expect(all.stderr).toMatch(/has no column chanel \(--slice-column\); it has: text, label, channel\n$/);
});

test('what was learned of the scores and what is promised stand on the page', async () => {
  await folder.write('fresh.csv', labeledCsv(labeledMessages(200, 77)));
  const given = options({ method: 'frozen', cache: false });
  const { calibrated } = await finetune(given);
  const kept = readJson(given.output, 'answers.json') as unknown as Kept;
  expect(reliability(kept)?.ece).toBeCloseTo(calibrated?.after?.ece.value ?? Number.NaN, 5);
  const page = readFileSync(join(given.output, 'report.html'), 'utf8');
  expect(page).toMatch(
    /Scores are calibrated by a (temperature of [\d.]+|scale)[^<]*, fitted to 40 texts: folds of the/,
  );
  const { value = 0, low = 0, high = 0 } = calibrated?.after?.brier ?? {};
  expect(page).toContain(`${value.toFixed(3)} (${low.toFixed(3)} to ${high.toFixed(3)})`);
  expect(page.includes(`of a label are, told by ${calibrated?.outside.kind}.`)).toBe(true);
  expect(page).toContain('<li>What is promised: bertune calibrate has not read texts of its own');
  const { promised } = await calibrate({ model: given.output, data: { files: [at('fresh.csv')] }, threads: 1 });
  expect(promised.length).toBeGreaterThan(0);
  const { path } = await report({ runs: [given.output] });
  const after = readFileSync(path, 'utf8');
  expect(after).toContain('id="promises"');
  for (const line of promised) expect(after).toContain(`<li>${line}</li>`);
});

test('runs of several labels, a number and labels on tokens show how they do', async () => {
  const several = topicMessages(160).map(({ text, labels }) => `"${text}","${labels.join('|')}"`);
  await folder.write('several.csv', ['text,labels', ...several.slice(0, 100)].join('\n'));
  await folder.write('several.held.csv', ['text,labels', ...several.slice(100)].join('\n'));
  const files = (name: string, more: { labelSeparator?: string } = {}) => ({
    train: { files: [at(`${name}.csv`)], ...more },
    eval: { files: [at(`${name}.held.csv`)], ...more },
  });
  const topics = options({ ...files('several', { labelSeparator: '|' }), method: 'words', task: 'several-labels' });
  const result = (await finetune(topics)) as unknown as {
    microF1: number;
    perLabel: { label: string; threshold: number }[];
  };
  const page = readFileSync(join(topics.output, 'report.html'), 'utf8');
  expect(page).toContain('Answers with several labels to 60 held-out texts have an F1 of ');
  expect(page).toContain(`<td>${Number(result.microF1.toPrecision(3))}</td>`);
  for (const { label, threshold } of result.perLabel) {
    expect(page).toContain(`<th scope="row">${label}</th>`);
    expect(page).toContain(`>${threshold.toFixed(3)}</td>`);
  }
  const rated = ratedMessages(160).map(({ text, urgency }) => `"${text}",${urgency}`);
  await folder.write('rated.csv', ['text,urgency', ...rated.slice(0, 100)].join('\n'));
  await folder.write('rated.held.csv', ['text,urgency', ...rated.slice(100)].join('\n'));
  const urgency = options({ ...files('rated'), method: 'words', task: 'number' });
  const { mae } = (await finetune(urgency)) as unknown as { mae: number };
  const numbers = readFileSync(join(urgency.output, 'report.html'), 'utf8');
  expect(numbers).toContain(`have a mean absolute error of ${Number(mae.toPrecision(3))}.`);
  const tagged = (count: number, seed: number) =>
    messages(count, seed).map((text) => {
      const start = text.indexOf(' my ') < 0 ? text.indexOf('the ') + 4 : text.indexOf(' my ') + 4;
      return JSON.stringify({ text, entities: [[start, text.indexOf(' ', start), 'THING']] });
    });
  await folder.write('tagged.jsonl', tagged(60, 3).join('\n'));
  await folder.write('tagged.held.jsonl', tagged(30, 4).join('\n'));
  const parts = at('parts');
  const { code, stderr } = await runInProcess([
    ...['finetune', '--task', 'tokens', '--model', at('tiny'), '--train', at('tagged.jsonl')],
    ...['--eval', at('tagged.held.jsonl'), '--output', parts, '--method', 'frozen', '--threads', '1'],
  ]);
  expect(code, stderr).toBe(0);
  const { code: reported } = await runInProcess(['report', parts, topics.output, '--output', at('kinds.html')]);
  expect(reported).toBe(0);
  const kinds = readFileSync(at('kinds.html'), 'utf8');
  expect(kinds).toMatch(/Answers with labels on tokens to 30 held-out texts have an F1 of [\d.]+ of entities\./);
  expect(kinds).toContain('<th scope="row">THING</th>');
});

test('without report-texts no held-out text stands in the folder', async () => {
  const given = options({ method: 'words', reportTexts: false });
  await finetune(given);
  const kept = readJson(given.output, 'answers.json') as unknown as Kept;
  expect(kept.texts).toBeUndefined();
  expect(kept.classes.length).toBe(30);
  for (const name of ['answers.json', 'report.html', 'run.json', 'README.md']) {
    expect(readFileSync(join(given.output, name), 'utf8'), name).not.toContain(secret);
  }
  // One that has them is shown without them.
  const other = options({ method: 'words' });
  await finetune(other);
  const { path } = await report({ runs: [other.output], output: at('shared.html'), reportTexts: false });
  expect(readFileSync(path, 'utf8')).not.toContain(secret);
});

test('no report is written where none is wanted, and one that cannot be written fails no run', async () => {
  const none = options({ method: 'words', report: false });
  await finetune(none);
  expect(existsSync(join(none.output, 'report.html'))).toBe(false);
  const hindered = options({ method: 'finetune', maxSteps: 2 });
  const hooks = listening();
  const result = await finetune(hindered, {
    onEvent(event) {
      hooks.onEvent?.(event);
      if (event.type === 'step' && event.step === 2) mkdirSync(join(hindered.output, 'report.html'));
    },
  });
  expect(result.count).toBe(30);
  expect(readJson(hindered.output, 'run.json').status).toBe('finished');
  expect(hooks.notes().filter((note) => note.includes('report.html was not written'))).toHaveLength(1);
});

test('adapt writes a report with its learning curve; several runs stand side by side', async () => {
  const output = at('adapted');
  await adapt({
    model: at('tiny'),
    corpus: { files: [at('corpus.txt')] },
    output,
    threads: 1,
    maxSteps: 6,
    evalFraction: 0.2,
  });
  const page = readFileSync(join(output, 'report.html'), 'utf8');
  expect(page).toMatch(/Perplexity on held-out text went from [\d,.]+ to [\d,.]+\./);
  expect(page).toContain('id="learning"');
  const given = options({ method: 'words' });
  await finetune(given);
  const { code, stdout } = await runInProcess(['report', output, given.output, '--output', at('both.html')]);
  expect({ code, stdout }).toEqual({ code: 0, stdout: `report written to ${at('both.html')}\n` });
  expect(readFileSync(at('both.html'), 'utf8')).toContain('The runs beside each other');
});

test('what is no run, and a file that is no report, are refused; what is damaged is told', async () => {
  const refused = await runInProcess(['report', at('tiny')]);
  expect(refused.code).toBe(2);
  expect(refused.stderr).toMatch(
    /^error: \S+tiny holds no run \(run.json\); give the --output of adapt, finetune or another training command\n$/,
  );
  expect((await runInProcess(['report'])).stderr).toBe(
    'error: report needs folders of runs: bertune report DIR, or --run DIR\n',
  );
  const given = options({ method: 'words' });
  await finetune(given);
  writeFileSync(at('mine.html'), '<p>mine</p>');
  const kept = await runInProcess(['report', given.output, '--output', at('mine.html')]);
  expect(kept.stderr).toContain('mine.html is there and no report of bertune; choose another file');
  expect(readFileSync(at('mine.html'), 'utf8')).toBe('<p>mine</p>');
  writeFileSync(
    join(given.output, 'answers.json'),
    '{"format":1,"labels":["a"],"classes":[0],"answers":[],"scores":[],"own":[],"of":1}',
  );
  const damaged = await runInProcess(['report', given.output]);
  expect(damaged.code).toBe(0);
  expect(damaged.stderr).toContain('answers.json cannot be read');
  writeFileSync(join(given.output, 'answers.json'), '{"format":9}');
  expect((await runInProcess(['report', given.output])).stderr).toContain('newer version of bertune');
});
