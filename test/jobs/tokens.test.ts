import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { randomBelow } from '../../src/core/random.ts';
import { evaluate } from '../../src/jobs/evaluate.ts';
import { finetune } from '../../src/jobs/finetune.ts';
import { inspect } from '../../src/jobs/inspect.ts';
import { loadModel } from '../../src/jobs/model.ts';
import { predict } from '../../src/jobs/predict.ts';
import { predictFile } from '../../src/jobs/predictFile.ts';
import type { FinetuneOptions, TokensResult } from '../../src/jobs/types.ts';
import { createServer } from '../../src/server/server.ts';
import { temporaryFolder } from '../temporary.ts';
import { listening } from './runs.ts';
import { saveTinyClassifier, saveTinyModel } from './tiny.ts';

const folder = temporaryFolder();
const at = (name: string) => join(folder, name);

/** Texts with codes of orders and what was ordered: text `i` is a function of `i` and the seed. */
function orders(count: number, seed: number) {
  return Array.from({ length: count }, (_, i) => {
    const draw = (limit: number, j: number) => randomBelow(limit, seed, 'corpus', i, j);
    const code = Array.from({ length: 2 + draw(3, 1) }, (_, j) => 'abcdefgh'[draw(8, 10 + j)]).join('');
    const thing = ['card', 'parcel', 'invoice', 'item'][draw(4, 2)] ?? '';
    const parts = ['🙂 ', 'where is order '].slice(draw(2, 3));
    const text = `${parts.join('')}${code}, the ${thing}, please ?`;
    const start = text.indexOf(code, text.indexOf('order ') + 6);
    const place = text.indexOf(thing);
    return {
      text,
      entities: [
        { start, end: start + code.length, label: 'CODE' },
        { start: place, end: place + thing.length, label: 'THING' },
      ],
    };
  });
}

const trained = orders(120, 1);
const seen = new Set(trained.map(({ text }) => text));
const held = orders(60, 2)
  .filter(({ text }) => !seen.has(text))
  .slice(0, 40);
const jsonl = (rows: readonly object[]) => `${rows.map((row) => JSON.stringify(row)).join('\n')}\n`;
const conll = (rows: ReturnType<typeof orders>) =>
  rows
    .map(({ text, entities }) => {
      const words = [...text.matchAll(/[a-z]+|[^\sa-z]+/g)];
      return words
        .map(({ 0: word, index }) => {
          const entity = entities.find(({ start, end }) => index >= start && index < end);
          return `${word} ${entity ? `S-${entity.label}` : 'O'}`;
        })
        .join('\n');
    })
    .join('\n\n');

/** What the server answers. */
interface Served {
  readonly predictions: { entities: { start: number; text: string }[] }[];
}

let runs = 0;
const options = (more: Partial<FinetuneOptions> = {}) => ({
  ...{ model: at('tiny'), train: { files: [at('train.jsonl')] }, eval: { files: [at('held.jsonl')] } },
  ...{ output: at(`run-${++runs}`), threads: 1, offsets: 'utf-16' as const, ...more, task: 'tokens' as const },
});

beforeAll(async () => {
  await saveTinyModel(at('tiny'));
  await saveTinyClassifier(at('intent'), ['a', 'b']);
  writeFileSync(at('train.jsonl'), jsonl(trained));
  writeFileSync(at('held.jsonl'), jsonl(held));
  writeFileSync(at('train.conll'), conll(trained));
});

describe('labels on tokens', () => {
  test('are learned, and the model measures and finds as it was measured', async () => {
    const hooks = listening();
    const result = await finetune(options({ output: at('tuned') }), hooks);
    expect(result.tried?.map(({ method }) => method)).toEqual(['frozen', 'finetune']);
    expect(result.entities.micro.f1).toBeGreaterThan(0.9);
    expect(result.entities.types.map(({ label, support }) => [label, support])).toEqual([
      ['CODE', 40],
      ['THING', 40],
    ]);
    expect(result.labels).toEqual(['CODE', 'THING']);
    const again = (await evaluate({
      model: at('tuned'),
      data: { files: [at('held.jsonl')] },
      offsets: 'utf-16',
      threads: 1,
    })) as TokensResult;
    expect(again.entities.micro).toEqual(result.entities.micro);
    expect(again.loss).toBeCloseTo(result.loss, 4);
    const model = await loadModel(at('tuned'), { threads: 1 });
    const found = await model.entities(held.map(({ text }) => text));
    const right = found.flatMap((list, i) =>
      list.filter(({ start, end, label }) =>
        held[i]?.entities.some((one) => one.start === start && one.end === end && one.label === label),
      ),
    );
    expect(right).toHaveLength(Math.round(result.entities.micro.recall * 80));
    await model.dispose();
    const config = JSON.parse(readFileSync(at('tuned/config.json'), 'utf8'));
    expect(config).toMatchObject({ architectures: ['BertForTokenClassification'], tag_scheme: 'IOB2' });
    expect(Object.values(config.id2label)).toEqual(['O', 'B-CODE', 'I-CODE', 'B-THING', 'I-THING']);
    expect(config.problem_type).toBeUndefined();
    expect(readFileSync(at('tuned/README.md'), 'utf8')).toContain('| CODE |');
    expect(await inspect({ model: at('tuned') })).toMatchObject({ heads: ['tokenClassifier'], reads: null });
  });

  test('are fitted to the encoder as it is, from columns too', async () => {
    const result = await finetune(
      options({
        method: 'frozen',
        train: { files: [at('train.conll')] },
        eval: undefined,
        evalFraction: 0.2,
        offsets: undefined,
      }),
    );
    expect(result).toMatchObject({ method: 'frozen', steps: 0, texts: 24 });
    expect(result.entities.micro.f1).toBeGreaterThan(0.5);
    expect(result.head?.scored).toBeGreaterThan(0);
  });

  test('go on from a model that has them', async () => {
    const hooks = listening();
    const result = await finetune(options({ model: at('tuned'), maxSteps: 2 }), hooks);
    expect(hooks.notes()).toContain('the model has a token classifier for these labels, which is trained on');
    expect(result.steps).toBe(2);
    expect(result.entities.micro.f1).toBeGreaterThan(0.9);
  });

  test('of a text longer than the model takes are found behind its end', async () => {
    const model = await loadModel(at('tuned'), { threads: 1 });
    const [one] = held;
    const long = `${'please '.repeat(150)}${one?.text}`;
    const [found = []] = await model.entities([long]);
    expect(
      found.some(
        ({ start, text }) => start > 900 && text === one?.text.slice(one.entities[0]?.start, one.entities[0]?.end),
      ),
    ).toBe(true);
    for (const { start, end, text } of found) expect(long.slice(start, end)).toBe(text);
    await model.dispose();
  });

  test('are predicted with places as asked, in lines and in files', async () => {
    const input = { files: [at('held.jsonl')] };
    const places = async (offsets?: 'utf-16') => {
      const all: number[][] = [];
      for await (const one of predict({ model: at('tuned'), input, offsets, threads: 1 })) {
        all.push('entities' in one ? one.entities.map(({ start }) => start) : []);
      }
      return all;
    };
    const [points, units] = [await places(), await places('utf-16')];
    const wide = held.findIndex(({ text }) => text.startsWith('🙂'));
    expect(units[wide]?.map((start) => start - 1)).toEqual(points[wide]);
    const output = at('found.jsonl');
    const result = await predictFile({
      model: at('tuned'),
      input: { files: [`SELECT text FROM '${at('held.jsonl')}'`] },
      output,
      threads: 1,
    });
    expect(result.added).toEqual(['entities']);
    const rows = readFileSync(output, 'utf8')
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(rows.map(({ entities }) => entities.map((one: { start: number }) => one.start))).toEqual(points);
  });

  test('are served', async () => {
    const server = await createServer({ models: [at('tuned')], port: 0, threads: 1 });
    const ask = async (body: object) => {
      const response = await fetch(`${server.url}/predict`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(body),
      });
      return (await response.json()) as Served;
    };
    const text = `🙂 where is order abc, the card, please ?`;
    const at0 = (answer: Served) => answer.predictions[0]?.entities[0];
    const [points, units] = [at0(await ask({ texts: [text] })), at0(await ask({ texts: [text], offsets: 'utf-16' }))];
    expect(points?.text).toBe(units?.text);
    expect((units?.start ?? 0) - (points?.start ?? 0)).toBe(1);
    await server.close();
  });
});

describe('what is refused', () => {
  test.each([
    [{ method: 'hybrid' }, 'method hybrid labels whole texts'],
    [{ labelsPerClass: 3 }, 'labelsPerClass is for labels on whole texts, not for task tokens'],
  ] as const)('%j', async (more, message) => {
    await expect(finetune(options(more))).rejects.toThrow(message);
  });

  test('a model of another kind, and labels that the model has not', async () => {
    const model = await loadModel(at('intent'), { threads: 1 });
    await expect(model.entities(['a'])).rejects.toThrow('no token classification head, which labels on tokens needs');
    await model.dispose();
    writeFileSync(at('other.jsonl'), jsonl([{ text: 'my card', entities: [[3, 7, 'OTHER']] }]));
    await expect(evaluate({ model: at('tuned'), data: { files: [at('other.jsonl')] }, threads: 1 })).rejects.toThrow(
      'data has OTHER, which is no label of',
    );
    const tagged = await loadModel(at('tuned'), { threads: 1 });
    await expect(tagged.classify(['a'])).rejects.toThrow(
      'answers with parts of texts, which classify does not; use entities',
    );
    await tagged.dispose();
  });
});
