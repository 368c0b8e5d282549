import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Engine, NamedTensors } from '../../src/engine/engine.ts';
import { Graph, type Value } from '../../src/graph/graph.ts';
import { type LoadedText, loadText } from '../../src/hub/textFolder.ts';
import { blockInputs } from '../../src/models/text/block.ts';
import type { PartName, Reading } from '../../src/models/text/heads/head.ts';
import type { TextModel } from '../../src/models/text/model.ts';
import { Scope } from '../../src/nn/scope.ts';
import { inputName, objectiveGraph } from '../../src/tasks/text/graph.ts';
import { readingGraph } from '../../src/tasks/text/reading.ts';
import { compileStep, gradientOutput, lossOutput } from '../../src/train/programs.ts';
import type { LossGraph, TrainingTask } from '../../src/train/task.ts';
import { Trainer } from '../../src/train/trainer.ts';
import { engines } from '../engine/engines.ts';
import { type Comparison, expectClose } from '../parity.ts';
import { temporaryFolder } from '../temporary.ts';
import { pointOptions } from '../train/points.ts';
import {
  dataOf,
  exampleInputs,
  type FamilyCase,
  type FixtureBatch,
  familyCases,
  nameAmong,
  oneARow,
  type PlacedBatch,
  parameterTensors,
  placeBatch,
  predictionInputs,
  readTensors,
  recordedObjectives,
} from './fixtures.ts';

/**
 * What rounding of float32 (6e-8) may amount to after a few layers of products over some ten terms, forwards and there
 * and back; the reference's side is float64. Measured here: 2e-6 and 2e-5.
 */
const outputTolerance = 1e-5;
const gradientTolerance = 5e-5;
/** AdamW divides by √v: where a gradient is small, its rounding becomes a part of a step. Measured here: 2e-6. */
const weightTolerance = 2e-5;

/** Softmax cancels a bias of the keys: its gradient is what is left of terms near this. */
const gradientFloor = 0.1;

test('every family has cases', async () => {
  const types = readdirSync(familiesFolder).filter((name) => existsSync(join(familiesFolder, name, 'family.ts')));
  expect([...new Set(familyCases.map(({ type }) => type))].sort()).toEqual(types.sort());
});

describe.each(familyCases.map((found) => [found.title, found] as const))('%s', (_title, { folder, type, batches }) => {
  let loaded: LoadedText;
  let expected: Map<string, Float32Array>;
  const notes: string[] = [];

  beforeAll(async () => {
    loaded = await loadText(folder, { head: 'present', onNote: (note) => notes.push(note) });
    expected = await readTensors(join(folder, 'expected.safetensors'));
  });

  afterAll(() => expected.clear());

  test('loads whole', () => {
    expect(loaded.model.type).toBe(type);
    // The untied head's own bias is a copy that transformers never reads.
    expect(notes.filter((note) => !(/holds 1 other weight: .*\bbias\)$/.test(note) && !isTied(loaded)))).toEqual([]);
    expect(loaded.present).toEqual(partsOf(loaded.model));
  });

  describe.each(engines)('%s', (_engine, engine) => {
    describe.each(Object.entries(batches))('%s batch', (kind, batch) => {
      const alone = oneARow(batch);

      test('hidden states and logits', async () => {
        const inputs = {
          ...predictionInputs(batch, alone, batch.predicted.length),
          ...exampleInputs(batch, alone, reading(loaded)),
        };
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
        const graph = maskedLmGraph(loaded.model, placed, places);
        await expectStep(engine, loaded, graph, { ...placed.inputs, ...inputs }, `${kind}/maskedLm`);
      });

      test.each(layouts)('classification loss and every gradient, %s', async (_, placed) => {
        const inputs = exampleInputs(batch, placed, reading(loaded));
        const [objective, places] = [recordedObjectives.classification, { label: batch.classes.length }];
        const graph = objectiveGraph(loaded.model, objective, placed, places, { training: false });
        await expectStep(engine, loaded, graph, { ...placed.inputs, ...inputs }, `${kind}/classification`);
      });
    });

    test('losses and weights of 5 AdamW steps', async () => {
      const losses: number[] = [];
      const trained = await trainedSteps(engine, loaded, batches, losses);
      expectClose(losses, expected.get('steps/losses'), output('losses of 5 steps'));
      const stored = storedBelow('steps/weight/');
      for (const [name, weights] of trained) {
        // Softmax cancels a bias of the keys: its gradient is rounding alone, which AdamW scales up to whole steps.
        if (name.endsWith('key.bias')) continue;
        expectClose(weights, expected.get(`steps/weight/${nameAmong(stored, loaded.model, name)}`), {
          quantity: 'weights after 5 steps',
          name: `${name} after 5 steps`,
          tolerance: weightTolerance,
          floor: gradientFloor,
        });
      }
      expect(unknown(stored, [...trained.keys()])).toEqual([]);
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
    const specs = model.parameters(partsOf(model)).filter((spec) => graph.parameters.has(spec.name));
    const program = await compileStep(engine, graph);
    const found = await program.run({ ...parameterTensors(specs, values), ...inputs });
    await program.dispose();
    const task = key.endsWith('maskedLm') ? 'MLM' : 'class';
    expectClose(dataOf(found, lossOutput), expected.get(`${key}/loss`), output(`${task} loss`));
    const stored = storedBelow(`${key}/gradient/`);
    for (const name of names) {
      const gradient = expected.get(`${key}/gradient/${nameAmong(stored, model, name)}`);
      expectClose(dataOf(found, gradientOutput(name)), gradient, {
        quantity: `${task} gradients`,
        name: `gradient of ${name}`,
        tolerance: gradientTolerance,
        floor: gradientFloor,
      });
    }
    expect(unknown(stored, names)).toEqual([]);
  }

  /** What PyTorch's results have under names that begin so. */
  function storedBelow(prefix: string): Set<string> {
    const names = [...expected.keys()].filter((name) => name.startsWith(prefix));
    return new Set(names.map((name) => name.slice(prefix.length)));
  }

  /** Stored names that are of none of the parameters. */
  function unknown(stored: ReadonlySet<string>, parameters: readonly string[]): string[] {
    const known = new Set(parameters.map((name) => nameAmong(stored, loaded.model, name)));
    return [...stored].filter((name) => !known.has(name));
  }
});

const familiesFolder = join(import.meta.dirname, '..', '..', 'src', 'models', 'text');

function output(quantity: string): Comparison {
  return { quantity, tolerance: outputTolerance };
}

/** What the classifier reads. */
function reading({ model }: LoadedText): Reading {
  return model.readingOf('oneLabel');
}

function isTied({ model }: LoadedText): boolean {
  return model.hubConfig().tie_word_embeddings === true;
}

/** The parts that masked language modeling and classification compute with. */
function partsOf(model: TextModel): PartName[] {
  const used = new Set([...model.partsOf('maskedLm'), ...model.partsOf('oneLabel')]);
  return model.parts.filter((part) => used.has(part));
}

function maskedLmGraph(model: TextModel, placed: PlacedBatch, places: number, training = false): LossGraph {
  return objectiveGraph(model, recordedObjectives.maskedLm, placed, { words: places }, { training });
}

/** Five updates of make.py's settings, its batches in turn. */
async function trainedSteps(
  engine: Engine,
  { model, values }: LoadedText,
  batches: FamilyCase['batches'],
  losses: number[],
): Promise<ReadonlyMap<string, Float32Array>> {
  const parameters = model.parameters(model.partsOf('maskedLm'));
  const placed = ([batches.full, batches.padded] satisfies FixtureBatch[]).map((batch) => {
    return { batch, block: oneARow(batch), places: batch.predicted.length };
  });
  const task: TrainingTask = {
    name: 'recorded',
    unit: 'tokens',
    metric: { name: 'loss', goal: 'lower' },
    parameters,
    startValues: new Map(parameters.map(({ name }) => [name, values.get(name) ?? new Float32Array()])),
    stepsInEpoch: () => 5,
    lossGraph(key) {
      const { block, places } = at(placed, Number(key));
      return maskedLmGraph(model, block, places, true);
    },
    update({ index }) {
      const number = index % placed.length;
      const { batch, block, places } = at(placed, number);
      const inputs = { ...block.inputs, ...predictionInputs(batch, block, places) };
      return {
        microBatches: [{ key: String(number), inputs, weight: places, units: 0 }],
        next: { epoch: 0, index: index + 1 },
      };
    },
  };
  const settings = { learningRate: 2e-3, schedule: 'constant', warmupSteps: 0, weightDecay: 0.1 } as const;
  const watch = { name: 'losses', onStep: ({ loss }: { loss: number }) => losses.push(loss) };
  const trainer = new Trainer({
    ...{ ...pointOptions, ...settings, maxGradientNorm: 0, steps: 5 },
    ...{ checkpoints: temporaryFolder(), task, engine, callbacks: [watch] },
  });
  return (await trainer.run()).parameters;
}

function at<T>(items: readonly T[], index: number): T {
  const found = items[index];
  if (found === undefined) throw new Error(`no item ${index}`);
  return found;
}

async function forward(
  engine: Engine,
  { model, values }: LoadedText,
  placed: PlacedBatch,
  inputs: NamedTensors,
): Promise<NamedTensors> {
  const graph = new Graph();
  const specs = model.parameters(partsOf(model));
  const scope = new Scope(graph, specs, { training: false });
  const block = blockInputs(graph, placed);
  const read = (term: string, what: Reading) => {
    const count = Number(inputs[inputName(term, 'targets')]?.shape[0]);
    const sizes = { count, tokens: placed.rows * placed.width, longest: placed.width };
    const { rows, read } = readingGraph(graph, inputName(term, ''), what, sizes);
    const hidden = model.encode(scope, block, rows);
    return rows ? hidden : read(hidden);
  };
  const outputs: Record<string, Value> = {
    hidden: model.encode(scope, block),
    maskedLm: model.outputs('maskedLm', scope, read('words', 'chosen')),
    classification: model.outputs('oneLabel', scope, read('label', model.readingOf('oneLabel'))),
  };
  for (const [name, value] of Object.entries(outputs)) graph.output(name, value);
  const program = await engine.compile(graph);
  const found = await program.run({ ...parameterTensors(specs, values), ...placed.inputs, ...inputs });
  await program.dispose();
  return found;
}
