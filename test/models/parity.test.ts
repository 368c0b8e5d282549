import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Engine, NamedTensors } from '../../src/engine/engine.ts';
import { Graph, type Value } from '../../src/graph/graph.ts';
import { type LoadedText, loadText } from '../../src/hub/textFolder.ts';
import { blockInputs } from '../../src/models/text/block.ts';
import type { PartName } from '../../src/models/text/heads/head.ts';
import { Scope } from '../../src/nn/scope.ts';
import { inputName, objectiveGraph } from '../../src/tasks/text/graph.ts';
import { compileStep, gradientOutput, lossOutput } from '../../src/train/programs.ts';
import type { LossGraph } from '../../src/train/task.ts';
import { engines } from '../engine/engines.ts';
import { type Comparison, expectClose } from '../parity.ts';
import {
  bertFixture,
  dataOf,
  exampleInputs,
  fixtureBatches,
  oneARow,
  type PlacedBatch,
  parameterTensors,
  placeBatch,
  predictionInputs,
  readTensors,
  recordedObjectives,
  storedName,
} from './fixtures.ts';

/**
 * What rounding of float32 (6e-8) may amount to after a few layers of products over some ten terms, forwards and there
 * and back; the reference's side is float64. Measured here: 2e-6 and 2e-5.
 */
const outputTolerance = 1e-5;
const gradientTolerance = 5e-5;

/** Softmax cancels a bias of the keys: its gradient is what is left of terms near this. */
const gradientFloor = 0.1;

const parts: readonly PartName[] = ['encoder', 'mlmHead', 'pooler', 'classifier'];

describe.each(Object.entries(fixtureBatches))('%s', (name, batches) => {
  let loaded: LoadedText;
  let expected: Map<string, Float32Array>;
  const notes: string[] = [];

  beforeAll(async () => {
    loaded = await loadText(bertFixture(name), { head: 'present', onNote: (note) => notes.push(note) });
    expected = await readTensors(bertFixture(name, 'expected.safetensors'));
  });

  afterAll(() => expected.clear());

  test('loads whole', () => {
    // The untied head's own bias is a copy that transformers never reads.
    const surplus = notes.filter((note) => !(note.includes('cls.predictions.bias') && !isTied(loaded)));
    expect(surplus).toEqual([]);
    expect(loaded.present).toEqual(parts);
  });

  describe.each(engines)('%s', (_engine, engine) => {
    describe.each(Object.entries(batches))('%s batch', (kind, batch) => {
      const alone = oneARow(batch);

      test('hidden states and logits', async () => {
        const inputs = { ...predictionInputs(batch, alone, batch.predicted.length), ...exampleInputs(batch, alone) };
        const found = await forward(engine, loaded, alone, inputs);
        const real = batch.sequences.flatMap((sequence, index) =>
          sequence.map((_, position) => (alone.starts[index] ?? 0) + position),
        );
        const size = loaded.model.config.hiddenSize;
        const hidden = dataOf(found, 'hidden');
        const rows = real.flatMap((row) =>
          Array.from({ length: size }, (_, column) => hidden[row * size + column] ?? 0),
        );
        expectClose(rows, expected.get(`${kind}/hidden`), output('hidden states'));
        const logits = dataOf(found, 'maskedLm');
        expectClose(logits, expected.get(`${kind}/maskedLm/logits`), output('MLM logits'));
        const classes = dataOf(found, 'classification');
        expectClose(classes, expected.get(`${kind}/classification/logits`), output('class logits'));
      });

      const total = batch.sequences.reduce((sum, sequence) => sum + sequence.length, 0);
      const everyone = batch.sequences.map((_, index) => index);
      const layouts: [string, PlacedBatch][] = [
        ['a sequence a row', alone],
        ['all in one row', placeBatch(batch, [everyone], total)],
        ['two in a row, backwards, with padding', placeBatch(batch, [[2, 1], [], [0]], 27)],
      ];

      test.each(layouts)('masked LM loss and every gradient, %s', async (_, placed) => {
        const places = batch.predicted.length + 1;
        const inputs = predictionInputs(batch, placed, places);
        const objective = recordedObjectives.maskedLm;
        const graph = objectiveGraph(loaded.model, objective, placed, { words: places }, { training: false });
        await expectStep(engine, loaded, graph, { ...placed.inputs, ...inputs }, `${kind}/maskedLm`);
      });

      test.each(layouts)('classification loss and every gradient, %s', async (_, placed) => {
        const inputs = exampleInputs(batch, placed);
        const [objective, places] = [recordedObjectives.classification, { label: batch.classes.length }];
        const graph = objectiveGraph(loaded.model, objective, placed, places, { training: false });
        await expectStep(engine, loaded, graph, { ...placed.inputs, ...inputs }, `${kind}/classification`);
      });
    });
  });

  async function expectStep(
    engine: Engine,
    { model, values }: LoadedText,
    graph: LossGraph,
    inputs: NamedTensors,
    key: string,
  ) {
    const names = [...graph.parameters.keys()];
    const specs = model.parameters(parts).filter((spec) => graph.parameters.has(spec.name));
    const program = await compileStep(engine, graph);
    const found = await program.run({ ...parameterTensors(specs, values), ...inputs });
    await program.dispose();
    const task = key.endsWith('maskedLm') ? 'MLM' : 'class';
    expectClose(dataOf(found, lossOutput), expected.get(`${key}/loss`), output(`${task} loss`));
    for (const name of names) {
      const gradient = expected.get(`${key}/gradient/${storedName(name)}`);
      expectClose(dataOf(found, gradientOutput(name)), gradient, {
        quantity: `${task} gradients`,
        name: `gradient of ${name}`,
        tolerance: gradientTolerance,
        floor: gradientFloor,
      });
    }
    const stored = [...expected.keys()].filter((other) => other.startsWith(`${key}/gradient/`));
    const unused = key.endsWith('maskedLm') && !isTied(loaded) ? ['cls.predictions.decoder.bias'] : [];
    const known = new Set([...names.map(storedName), ...(isTied(loaded) ? tiedAliases : []), ...unused]);
    expect(stored.filter((other) => !known.has(other.slice(`${key}/gradient/`.length)))).toEqual([]);
  }
});

function output(quantity: string): Comparison {
  return { quantity, tolerance: outputTolerance };
}

/** Further names of the tied decoder's parameters. */
const tiedAliases = ['cls.predictions.decoder.weight', 'cls.predictions.decoder.bias'];

function isTied({ model }: LoadedText): boolean {
  return model.hubConfig().tie_word_embeddings === true;
}

async function forward(
  engine: Engine,
  { model, values }: LoadedText,
  placed: PlacedBatch,
  inputs: NamedTensors,
): Promise<NamedTensors> {
  const graph = new Graph();
  const specs = model.parameters(parts);
  const scope = new Scope(graph, specs, { training: false });
  const block = blockInputs(graph, placed);
  const read = (term: string) => {
    const name = inputName(term, 'rows');
    return model.encode(scope, block, graph.input(name, 'int32', inputs[name]?.shape ?? []));
  };
  const outputs: Record<string, Value> = {
    hidden: model.encode(scope, block),
    maskedLm: model.outputs('maskedLm', scope, read('words')),
    classification: model.outputs('oneLabel', scope, read('label')),
  };
  for (const [name, value] of Object.entries(outputs)) graph.output(name, value);
  const program = await engine.compile(graph);
  const found = await program.run({ ...parameterTensors(specs, values), ...placed.inputs, ...inputs });
  await program.dispose();
  return found;
}
