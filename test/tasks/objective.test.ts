import { describe, expect, test } from 'vitest';
import { onnxEngine } from '../../src/engine/onnx/engine.ts';
import { softmax } from '../../src/evaluation/classification.ts';
import * as ops from '../../src/graph/functions.ts';
import { pooledBy } from '../../src/models/text/sentence/pooling.ts';
import { linear } from '../../src/nn/layers.ts';
import { asTensors, initialValue, linearSpecs } from '../../src/nn/parameters.ts';
import { placesIn, textBatch } from '../../src/tasks/text/batch.ts';
import { objectiveGraph, objectiveParameters } from '../../src/tasks/text/graph.ts';
import { TextInference } from '../../src/tasks/text/inference.ts';
import type { Objective } from '../../src/tasks/text/objective.ts';
import { frameOf } from '../../src/text/frame.ts';
import { tinyModel } from '../jobs/tiny.ts';

/** A text with all that four terms ask of it, places counted without the special tokens. */
interface Example {
  readonly ids: readonly number[];
  readonly vector: readonly number[];
  readonly label: number;
  readonly score: number;
  readonly masks: readonly number[];
}

const frame = frameOf([2], [3], 0);
const model = tinyModel({ labels: ['a', 'b', 'c'], hiddenDropout: 0, attentionDropout: 0 });

/** Every way of reading hidden states in one objective: of the first token, of chosen ones, their mean; two targets' types. */
const objective: Objective<Example> = {
  name: 'all terms',
  metric: { name: 'loss', goal: 'lower' },
  terms: {
    vector: {
      head: 'pooled',
      target: { dtype: 'float32', size: () => 3 },
      parameters: ({ hiddenSize }) => linearSpecs('map', hiddenSize, 3),
      loss: (means, targets, scope) => squared(ops.subtract(linear(scope, 'map', means), targets)),
    },
    label: { head: 'oneLabel', target: { dtype: 'int32' }, loss: (logits, labels) => ops.crossEntropy(logits, labels) },
    first: {
      head: 'pooled',
      reads: 'first',
      target: { dtype: 'float32', size: () => 1 },
      parameters: ({ hiddenSize }) => linearSpecs('score', hiddenSize, 1),
      loss: (hidden, targets, scope) => squared(ops.subtract(linear(scope, 'score', hidden), targets)),
    },
    words: { head: 'maskedLm', target: { dtype: 'int32' }, loss: (logits, ids) => ops.crossEntropy(logits, ids) },
  },
  read: ({ ids, vector, label, score, masks }) => ({
    ids,
    asked: {
      vector: { targets: vector, weight: 2 },
      label: { targets: [label], weight: label + 1 },
      first: { targets: [score] },
      words: { places: masks, targets: masks.map((place) => (ids[place] as number) + 1), weight: 0.5 },
    },
  }),
};

function squared(x: ReturnType<typeof ops.add>) {
  return ops.sum(ops.multiply(x, x), [1]);
}

const examples: Example[] = [
  { ids: [10, 11, 12, 13, 14], vector: [0.5, -1, 2], label: 1, score: 0.3, masks: [0, 4] },
  { ids: [20], vector: [0, 0.25, -0.5], label: 0, score: -1.5, masks: [] },
  { ids: [30, 31, 32], vector: [1, 1, 1], label: 2, score: 2, masks: [1] },
  { ids: [40, 41, 42, 43, 44, 45, 46], vector: [-2, 0, 0.1], label: 1, score: 0, masks: [6, 2, 3] },
];

describe('a loss of several terms', () => {
  const specs = objectiveParameters(model, objective);
  const values = new Map(specs.map((spec) => [spec.name, initialValue(spec, 0.3, 5)]));
  const engine = onnxEngine({ threads: 1 });

  test.each([
    ['as many places as there are', 0],
    ['more places than are used', 3],
  ])('is the sum of weight times loss over all places, with %s', async (_, spare) => {
    const read = examples.map((example, i) => objective.read(example, i, 0));
    const needed = placesIn(objective, read);
    expect(needed).toEqual({ vector: 4, label: 4, first: 4, words: 6 });
    const places = Object.fromEntries(Object.entries(needed).map(([name, count]) => [name, count + spare]));
    const shape = { rows: 3, width: 12 };
    const { inputs, weight, tokens } = textBatch({ model, objective, frame }, shape, read, places);
    expect(weight).toBe(8); // of the first term alone
    expect(tokens).toBe(5 + 1 + 3 + 7 + 4 * 2);
    const { graph, loss } = objectiveGraph(model, objective, shape, places, { training: false });
    graph.output('loss', loss);
    const program = await engine.compile(graph);
    const result = await program.run({ ...asTensors(values, specs), ...inputs });
    await program.dispose();
    expect(Number(result.loss?.data[0])).toBeCloseTo(await plainLoss(values), 4);
  });

  /** The same from the outputs of inference, one text at a time, in plain arithmetic. */
  async function plainLoss(parameters: ReadonlyMap<string, Float32Array>): Promise<number> {
    const inference = new TextInference(engine, model, frame, asTensors(parameters, specs));
    let total = 0;
    for (const { ids, vector, label, score, masks } of examples) {
      const [mean = new Float32Array()] = await inference.ofTexts('pooled', [ids]);
      const [first = new Float32Array()] = await inference.ofTexts('pooled', [ids], { pooling: pooledBy('cls') });
      const [logits = new Float32Array()] = await inference.ofTexts('oneLabel', [ids]);
      total += 2 * distance(mapped(mean, 'map', 3), vector);
      total += (label + 1) * -Math.log(softmax(logits)[label] as number);
      total += distance(mapped(first, 'score', 1), [score]);
      await inference.ofPlaces('maskedLm', [{ ids, positions: masks.map((at) => at + 1) }], (__, place, row) => {
        const target = (ids[masks[place] as number] as number) + 1;
        total += 0.5 * -Math.log(softmax(row)[target] as number);
      });
    }
    await inference.dispose();
    return total;
  }

  function mapped(x: Float32Array, name: string, outputs: number): number[] {
    const weight = values.get(`${name}.weight`) ?? new Float32Array();
    const bias = values.get(`${name}.bias`) ?? new Float32Array();
    return Array.from({ length: outputs }, (_, o) =>
      x.reduce((sum, value, i) => sum + value * (weight[o * x.length + i] as number), bias[o] as number),
    );
  }
});

function distance(a: readonly number[], b: readonly number[]): number {
  return a.reduce((sum, value, i) => sum + (value - (b[i] as number)) ** 2, 0);
}
