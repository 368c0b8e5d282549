import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { finetune } from '../../src/jobs/finetune.ts';
import { loadModel } from '../../src/jobs/model.ts';
import { createServer } from '../../src/server/server.ts';
import { TestFolder } from '../data/files.ts';
import { listening } from '../jobs/runs.ts';
import { labeledCsv, labeledMessages, saveTinyClassifier, saveTinyModel } from '../jobs/tiny.ts';

const folder = new TestFolder();
const at = (...names: string[]) => join(folder.path, ...names);
const held = labeledMessages(40, 12).map(({ text }) => text);
const asked = { answered: 0.5, coverage: 0.9 } as const;

beforeAll(async () => {
  await folder.create();
  await saveTinyModel(at('tiny'));
  await folder.write('train.csv', labeledCsv(labeledMessages(120)));
  const [train, output] = [{ files: [at('train.csv')] }, at('run')];
  await finetune({ model: at('tiny'), train, output, cache: false, method: 'frozen', threads: 1, labelTexts: 'none' });
});
afterAll(() => folder.remove());

test('answers over HTTP leave out what those of a program leave out, and say what is known of them', async () => {
  const model = await loadModel(at('run'), { threads: 1 });
  const { decisions, promised } = await model.decide(held, asked);
  await model.dispose();
  const hooks = listening();
  const server = await createServer({ models: [at('run')], port: 0, threads: 1, ...asked }, hooks);
  try {
    const body = JSON.stringify({ texts: held });
    const headers = { 'content-type': 'application/json' };
    const response = await fetch(`${server.url}/predict`, { method: 'POST', headers, body });
    expect(response.status).toBe(200);
    const answer = (await response.json()) as { promised: string[]; predictions: object[] };
    expect(answer.promised).toEqual(promised);
    expect(hooks.notes()).toEqual(expect.arrayContaining([...promised]));
    expect(decisions.filter(({ label }) => label === null).length).toBeGreaterThan(5);
    expect(answer.predictions).toEqual(
      decisions.map((decision) => ({
        ...decision,
        score: expect.closeTo(decision.score, 5),
        scores: [expect.objectContaining({ label: decision.label ?? decision.suggestion })],
      })),
    );
  } finally {
    await server.close();
  }
});

test('a model of which nothing is known is refused before the server listens', async () => {
  await saveTinyClassifier(at('unknown'), ['a', 'b']);
  await expect(createServer({ models: [at('unknown')], port: 0, threads: 1, abstain: true })).rejects.toThrow(
    /^abstain: nothing is known of how far .*unknown can be trusted/,
  );
});
