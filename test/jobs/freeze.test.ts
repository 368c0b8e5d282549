import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { gradients } from '../../src/graph/gradients.ts';
import { adapt } from '../../src/jobs/adapt.ts';
import { finetune } from '../../src/jobs/finetune.ts';
import { objectiveGraph } from '../../src/tasks/text/graph.ts';
import { TestFolder } from '../data/files.ts';
import { readTensors, recordedObjectives } from '../models/fixtures.ts';
import { listening, weightsOf } from './runs.ts';
import { labeledCsv, labeledMessages, messages, saveTinyModel, tinyModel } from './tiny.ts';

const folder = new TestFolder();
const at = (...names: string[]) => join(folder.path, ...names);
const jobs = {
  adapt: (output: string, more: object) =>
    adapt({ ...common(output), corpus: { files: [at('corpus.txt')] }, batchTokens: 256, ...more }),
  finetune: (output: string, more: object) =>
    finetune({ ...common(output), method: 'finetune', train: { files: [at('labeled.csv')] }, batchSize: 8, ...more }),
};

beforeAll(async () => {
  await folder.create();
  await saveTinyModel(at('tiny'));
  await folder.write('corpus.txt', messages(80).join('\n'));
  await folder.write('labeled.csv', labeledCsv(labeledMessages(40)));
});
afterAll(() => folder.remove());

describe.each(['adapt', 'finetune'] as const)('%s', (name) => {
  test.each([
    ['the embeddings', { freeze: 'embeddings' }, ['embeddings.']],
    ['the embeddings and the first layer', { freezeLayers: 1 }, ['embeddings.', 'encoder.layer.0.']],
  ] as const)('leaves %s as they are and trains the rest', async (_, more, prefixes) => {
    const output = at(`${name}-${prefixes.length}`);
    await jobs[name](output, more);
    const [before, after] = [await stored(at('tiny')), await stored(output)];
    for (const [key, values] of after) {
      const start = before.get(key);
      if (!start || key.endsWith('key.bias')) continue;
      const isFrozen = prefixes.some((prefix) => key.includes(prefix));
      expect(Buffer.from(values.buffer).equals(Buffer.from(start.buffer)), key).toBe(isFrozen);
    }
  });

  test('stopped and resumed, ends as if never stopped', async () => {
    const [whole, stopped] = [at(`${name}-whole`), at(`${name}-stopped`)];
    await jobs[name](whole, { freezeLayers: 1 });
    const hooks = listening(3);
    const options = { freezeLayers: 1, output: stopped };
    const run = (more: object, given = hooks) =>
      name === 'adapt'
        ? adapt(
            { ...common(stopped), ...options, corpus: { files: [at('corpus.txt')] }, batchTokens: 256, ...more },
            given,
          )
        : finetune(
            {
              ...common(stopped),
              ...options,
              method: 'finetune',
              train: { files: [at('labeled.csv')] },
              batchSize: 8,
              ...more,
            },
            given,
          );
    await expect(run({})).rejects.toThrow('stopped after step 3');
    await expect(run({ resume: true, freezeLayers: undefined, freeze: 'embeddings' }, listening())).rejects.toThrow(
      'freezeLayers',
    );
    await run({ resume: true }, listening());
    expect(weightsOf(stopped).equals(weightsOf(whole))).toBe(true);
  });

  test('more layers than the model has', async () => {
    await expect(jobs[name](at('never'), { freezeLayers: 3 })).rejects.toThrow(
      "freezeLayers 3 is more than the model's 2 layers",
    );
  });
});

test('the backward half of what is frozen is not built', () => {
  const model = tinyModel();
  const backwardNodes = (layers: number | undefined) => {
    const names = layers === undefined ? new Set<string>() : model.frozen(layers);
    const frozen = Object.fromEntries([...names].map((name) => [name, true]));
    const options = { training: true, frozen };
    const shape = { rows: 2, width: 16 };
    const { graph, loss, parameters } = objectiveGraph(
      model,
      recordedObjectives.maskedLm,
      shape,
      { words: 8 },
      options,
    );
    graph.output('loss', loss);
    const forward = graph.liveNodes().length;
    gradients(loss, [...parameters.values()]).forEach((gradient, i) => {
      graph.output(`gradient ${i}`, gradient);
    });
    return graph.liveNodes().length - forward;
  };
  const [all, noEmbeddings, oneLayer, head] = [undefined, 0, 1, 2].map(backwardNodes);
  expect(all).toBeGreaterThan(noEmbeddings ?? 0);
  expect(noEmbeddings).toBeGreaterThan(1.7 * (oneLayer ?? 0));
  expect(oneLayer).toBeGreaterThan(3 * (head ?? 0));
});

function common(output: string) {
  return { model: at('tiny'), output, threads: 1, learningRate: 1e-3, maxLength: 32, maxSteps: 8, seed: 5 };
}

function stored(path: string): Promise<Map<string, Float32Array>> {
  return readTensors(join(path, 'model.safetensors'));
}
