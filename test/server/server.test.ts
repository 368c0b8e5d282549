import { spawn } from 'node:child_process';
import { connect, createServer as createTcpServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { UsageError } from '../../src/core/errors.ts';
import { loadModel } from '../../src/jobs/model.ts';
import type { Explanation } from '../../src/jobs/types.ts';
import type { createServer as CreateServer, Server } from '../../src/server/server.ts';
import { createServer as createInOneThread } from '../../src/server/server.ts';
import { builtCommand } from '../cli/build.ts';
import { saveTinyClassifier, saveTinyModel, tinyConfig } from '../jobs/tiny.ts';
import { temporaryFolder } from '../temporary.ts';

const folder = temporaryFolder();
const labels = ['asks', 'wants', 'thanks'];
const at = (name: string) => join(folder, name);
let createServer: typeof CreateServer;
let server: Server;

// Threads run the built package alone.
beforeAll(async () => {
  const root = join(await builtCommand(), '../..');
  ({ createServer } = await import(pathToFileURL(join(root, 'index.js')).href));
  await saveTinyModel(at('base'));
  await saveTinyModel(at('adapted'), { ...tinyConfig, initializerRange: 0.2 });
  await saveTinyClassifier(at('intent'), labels);
  server = await createServer({ models: [at('base'), at('adapted'), at('intent')], port: 0, threads: 1 });
});
afterAll(() => server.close());

async function ask(path: string, body: unknown, url = server.url): Promise<{ status: number; answer: Answer }> {
  const response = await fetch(url + path, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  });
  const text = await response.text();
  expect(text.trim().split('\n').length).toBe(1);
  return { status: response.status, answer: JSON.parse(text) };
}

/** What any of the routes answers. */
interface Answer {
  readonly error?: string;
  readonly model?: string;
  readonly predictions?: {
    label: string;
    score: number;
    scores: { label: string; score: number }[];
    explanation?: Explanation;
  }[];
  readonly results?: { masks: { position: number; candidates: { token: string; score: number }[] }[] }[];
}

const texts = ['where is my order ?', 'i want to pay the invoice now', 'please cancel my card', 'how do i track it'];
const masked = ['where is my [MASK] ?', '[MASK] want to [MASK] the item', 'please [MASK] my card today'];

describe('answers', () => {
  test('predict: those of the library, in the order of the texts', async () => {
    const model = await loadModel(at('intent'), { threads: 1 });
    const expected = await model.classify(texts);
    await model.dispose();
    const { status, answer } = await ask('/predict', { texts, topK: 3 });
    expect(status).toBe(200);
    expect(answer.model).toBe('intent');
    expect(answer.predictions?.map(({ label }) => label)).toEqual(expected.map(({ label }) => label));
    for (const [i, { score, scores }] of (answer.predictions ?? []).entries()) {
      expect(score).toBeCloseTo(expected[i]?.score ?? 0, 5);
      expect(scores[0]).toEqual({ label: expected[i]?.label, score });
      expect(scores.map(({ label }) => label).sort()).toEqual([...labels].sort());
      expect(scores.reduce((sum, { score }) => sum + score, 0)).toBeCloseTo(1, 5);
    }
  });

  test('fill-mask: those of the library for every mask, of the model that is named', async () => {
    for (const name of ['base', 'adapted']) {
      const model = await loadModel(at(name), { threads: 1 });
      const { answer } = await ask('/fill-mask', { model: name, texts: masked, topK: 4 });
      expect(answer.model).toBe(name);
      for (const [i, text] of masked.entries()) {
        const { masks } = await model.fillMask(text, { topK: 4 });
        const found = answer.results?.[i]?.masks ?? [];
        expect(found.map(({ position }) => position)).toEqual(masks.map(({ position }) => position));
        for (const [m, { candidates }] of masks.entries()) {
          expect(found[m]?.candidates.map(({ token }) => token)).toEqual(candidates.map(({ token }) => token));
          for (const [c, { score }] of candidates.entries()) {
            expect(found[m]?.candidates[c]?.score).toBeCloseTo(score, 5);
          }
        }
      }
      await model.dispose();
    }
  });

  test('explanations: those of the library, while others are answered; of a caller that goes away they end', async () => {
    const model = await loadModel(at('intent'), { threads: 1 });
    const expected = await model.explain(texts);
    await model.dispose();
    const many = Promise.all(texts.map((text) => ask('/predict', { texts: [text], explain: true })));
    // Both the words and what is asked meanwhile.
    expect((await ask('/predict', { texts })).answer.predictions?.length).toBe(texts.length);
    for (const [i, { status, answer }] of (await many).entries()) {
      const [prediction] = answer.predictions ?? [];
      const { words = [] } = prediction?.explanation ?? {};
      expect([status, prediction?.explanation?.label]).toEqual([200, expected[i]?.label]);
      expect(words).toEqual(
        expected[i]?.words.map(({ weight, ...word }) => ({ ...word, weight: expect.closeTo(weight, 4) })),
      );
    }
    const explained = 'bertune_batch_texts_count{model="intent",task="explain"}';
    const before = await metric(explained);
    const gone = new AbortController();
    const headers = { 'content-type': 'application/json' };
    const body = JSON.stringify({ texts: Array(256).fill('my item'), explain: true });
    const asked = await metric('bertune_batch_texts_count{model="intent",task="predict"}');
    const left = fetch(`${server.url}/predict`, { method: 'POST', headers, body, signal: gone.signal });
    while ((await metric('bertune_batch_texts_count{model="intent",task="predict"}')) === asked) await sleep(1);
    gone.abort();
    await expect(left).rejects.toThrow();
    expect((await ask('/predict', { texts: ['my order'], explain: true })).status).toBe(200);
    expect((await metric(explained)) - before).toBe(1);
  });

  test('without a model the first that can; five words and one label by default', async () => {
    const { answer } = await ask('/fill-mask', { texts: ['my [MASK]'] });
    expect(answer.model).toBe('base');
    expect(answer.results?.[0]?.masks[0]?.candidates.length).toBe(5);
    expect((await ask('/predict', { texts: ['my order'] })).answer.predictions?.[0]?.scores.length).toBe(1);
  });

  test('requests that arrive together share a batch, each gets its own answer, and an error is its own', async () => {
    const alone = await Promise.all(texts.map((text) => ask('/predict', { texts: [text] })));
    const before = await metric('bertune_batch_texts_count{model="intent",task="predict"}');
    const many = Array.from({ length: 60 }, (_, i) => texts[i % texts.length] ?? '');
    // While the model is busy with these, the others arrive, however slow the machine is at asking.
    const long = { texts: Array(256).fill('where is my order '.repeat(20)) };
    const busy = Promise.all(Array.from({ length: 3 }, () => ask('/predict', long)));
    const together = await Promise.all(many.map((text) => ask('/predict', { texts: [text] })));
    await busy;
    const batches = (await metric('bertune_batch_texts_count{model="intent",task="predict"}')) - before;
    expect(batches).toBeLessThan(30);
    for (const [i, { answer }] of together.entries()) {
      const expected = alone[i % texts.length]?.answer.predictions?.[0];
      expect(answer.predictions?.[0]?.label).toBe(expected?.label);
      expect(answer.predictions?.[0]?.score).toBeCloseTo(expected?.score ?? 0, 5);
    }
    const mixed = await Promise.all(
      Array.from({ length: 20 }, (_, i) => ask('/fill-mask', { texts: [i % 2 === 0 ? 'my [MASK]' : 'my order'] })),
    );
    expect(mixed.map(({ status }) => status)).toEqual(Array.from({ length: 20 }, (_, i) => (i % 2 === 0 ? 200 : 400)));
  });

  test('a text that is longer than the model is cut for predict, and refused for fill-mask', async () => {
    const long = 'my order '.repeat(100);
    expect((await ask('/predict', { texts: [long] })).status).toBe(200);
    expect(await ask('/fill-mask', { texts: [`${long} [MASK]`] })).toEqual({
      status: 400,
      answer: { error: 'texts/0: the text has 203 tokens; the model takes 64' },
    });
  });
});

describe('requests that cannot be answered: 4xx, one line, and the server stays up', () => {
  const line = (status: number, error: string) => ({ status, answer: { error } });

  test.each([
    ['not JSON', '/predict', '{"texts": [', 400, /^the body is not JSON/],
    ['an empty body', '/predict', '', 400, /^the body is empty; send \{"texts"/],
    ['a list', '/predict', '[]', 400, /^must be object|the body/],
    ['no texts', '/predict', {}, 400, /^the body has no texts; send/],
    ['an empty list', '/predict', { texts: [] }, 400, /^texts is empty; send at least one text$/],
    ['an empty text', '/predict', { texts: ['a', ' \n'] }, 400, /^texts\/1 is empty$/],
    [
      'a number for a text',
      '/predict',
      { texts: [1] },
      400,
      /^texts\/0 must be a string, or an object with text and pair$/,
    ],
    ['a text for the list', '/predict', { texts: 'a' }, 400, /^texts must be array$/],
    ['an unknown key', '/predict', { texts: ['a'], model_name: 'x' }, 400, /^there is no "model_name" in a request/],
    ['a topK of 0', '/predict', { texts: ['a'], topK: 0 }, 400, /^topK must be >= 1$/],
    [
      'an unknown model',
      '/predict',
      { texts: ['a'], model: 'none' },
      404,
      /^no model "none" here; there is base, adapted, intent$/,
    ],
    [
      'a model of another kind',
      '/predict',
      { texts: ['a'], model: 'base' },
      400,
      /^base cannot predict, only fill-mask and embed; intent can$/,
    ],
    ['too many texts', '/predict', { texts: Array(257).fill('a') }, 400, /^texts has more than 256 texts/],
    ['a long text', '/predict', { texts: ['a'.repeat(20_001)] }, 400, /^texts\/0 has more than 20000 characters$/],
    ['a large body', '/predict', { texts: ['a'.repeat(1 << 20)] }, 413, /^the body is over 1048576 bytes/],
    ['no mask', '/fill-mask', { texts: ['a [MASK]', 'b'] }, 400, /^texts\/1: the text has no \[MASK\]/],
    [
      '10,000 masks',
      '/fill-mask',
      { texts: Array(100).fill('[MASK]'.repeat(100)) },
      400,
      /^10,000 \[MASK\] in one request; send at most 256$/,
    ],
  ])('%s', async (_, path, body, status, message) => {
    const found = await ask(path, body);
    expect(found).toEqual({ status, answer: { error: expect.stringMatching(message) } });
  });

  test('a form, another method, another path', async () => {
    const form = await fetch(`${server.url}/predict`, { method: 'POST', body: new URLSearchParams({ a: 'b' }) });
    expect([form.status, await form.json()]).toEqual([
      415,
      { error: 'the body must be JSON, with content-type: application/json' },
    ]);
    const get = await fetch(`${server.url}/predict`);
    expect([get.status, await get.json()]).toEqual([404, { error: 'there is no GET /predict; see /openapi.json' }]);
  });

  test('limits that are given', async () => {
    const small = await createServer({
      ...{ models: [at('base')], port: 0, threads: 1 },
      ...{ maxTexts: 2, maxCharacters: 30, maxMasks: 3, maxBody: 200 },
    });
    expect(await ask('/fill-mask', { texts: ['a', 'b', 'c'] }, small.url)).toEqual(
      line(400, 'texts has more than 2 texts; send them in several requests'),
    );
    expect(await ask('/fill-mask', { texts: ['[MASK]'.repeat(4)] }, small.url)).toEqual(
      line(400, '4 [MASK] in one request; send at most 3'),
    );
    expect((await ask('/fill-mask', { texts: ['a'.repeat(300)] }, small.url)).status).toBe(413);
    expect((await ask('/predict', { texts: ['a'] }, small.url)).answer.error).toBe(
      'no model here can predict, only fill-mask and embed',
    );
    await small.close();
  });

  test('callers who go away are none of the others’ business', async () => {
    for (let i = 0; i < 20; i++) {
      const socket = connect(server.port, '127.0.0.1');
      const body = JSON.stringify({ texts });
      socket.write(
        `POST /predict HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n`,
      );
      socket.write(i % 2 === 0 ? body : body.slice(5), () => socket.destroy());
    }
    await sleep(100);
    expect((await ask('/predict', { texts })).status).toBe(200);
  });
});

describe('beside the models', () => {
  test('health names the models and what they can', async () => {
    const size = tinyConfig.hiddenSize;
    const more = { maskToken: '[MASK]', pairs: null, dimensions: size, prompts: [] };
    const response = await fetch(`${server.url}/health`);
    expect([response.status, await response.json()]).toEqual([
      200,
      {
        status: 'ok',
        models: [
          { name: 'base', tasks: ['fill-mask', 'embed'], labels: null, answers: null, explains: false, ...more },
          { name: 'adapted', tasks: ['fill-mask', 'embed'], labels: null, answers: null, explains: false, ...more },
          { name: 'intent', tasks: ['predict', 'embed'], labels, answers: 'one label', explains: true, ...more },
        ],
      },
    ]);
  });

  test("metrics in Prometheus' format", async () => {
    await ask('/predict', { texts: ['a'] });
    const response = await fetch(`${server.url}/metrics`);
    expect(response.headers.get('content-type')).toMatch(/^text\/plain; version=0\.0\.4/);
    const lines = (await response.text()).split('\n').filter((text) => text !== '');
    expect(lines.filter((text) => !/^(# (HELP|TYPE) \w+ .+|\w+(\{.+\})? [-+\w.]+)$/.test(text))).toEqual([]);
    expect(await metric('bertune_http_requests_total{route="/predict",method="POST",status="200"}')).toBeGreaterThan(0);
    expect(await metric('bertune_http_request_duration_seconds_count{route="/predict"}')).toBeGreaterThan(0);
    expect(await metric('bertune_waiting_texts{model="intent"}')).toBe(0);
  });

  test('the description has every route with its schemas', async () => {
    const description = (await (await fetch(`${server.url}/openapi.json`)).json()) as Description;
    expect(description.openapi).toBe('3.1.0');
    expect(Object.keys(description.paths).sort()).toEqual([
      ...['/embed', '/fill-mask', '/health', '/metrics', '/predict'],
      ...['/v1/embeddings', '/v1/models', '/v1/models/{*}'],
    ]);
    const { requestBody, responses } = description.paths['/predict']?.post ?? {};
    const body = requestBody?.content['application/json']?.schema;
    expect(body).toMatchObject({ required: ['texts'], additionalProperties: false });
    expect(Object.keys(responses ?? {})).toEqual(['200', '400', '404', '413', '415', '503']);
  });

  test('the page asks for nothing from elsewhere', async () => {
    const response = await fetch(server.url);
    const html = await response.text();
    expect(response.headers.get('content-type')).toBe('text/html; charset=utf-8');
    expect(response.headers.get('content-security-policy')).toMatch(
      /^default-src 'none'; style-src 'sha256-.+'; script-src 'sha256-/,
    );
    expect(html).not.toMatch(/(src|href)="(?!\/|data:)/);
    expect(html).not.toContain('https://');
  });
});

interface Description {
  readonly openapi: string;
  readonly paths: Readonly<
    Record<string, { post?: { requestBody?: { content: Record<string, { schema: object }> }; responses?: object } }>
  >;
}

async function metric(name: string, url = server.url): Promise<number> {
  const text = await (await fetch(`${url}/metrics`)).text();
  const found = text.split('\n').find((line) => line.startsWith(`${name} `));
  return Number(found?.slice(name.length) ?? 0);
}

describe('starting and stopping', () => {
  test('a model that is not there, one without a head, one given twice, a port that is taken', async () => {
    const start = (models: string[], more: object = {}) => createServer({ models, port: 0, threads: 1, ...more });
    await expect(start([at('none')])).rejects.toMatchObject({
      name: 'UsageError',
      message: expect.stringMatching(/does not exist/),
    });
    await expect(start([at('base'), at('base')])).rejects.toMatchObject({
      message: `model ${at('base')} is given twice`,
    });
    await expect(start([])).rejects.toMatchObject({ name: 'UsageError' });
    const other = createTcpServer();
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
    const { port } = other.address() as { port: number };
    await expect(start([at('base')], { port })).rejects.toMatchObject({
      name: 'UsageError',
      message: `port ${port} of 127.0.0.1 is taken; choose another with port, or 0 for any free one`,
    });
    other.close();
    await expect(start([at('base')], { host: '203.0.113.7' })).rejects.toMatchObject({
      message: '203.0.113.7 is no address of this machine; choose another with host',
    });
  });

  test('where no thread can be started, the model is in this one', async () => {
    const here = await createInOneThread({ models: [at('intent')], port: 0, threads: 1 });
    const [{ answer: ours }, { answer: theirs }] = [
      await ask('/predict', { texts }, here.url),
      await ask('/predict', { texts }),
    ];
    expect(ours).toEqual(theirs);
    await here.close();
    await expect(createInOneThread({ models: [at('none')], port: 0 })).rejects.toThrow(UsageError);
  });

  test('a caller that never sends the rest of its request does not keep the server from stopping', async () => {
    const here = await createInOneThread({ models: [at('intent')], port: 0, threads: 1 });
    const socket = connect(here.port, '127.0.0.1');
    const gone = new Promise((resolve) => socket.on('close', resolve));
    socket.on('error', () => {});
    socket.write('POST /predict HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 99\r\n\r\n{');
    while ((await metric('bertune_http_requests_in_progress', here.url)) < 2) await sleep(5);
    await here.close();
    await gone;
  });

  test('SIGTERM: what is under way is answered, health answers meanwhile, the process ends with 0', async () => {
    const command = await builtCommand();
    const words = ['serve', '--model', at('intent'), at('base'), '--port', '0', '--threads', '1', '--json'];
    const child = spawn(process.execPath, [command, ...words], { stdio: ['ignore', 'pipe', 'pipe'] });
    const ended = new Promise<number | null>((resolve) => child.on('close', resolve));
    const first = await new Promise<string>((resolve) => child.stdout.once('data', (data) => resolve(String(data))));
    const { url, models } = JSON.parse(first);
    expect(models.map(({ name }: { name: string }) => name)).toEqual(['intent', 'base']);
    const many = await manyUnderWay(url);
    const health = await fetch(`${url}/health`);
    expect(health.status).toBe(200);
    child.kill('SIGTERM');
    const answers = await Promise.all(many);
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
    expect(await ended).toBe(0);
    await expect(fetch(`${url}/health`)).rejects.toThrow();
  });

  /** Requests that have all come in, some of which are not answered yet; a slow client needs more of them for that. */
  async function manyUnderWay(url: string): Promise<ReturnType<typeof ask>[]> {
    const body = { texts: Array(256).fill('where is my order') };
    const answered = 'bertune_http_requests_total{route="/predict",method="POST",status="200"}';
    for (let count = 12, before = 0; ; before += count, count *= 2) {
      const many = Array.from({ length: count }, () => ask('/predict', body, url));
      let arrived = 0;
      let underWay = 0;
      while (arrived < before + count) {
        // In this order none counts twice. The request for the metrics is one more.
        const done = await metric(answered, url);
        underWay = (await metric('bertune_http_requests_in_progress', url)) - 1;
        arrived = underWay + done;
      }
      if (underWay > 0) return many;
      await Promise.all(many);
    }
  }
});
