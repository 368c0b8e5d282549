import { expect, test } from 'vitest';
import { gradients } from '../../src/graph/gradients.ts';
import { objectiveGraph } from '../../src/tasks/text/graph.ts';
import { maskedTokens } from '../../src/tasks/text/objectives/maskedTokens.ts';
import type { TrainingTask } from '../../src/train/task.ts';
import { messages, tinyModel } from '../jobs/tiny.ts';
import { classificationTask, maskedLmTask, tinyCorpus, tinyMasking, trained } from './tiny.ts';

const dropout = { hiddenDropout: 0.1, attentionDropout: 0.2, labels: ['asks', 'wants'] };

const tasks: readonly [string, (recompute: boolean) => Promise<TrainingTask>][] = [
  [
    'masked LM',
    async (recompute) => {
      const corpus = await tinyCorpus(messages(60), 30);
      return maskedLmTask(corpus, { rows: 4, width: 32, recompute, model: tinyModel(dropout) });
    },
  ],
  ['classification', async (recompute) => classificationTask(2, { recompute, model: tinyModel(dropout) })],
];

const options = { steps: 6, learningRate: 1e-3, maxGradientNorm: 1 };

test.each(tasks)('%s: the same numbers to the bit, dropout on', async (_, make) => {
  const [kept, recomputed] = [await trained(await make(false), options), await trained(await make(true), options)];
  expect(recomputed.records.map(({ loss, gradientNorm }) => [loss, gradientNorm])).toEqual(
    kept.records.map(({ loss, gradientNorm }) => [loss, gradientNorm]),
  );
  for (const [name, values] of recomputed.parameters) expect(values, name).toEqual(kept.parameters.get(name));
});

test.each(['gelu', 'gelu_new', 'relu'] as const)('%s: nothing within a layer is kept', (activation) => {
  const model = tinyModel({ ...dropout, activation });
  const [objective, shape] = [maskedTokens(tinyMasking()), { rows: 2, width: 16 }];
  const { graph, loss, parameters } = objectiveGraph(model, objective, shape, { words: 8 }, { training: true });
  const forward = new Set(graph.nodes);
  gradients(loss, [...parameters.values()], { recompute: true }).forEach((gradient, i) => {
    graph.output(`gradient ${i}`, gradient);
  });
  const layers = [...forward].filter(({ place }) => place.segment !== undefined);
  const ends = layers.filter((node, i) => node.place.segment !== layers[i + 1]?.place.segment);
  const read = new Set(graph.liveNodes().flatMap((node) => (forward.has(node) ? [] : node.inputs)));
  const kept = layers.filter((node) => !ends.includes(node) && node.outputs.some((output) => read.has(output)));
  expect(ends).toHaveLength(model.config.layers);
  expect(kept.map(({ op }) => op)).toEqual([]);
});
