import { readFileSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { findModel } from '../../src/jobs/findModel.ts';
import { finetune } from '../../src/jobs/finetune.ts';
import { loadModel, openModel } from '../../src/jobs/model.ts';
import type { Explanation } from '../../src/jobs/types.ts';
import { Explainer } from '../../src/server/explainer.ts';
import { createRunner } from '../../src/server/modelRunner.ts';
import { startModel } from '../../src/server/modelThread.ts';
import { createServer, type Server } from '../../src/server/server.ts';
import { TestFolder } from '../data/files.ts';
import { labeledCsv, labeledMessages, saveTinyClassifier, saveTinyModel } from '../jobs/tiny.ts';

const folder = new TestFolder();
const at = (...names: string[]) => join(folder.path, ...names);
const tagging = join(import.meta.dirname, '..', 'fixtures', 'tagging', 'model');
const texts = ['🙂 where is my <b>order</b> ?', 'i want to pay', 'zoë cannot track it'];
/** One after the other, more than a minute of passes. */
const long = 'where is my order and how do i track it '.repeat(200);
let server: Server;

beforeAll(async () => {
  await folder.create();
  await saveTinyModel(at('tiny'));
  await folder.write('train.csv', labeledCsv(labeledMessages(60)));
  await finetune({
    ...{ model: at('tiny'), train: { files: [at('train.csv')] }, output: at('words'), cache: false, method: 'words' },
    ...{ threads: 1, report: false },
  });
  await saveTinyClassifier(at('network'), ['asks', 'wants', 'thanks']);
  await changed('pairs', ['no', 'yes'], { text_pairs: { text: 'question', pair: 'answer' } });
  await changed('several', ['a', 'b'], { problem_type: 'multi_label_classification' });
  await changed('number', ['stars'], { problem_type: 'regression' });
  const models = ['network', 'words', 'pairs', 'several', 'number', 'tiny'].map((name) => at(name));
  server = await createServer({ models: [...models, tagging], port: 0, threads: 1 });
});
afterAll(async () => {
  await server?.close();
  await folder.remove();
});

/** A tiny classifier of another kind. */
async function changed(name: string, labels: string[], config: object): Promise<void> {
  await saveTinyClassifier(at(name), labels);
  const file = at(name, 'config.json');
  writeFileSync(file, JSON.stringify({ ...JSON.parse(readFileSync(file, 'utf8')), ...config }));
}

interface Predictions {
  readonly error?: string;
  readonly predictions?: readonly { readonly label: string; readonly explanation?: Explanation }[];
}

async function ask(body: object, url = server.url): Promise<{ status: number; answer: Predictions }> {
  const headers = { 'content-type': 'application/json' };
  const response = await fetch(`${url}/predict`, { method: 'POST', headers, body: JSON.stringify(body) });
  return { status: response.status, answer: (await response.json()) as Predictions };
}

const explanationsOf = ({ predictions = [] }: Predictions) => predictions.map(({ explanation }) => explanation);

/** With weights that need not be the same to the last bit. */
const nearly = (explanations: readonly Explanation[]) =>
  explanations.map(({ words, difference, error, ...rest }) => ({
    ...rest,
    ...(difference === undefined ? {} : { difference: expect.closeTo(difference, 4), error: expect.any(Number) }),
    words: words.map(({ weight, ...word }) => ({ ...word, weight: expect.closeTo(weight, 4) })),
  }));

describe('explanations', () => {
  test.each([
    ['network', 'integrated gradients'],
    ['words', 'occlusion'],
  ] as const)('by %s are those of a program, places in code points unless asked otherwise', async (name, method) => {
    const model = await loadModel(at(name), { threads: 1 });
    const byUnits = await model.explain(texts);
    const byPoints = await model.explain(texts, { offsets: 'code-points' });
    await model.dispose();
    const { status, answer } = await ask({ model: name, texts, explain: true });
    expect(status).toBe(200);
    expect(explanationsOf(answer)).toEqual(nearly(byPoints));
    const { answer: units } = await ask({ model: name, texts, explain: true, offsets: 'utf-16' });
    expect(explanationsOf(units)).toEqual(nearly(byUnits));
    for (const [i, { label, explanation }] of (answer.predictions ?? []).entries()) {
      expect(explanation).toMatchObject({ label, method });
      const characters = Array.from(texts[i] ?? '');
      expect(explanation?.words.length).toBeGreaterThan(2);
      for (const { text, start, end } of explanation?.words ?? [])
        expect(characters.slice(start, end).join('')).toBe(text);
    }
    const first = byUnits[0]?.words.find(({ text }) => text === 'where');
    expect(first).toMatchObject({ start: 3, end: 8 });
    expect(byPoints[0]?.words.find(({ text }) => text === 'where')).toMatchObject({ start: 2, end: 7 });
  });

  test('of a pair name the text that each word stands in, by its places', async () => {
    const pair = { text: '🙂 is my card here', pair: 'pay 🙂 it now' };
    const { answer } = await ask({ model: 'pairs', texts: [pair], explain: true });
    const [explanation] = explanationsOf(answer);
    expect(explanation?.words.map(({ text, of }) => `${of} ${text}`)).toEqual([
      ...['text is', 'text my', 'text card', 'text here', 'pair pay', 'pair it', 'pair now'],
    ]);
    for (const { text, start, end, of = 'text' } of explanation?.words ?? [])
      expect(Array.from(pair[of]).slice(start, end).join('')).toBe(text);
    // By hand: what the log-probability loses without the word.
    const model = await openModel(at('pairs'), { threads: 1 });
    const chance = async (one: typeof pair) =>
      (await model.scores([one]))[0]?.find(({ label }) => label === explanation?.label)?.score ?? 0;
    const lost = Math.log(await chance(pair)) - Math.log(await chance({ ...pair, pair: 'pay 🙂 it ' }));
    await model.dispose();
    expect(explanation?.words.at(-1)?.weight).toBeCloseTo(lost, 4);
  });

  test('are absent where they are not asked for', async () => {
    const { answer } = await ask({ texts });
    expect(answer.predictions?.length).toBe(3);
    expect(explanationsOf(answer)).toEqual([undefined, undefined, undefined]);
  });

  test.each([
    ['several', 'several answers with several labels'],
    ['number', 'number answers with a number'],
    ['model', 'model answers with parts of texts'],
  ])('%s: refused by name', async (name, what) => {
    expect(await ask({ model: name, texts: ['a'], explain: true })).toEqual({
      status: 400,
      answer: { error: `explain is for classifiers of one label a text, and ${what}; leave it out` },
    });
    expect((await ask({ model: name, texts: ['a'] })).status).toBe(200);
  });

  test('of more text than may be at once are refused, and what is no toggle', async () => {
    expect(await ask({ texts: ['a'.repeat(1500), 'b'.repeat(501)], explain: true })).toEqual({
      status: 400,
      answer: {
        error:
          'explain takes texts of 2000 characters in all, and these have 2001; send them in several requests, shorten them, or leave explain out',
      },
    });
    expect((await ask({ texts: ['a'.repeat(1500), 'b'.repeat(500)], explain: true })).status).toBe(200);
    expect(await ask({ texts, explain: 'yes' })).toEqual({ status: 400, answer: { error: 'explain must be boolean' } });
  });

  test('are given by nobody where a server is told so', async () => {
    const here = await createServer({ models: [at('network')], port: 0, threads: 1, maxExplained: 0 });
    expect(await ask({ texts: ['a'], explain: true }, here.url)).toEqual({
      status: 400,
      answer: { error: 'this server explains nothing; leave explain out' },
    });
    const explaining = async (url: string) => {
      const health = (await (await fetch(`${url}/health`)).json()) as { models: { name: string; explains: boolean }[] };
      return health.models.filter(({ explains }) => explains).map(({ name }) => name);
    };
    expect(await explaining(here.url)).toEqual([]);
    expect(await explaining(server.url)).toEqual(['network', 'words', 'pairs']);
    await here.close();
  });

  test('are described', async () => {
    const { paths } = (await (await fetch(`${server.url}/openapi.json`)).json()) as Description;
    const { requestBody, responses } = paths['/predict'].post;
    expect(requestBody.content['application/json'].schema.properties.explain).toMatchObject({
      ...{ type: 'boolean', default: false, description: expect.stringMatching(/passes a text/) },
    });
    const answer = responses[200].content['application/json'].schema.properties.predictions?.items.properties;
    expect(answer?.explanation).toMatchObject({ required: ['label', 'method', 'words', 'passes'] });
    const metrics = await (await fetch(`${server.url}/metrics`)).text();
    expect(metrics).toMatch(/^bertune_batch_texts_count\{model="network",task="explain"\} [1-9]/m);
    expect(metrics).toMatch(/^bertune_waiting_explanations\{model="network"\} 0$/m);
  });
});

interface Description {
  readonly paths: {
    readonly '/predict': {
      readonly post: {
        readonly requestBody: { readonly content: Json };
        readonly responses: { readonly 200: { readonly content: Json } };
      };
    };
  };
}
interface Json {
  readonly 'application/json': {
    readonly schema: {
      readonly properties: Readonly<
        Record<string, { readonly items: { readonly properties: Record<string, object> } }>
      >;
    };
  };
}

describe('what takes long', () => {
  const start = async (more: object = {}) =>
    createServer({ models: [at('words')], port: 0, threads: 1, maxExplained: 10_000, ...more });
  const metric = async (url: string, name: string) => {
    const all = await (await fetch(`${url}/metrics`)).text();
    return Number(
      all
        .split('\n')
        .find((line) => line.startsWith(`${name} `))
        ?.slice(name.length) ?? 0,
    );
  };

  test('other requests are answered between its passes', async () => {
    const runner = await createRunner({ model: await findModel(at('words'), {}), name: 'words', threads: 1 });
    const order: string[] = [];
    const explained = runner.explain({ texts: [long.slice(0, 2000)] }, new AbortController().signal).then((outcome) => {
      order.push('explained');
      return outcome;
    });
    for (let i = 0; i < 3; i++) {
      await runner.run({ task: 'predict', questions: [{ texts: ['a'] }] });
      order.push('predicted');
    }
    expect(await explained).toMatchObject({ answers: [{ method: 'occlusion' }] });
    expect(order).toEqual(['predicted', 'predicted', 'predicted', 'explained']);
    await runner.close();
  });

  test('is given up when its caller goes, and the next has its turn', async () => {
    const here = await start();
    const body = JSON.stringify({ texts: [long], explain: true });
    const socket = connect(here.port, '127.0.0.1');
    const head = `POST /predict HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n`;
    socket.write(head + body);
    const predicted = 'bertune_batch_texts_count{model="words",task="predict"}';
    while ((await metric(here.url, predicted)) < 1) await new Promise((resolve) => setImmediate(resolve));
    socket.destroy();
    expect((await ask({ texts: ['where is it'], explain: true }, here.url)).status).toBe(200);
    // Of two that began, one came to its end.
    expect(await metric(here.url, 'bertune_batch_texts_count{model="words",task="explain"}')).toBe(1);
    await here.close();
  });

  test('waits for its turn up to a bound, and is refused when the server stops', async () => {
    const here = await start();
    const asked = Array.from({ length: 20 }, () => ask({ texts: [long], explain: true }, here.url));
    const refused = await Promise.race(asked);
    expect(refused).toEqual({
      status: 503,
      answer: { error: 'waiting to be explained already: 10 texts; ask again later' },
    });
    await here.close();
    const outcomes = await Promise.all(asked);
    const stopped = outcomes.filter(({ answer }) => answer.error === 'the server stops, and explains nothing more');
    expect(stopped.length).toBeGreaterThanOrEqual(9);
    expect(new Set(outcomes.map(({ status }) => status))).toEqual(
      new Set(outcomes.some(({ status }) => status === 200) ? [200, 503] : [503]),
    );
  });

  test('those whose callers have gone hold no place in the queue', async () => {
    const thread = await startModel({ model: await findModel(at('words'), {}), name: 'words', threads: 1 });
    const explainer = new Explainer(thread, { mostWaiting: 10 });
    const [busy, here, gone] = [new AbortController(), new AbortController(), new AbortController()];
    const first = explainer.explain({ texts: [long] }, busy.signal);
    const second = explainer.explain({ texts: ['my order 1'] }, gone.signal);
    const third = explainer.explain({ texts: ['a'] }, here.signal);
    await expect(third).rejects.toThrow('waiting to be explained already: 1 text; ask again later');
    gone.abort();
    const fourth = explainer.explain({ texts: ['my card'] }, here.signal);
    busy.abort();
    await expect(first).rejects.toThrow('stopped before the end');
    await expect(second).rejects.toThrow('the caller has gone');
    expect((await fourth)[0]?.words.map(({ text }) => text)).toEqual(['my', 'card']);
    await explainer.close(0);
    await thread.close();
  });
});
