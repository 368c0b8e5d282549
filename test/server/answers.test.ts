import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { chromium as playwright } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { finetune } from '../../src/jobs/finetune.ts';
import { loadModel } from '../../src/jobs/model.ts';
import { createServer, type Server } from '../../src/server/server.ts';
import { browserFlags } from '../export/pages.ts';
import { ratedMessages, topicMessages, topicNames } from '../jobs/answered.ts';
import { saveTinyModel } from '../jobs/tiny.ts';
import { chromium, needing } from '../needs.ts';
import { temporaryFolder } from '../temporary.ts';

const folder = temporaryFolder();
const at = (name: string) => join(folder, name);
const texts = ['where is my parcel . open my account', 'order 1 now today is'];
let server: Server;

beforeAll(async () => {
  await saveTinyModel(at('tiny'));
  const lines = (rows: readonly object[]) => rows.map((row) => JSON.stringify(row)).join('\n');
  writeFileSync(at('topics.jsonl'), lines(topicMessages(120)));
  writeFileSync(at('rated.jsonl'), lines(ratedMessages(120)));
  const shared = { model: at('tiny'), threads: 1, cache: false } as const;
  const topics = { train: { files: [at('topics.jsonl')] }, method: 'words', output: at('topics') } as const;
  await finetune({ ...shared, ...topics, task: 'several-labels' });
  const rated = { train: { files: [at('rated.jsonl')] }, method: 'frozen', output: at('rating') } as const;
  await finetune({ ...shared, ...rated, task: 'number' });
  server = await createServer({ models: [at('topics'), at('rating')], port: 0, threads: 1 });
});

afterAll(() => server.close());

async function predictions(model: string): Promise<Record<string, unknown>[]> {
  const response = await fetch(`${server.url}/predict`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ model, texts, topK: 3 }),
  });
  const { predictions } = (await response.json()) as { predictions: Record<string, unknown>[] };
  return predictions;
}

test('several labels: those over their thresholds, and the likeliest beside', async () => {
  const model = await loadModel(at('topics'), { threads: 1 });
  const [expected, scores] = [await model.predict(texts), await model.predict(texts)];
  expect(expected).toEqual(scores);
  const found = await predictions('topics');
  expect(found.map(({ labels }) => ({ labels }))).toEqual(expected);
  expect(found[0]?.labels).toMatchObject([{ label: expect.any(String) }, { label: expect.any(String) }]);
  for (const one of found) {
    expect(one.scores).toHaveLength(3);
    expect(Object.keys(one).sort()).toEqual(['labels', 'scores']);
  }
  await model.dispose();
});

test('a number comes with its interval, and nothing of labels', async () => {
  const model = await loadModel(at('rating'), { threads: 1 });
  const found = await predictions('rating');
  expect(found).toEqual(await model.predict(texts));
  expect(Object.keys(found[0] ?? {}).sort()).toEqual(['high', 'low', 'value']);
  await model.dispose();
});

test('health tells what each predicts', async () => {
  const { models } = (await (await fetch(`${server.url}/health`)).json()) as { models: Record<string, unknown>[] };
  expect(models).toMatchObject([
    { name: 'topics', labels: topicNames, answers: 'several labels', tasks: ['predict'] },
    { name: 'rating', labels: null, answers: 'a number' },
  ]);
});

needing('chromium').test('the page marks labels that are told, and shows a number with its interval', async () => {
  const browser = await playwright.launch({ executablePath: chromium, args: browserFlags });
  try {
    const tab = await browser.newPage();
    await tab.goto(`${server.url}/?task=predict&text=${encodeURIComponent(texts[0] ?? '')}`);
    await tab.locator('#status', { hasText: /^Answered/ }).waitFor();
    const [first, second] = [tab.getByLabel('topics').first(), tab.getByLabel('rating').first()];
    expect(await first.locator('.told').textContent()).toBe('delivery, account');
    expect(await first.locator('th').allTextContents()).toEqual([
      '✓ delivery',
      '✓ account',
      expect.any(String),
      expect.any(String),
    ]);
    expect(await second.locator('.number').textContent()).toMatch(/^\d+(\.\d+)? \(\d+(\.\d+)? to \d+(\.\d+)?\)$/);
    expect(await tab.textContent('#hint')).toContain('Labels over their thresholds');
  } finally {
    await browser.close();
  }
});
