import { cpSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import OpenAI, { BadRequestError, NotFoundError } from 'openai';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { loadModel } from '../../src/jobs/model.ts';
import type { createServer as CreateServer, Server } from '../../src/server/server.ts';
import { builtCommand } from '../cli/build.ts';
import { saveTinyModel } from '../jobs/tiny.ts';
import { expectedVectors, folderNamed, largestDifference, texts } from '../sentenceFolders.ts';
import { temporaryFolder } from '../temporary.ts';

/** Vectors over HTTP: our own route, and OpenAI's with its own client. */

const folder = temporaryFolder();
const at = (name: string) => join(folder, name);
let createServer: typeof CreateServer;
let server: Server;

// Threads run the built package alone.
beforeAll(async () => {
  const root = join(await builtCommand(), '../..');
  ({ createServer } = await import(pathToFileURL(join(root, 'index.js')).href));
  for (const name of ['prompts', 'dense-two', 'without-prompt', 'classifier', 'truncated']) {
    cpSync(folderNamed(name), at(name), { recursive: true });
  }
  await saveTinyModel(at('plain'));
  const names = ['prompts', 'dense-two', 'without-prompt', 'classifier', 'truncated', 'plain'];
  server = await createServer({ models: names.map(at), port: 0, threads: 1 });
});
afterAll(() => server.close());

async function ask(path: string, body?: unknown): Promise<{ status: number; answer: Answer }> {
  const response = await fetch(server.url + path, {
    ...(body === undefined ? {} : { method: 'POST', body: typeof body === 'string' ? body : JSON.stringify(body) }),
    headers: body === undefined ? {} : { 'content-type': 'application/json' },
  });
  return { status: response.status, answer: (await response.json()) as Answer };
}

interface Answer {
  readonly error?: unknown;
  readonly model?: string;
  readonly dimensions?: number;
  readonly embeddings?: number[][];
  readonly object?: string;
  readonly data?: { object: string; index: number; embedding: number[] | string }[];
  readonly usage?: { prompt_tokens: number; total_tokens: number };
}

const rows = (vectors: readonly number[][] | undefined) => (vectors ?? []).map((vector) => Float32Array.from(vector));
const client = () => new OpenAI({ baseURL: `${server.url}/v1`, apiKey: 'none', maxRetries: 0 });
const line = (status: number, error: string) => ({ status, answer: { error } });

describe('POST /embed', () => {
  test('the vectors of sentence-transformers, blank texts among them, prompts and fewer numbers as asked', async () => {
    for (const [number, options] of [
      {},
      { prompt: 'query' },
      { promptText: 'please ' },
      { promptText: '' },
      { prompt: 'query', truncateDimensions: 8 },
    ].entries()) {
      const { status, answer } = await ask('/embed', { model: 'prompts', texts, ...options });
      expect(status).toBe(200);
      const expected = await expectedVectors('prompts', number);
      expect(largestDifference(rows(answer.embeddings), expected), JSON.stringify(options)).toBeLessThan(1e-5);
      expect(answer).toMatchObject({ model: 'prompts', dimensions: expected[0]?.length });
    }
    expect(await ask('/embed', { texts: ['order'], promptText: false })).toEqual(
      await ask('/embed', { texts: ['order'], promptText: '' }),
    );
  });

  test('of a folder that keeps the first numbers: these, or as many as are asked for', async () => {
    for (const [number, options] of [{}, { truncateDimensions: 4 }, { truncateDimensions: 20 }].entries()) {
      const { answer } = await ask('/embed', { model: 'truncated', texts, ...options });
      const expected = await expectedVectors('truncated', number);
      expect(largestDifference(rows(answer.embeddings), expected)).toBeLessThan(1e-5);
    }
  });

  test.each(['plain', 'classifier'])('of a model with another head, %s: those of embed', async (name) => {
    const model = await loadModel(at(name), { threads: 1 });
    const { answer } = await ask('/embed', { model: name, texts });
    expect(largestDifference(rows(answer.embeddings), await model.embed(texts))).toBeLessThan(1e-6);
    await model.dispose();
  });

  test('callers with other prompts and sizes share a batch; each gets its own, and an error is its own', async () => {
    const options = [
      {},
      { prompt: 'query' },
      { promptText: 'please ' },
      { truncateDimensions: 3 },
      { prompt: 'none' },
      { promptText: true },
    ];
    const model = await loadModel(at('without-prompt'), { threads: 1 });
    const expected = [
      await model.embed(['order']),
      await model.embed(['order'], { prompt: 'query' }),
      await model.embed(['order'], { promptText: 'please ' }),
      await model.embed(['order'], { truncateDimensions: 3 }),
    ];
    await model.dispose();
    const body = (i: number) => ({ model: 'without-prompt', texts: ['order'], ...options[i % options.length] });
    const batches = async () => {
      const metrics = await (await fetch(`${server.url}/metrics`)).text();
      return Number(/bertune_batch_texts_count\{model="without-prompt",task="embed"\} (\d+)/.exec(metrics)?.[1] ?? 0);
    };
    const before = await batches();
    // While the model is busy with these, the others arrive.
    const long = Array.from({ length: 256 }, (_, i) => `${'where is my order '.repeat(20)} ${i}`);
    const busy = Promise.all([1, 2, 3].map(() => ask('/embed', { model: 'without-prompt', texts: long })));
    const together = await Promise.all(Array.from({ length: 60 }, (_, i) => ask('/embed', body(i))));
    await busy;
    // How many find the model busy goes by the machine; that some do is what is held.
    const answered = 3 + together.filter(({ status }) => status === 200).length;
    expect((await batches()) - before).toBeLessThan(answered);
    for (const [i, { status, answer }] of together.entries()) {
      const wanted = expected[i % options.length];
      expect(status).toBe(wanted ? 200 : 400);
      if (wanted) expect(largestDifference(rows(answer.embeddings), wanted)).toBeLessThan(1e-6);
    }
    expect(together[4]).toEqual(
      line(400, 'without-prompt has no prompt "none": it has document, glued, passage, query'),
    );
    expect(together[5]).toEqual(line(400, expect.stringMatching(/^promptText must be /)));
  });

  test.each([
    ['no texts', { model: 'plain' }, 400, 'the body has no texts; send {"texts": ["..."]}'],
    ['an empty list', { texts: [] }, 400, 'texts is empty; send at least one text'],
    ['another key', { texts: ['a'], topK: 3 }, 400, 'there is no "topK" in a request; see /openapi.json'],
    ['an unknown model', { texts: ['a'], model: 'none' }, 404, /^no model "none" here; there is prompts, dense-two/],
    [
      'more numbers than there are',
      { texts: ['a'], model: 'plain', truncateDimensions: 33 },
      400,
      'truncateDimensions 33 is over the 32 numbers of a vector of plain',
    ],
    [
      'a prompt of a model without',
      { texts: ['a'], model: 'plain', prompt: 'query' },
      400,
      /plain has no prompt "query"/,
    ],
    ['two prompts', { texts: ['a'], prompt: 'query', promptText: 'x' }, 400, 'give prompt or promptText, not both'],
    ['a long text', { texts: ['a'.repeat(20_001)] }, 400, 'texts/0 has more than 20000 characters'],
    ['too many texts', { texts: Array(257).fill('a') }, 400, /^texts has more than 256 texts/],
  ])('%s', async (_, body, status, message) => {
    const error = typeof message === 'string' ? message : expect.stringMatching(message);
    expect(await ask('/embed', body)).toEqual({ status, answer: { error } });
  });
});

describe("OpenAI's API, by its client", () => {
  test.each(['float', 'base64', undefined] as const)('vectors as %s, in order', async (encoding) => {
    const found = await client().embeddings.create({
      ...{ model: 'dense-two', input: [...texts], user: 'somebody' },
      ...(encoding ? { encoding_format: encoding } : {}),
    });
    expect(found).toMatchObject({ object: 'list', model: 'dense-two' });
    expect(found.data.map(({ index, object }) => [index, object])).toEqual(texts.map((_, i) => [i, 'embedding']));
    const vectors = found.data.map(({ embedding }): number[] =>
      typeof embedding === 'string' ? floatsOf(embedding) : embedding,
    );
    expect(largestDifference(rows(vectors), await expectedVectors('dense-two', 0))).toBeLessThan(1e-5);
  });

  test('one text, fewer numbers, and the tokens that were read', async () => {
    const [input] = ['where is my parcel?'];
    const model = await loadModel(at('prompts'), { threads: 1 });
    const [vector] = await model.embed([input], { truncateDimensions: 4 });
    // By default texts begin with the prompt, which is read, too.
    const { prompts } = JSON.parse(readFileSync(at('prompts/config_sentence_transformers.json'), 'utf8'));
    const tokens = model.tokens(`${prompts.passage}${input}`).length;
    await model.dispose();
    const found = await client().embeddings.create({ model: 'prompts', input, dimensions: 4 });
    expect(found.data[0]?.embedding.length).toBe(4);
    expect(largestDifference(rows([found.data[0]?.embedding ?? []]), [vector as Float32Array])).toBeLessThan(1e-6);
    expect(found.usage).toEqual({ prompt_tokens: tokens, total_tokens: tokens });
    const long = await client().embeddings.create({ model: 'plain', input: ['order '.repeat(500), 'order'] });
    expect(long.usage.prompt_tokens).toBe(64 + 3);
  });

  test('the models', async () => {
    const ids: string[] = [];
    for await (const model of client().models.list()) ids.push(model.id);
    expect(ids).toEqual(['prompts', 'dense-two', 'without-prompt', 'classifier', 'truncated', 'plain']);
    expect(await client().models.retrieve('plain')).toMatchObject({ id: 'plain', object: 'model' });
    await expect(client().models.retrieve('none')).rejects.toThrow(NotFoundError);
  });

  test('a name that is no model’s is never answered by another one', async () => {
    const asked = client().embeddings.create({ model: 'text-embedding-3-small', input: 'order' });
    await expect(asked).rejects.toMatchObject({
      ...{ status: 404, code: 'model_not_found', param: 'model', type: 'invalid_request_error' },
      message: expect.stringMatching(/no model "text-embedding-3-small" here; there is prompts, dense-two, /),
    });
  });

  test.each([
    [
      'tokens',
      { input: [1, 2] },
      400,
      'input',
      /^input\/0 is no text; the numbers of tokens .+check_embedding_ctx_length/,
    ],
    ['lists of tokens', { input: [[1, 2]] }, 400, 'input', /^input\/0 is no text/],
    ['no input', { model: 'plain' }, 400, 'input', /^the body has no input; send \{"input"/],
    ['nothing', { input: [] }, 400, 'input', /^input is empty; send at least one text$/],
    [
      'another encoding',
      { input: 'a', encoding_format: 'hex' },
      400,
      'encoding_format',
      /must be one of float, base64$/,
    ],
    ['another key', { input: 'a', truncate: 'END' }, 400, 'truncate', /^there is no "truncate" in a request/],
    ['dimensions', { input: 'a', model: 'plain', dimensions: 33 }, 400, 'dimensions', /^dimensions 33 is over the 32/],
    ['not JSON', '{"input": ', 400, null, /^the body is not JSON/],
    ['a large body', { input: 'a'.repeat(1 << 20) }, 413, null, /^the body is over 1048576 bytes/],
  ])('%s', async (_, body, status, param, message) => {
    expect(await ask('/v1/embeddings', body)).toEqual({
      status,
      answer: {
        error: { message: expect.stringMatching(message), type: 'invalid_request_error', param, code: null },
      },
    });
  });

  test('what else the API has is not here, said in its shape', async () => {
    await expect(
      client().chat.completions.create({ model: 'plain', messages: [{ role: 'user', content: 'a' }] }),
    ).rejects.toMatchObject({ status: 404, message: expect.stringContaining('there is no POST /v1/chat/completions') });
    await expect(client().embeddings.create({ model: 'plain', input: [] })).rejects.toThrow(BadRequestError);
  });
});

function floatsOf(base64: string): number[] {
  const bytes = Buffer.from(base64, 'base64');
  return Array.from({ length: bytes.length / 4 }, (_, i) => bytes.readFloatLE(4 * i));
}
