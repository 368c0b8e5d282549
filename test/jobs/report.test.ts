import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { adapt } from '../../src/jobs/adapt.ts';
import { finetune } from '../../src/jobs/finetune.ts';
import { report } from '../../src/jobs/report.ts';
import type { FinetuneOptions } from '../../src/jobs/types.ts';
import { runInProcess } from '../cli/terminal.ts';
import { TestFolder } from '../data/files.ts';
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
