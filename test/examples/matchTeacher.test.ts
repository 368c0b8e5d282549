import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, test } from 'vitest';
import { loadModel } from '../../src/jobs/model.ts';
import { messages, saveTinyModel } from '../jobs/tiny.ts';
import { temporaryFolder } from '../temporary.ts';
import { matchTeacher } from './matchTeacher.ts';

const folder = temporaryFolder();
const teacher = 'checkpoints/bert-mini-sentences';
const at = (name: string) => join(folder, name);
const texts = messages(400);
const unseen = messages(60, 99);

describe('the example of an objective of one own', () => {
  let result: Awaited<ReturnType<typeof matchTeacher>>;

  beforeAll(async () => {
    await saveTinyModel(at('student'));
    const options = { model: at('student'), output: at('taught'), epochs: 20, learningRate: 2e-3, dropout: 0 };
    result = await matchTeacher(options, teacher, texts);
  });

  test('lowers the loss of texts it has not seen', () => {
    expect(result.lossBefore).toBeGreaterThan(1);
    expect(result.lossAfter).toBeLessThan(0.5 * (result.lossBefore ?? 0));
    expect(result.steps).toBe(20 * Math.ceil(360 / 32));
  });

  test('brings the order of the distances between unseen texts to the order that the teacher has', async () => {
    const similarities = async (path: string) => {
      const model = await loadModel(path);
      const vectors = await model.embed(unseen).finally(() => model.dispose());
      return vectors.flatMap((a, i) => vectors.slice(0, i).map((b) => cosine(a, b)));
    };
    const wanted = await similarities(teacher);
    const before = correlation(await similarities(at('student')), wanted);
    const after = correlation(await similarities(at('taught')), wanted);
    expect(after).toBeGreaterThan(before + 0.1);
  });

  test('leaves a masked language model, without what the objective had beside it', async () => {
    const model = await loadModel(at('taught'));
    const { masks } = await model.fillMask('where is my [MASK] ?').finally(() => model.dispose());
    expect(masks[0]?.candidates).toHaveLength(5);
    expect(readFileSync(at('taught/model.safetensors'), 'latin1')).not.toContain('toTeacher');
  });

  test('is at most sixty lines long, and stands so in the documentation', () => {
    const source = readFileSync(fileURLToPath(new URL('matchTeacher.ts', import.meta.url)), 'utf8');
    expect(source.trimEnd().split('\n').length).toBeLessThanOrEqual(60);
    expect(readFileSync('src/docs/own-objectives.md', 'utf8')).toContain(`\`\`\`ts\n${source}\`\`\``);
  });
});

function cosine(a: Float32Array, b: Float32Array): number {
  return dot(a, b) / Math.sqrt(dot(a, a) * dot(b, b));
}

function dot(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += (a[i] as number) * (b[i] as number);
  return sum;
}

/** Pearson's, of the ranks: Spearman's. */
function correlation(a: readonly number[], b: readonly number[]): number {
  const [x, y] = [centred(ranks(a)), centred(ranks(b))];
  return dot(x, y) / Math.sqrt(dot(x, x) * dot(y, y));
}

function ranks(values: readonly number[]): number[] {
  const order = values.map((_, i) => i).sort((i, j) => (values[i] as number) - (values[j] as number));
  const found = new Array<number>(values.length);
  order.forEach((place, rank) => {
    found[place] = rank;
  });
  return found;
}

function centred(values: readonly number[]): number[] {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  return values.map((value) => value - mean);
}
