import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { env, pipeline } from '@huggingface/transformers';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { joinedWords } from '../../src/data/tagged/conll.ts';
import { onnxEngine } from '../../src/engine/onnx/engine.ts';
import { type LoadedText, loadText } from '../../src/hub/textFolder.ts';
import { exportModel } from '../../src/jobs/exportModel.ts';
import { loadModel } from '../../src/jobs/model.ts';
import type { LoadedModel } from '../../src/jobs/types.ts';
import { asTensors } from '../../src/nn/parameters.ts';
import { ExamplesTask } from '../../src/tasks/text/examplesTask.ts';
import { inputName, objectiveGraph } from '../../src/tasks/text/graph.ts';
import { TextInference } from '../../src/tasks/text/inference.ts';
import { taggedWindows, tagRows, tokenLabels } from '../../src/tasks/text/objectives/tokenLabels.ts';
import type { Aggregation } from '../../src/text/tagging/aggregate.ts';
import { cutText } from '../../src/text/tagging/cutText.ts';
import { loadTokenizer } from '../../src/text/tokenizer.ts';
import type { StepRecord } from '../../src/train/callbacks.ts';
import { compileStep, gradientOutput, lossOutput } from '../../src/train/programs.ts';
import { Trainer, type TrainerOptions } from '../../src/train/trainer.ts';
import { dataOf, parameterTensors, placeBatch } from '../models/fixtures.ts';
import { expectClose } from '../parity.ts';
import { temporaryFolder } from '../temporary.ts';

interface Found {
  readonly label: string;
  readonly score: number;
  readonly start: number;
  readonly end: number;
  readonly word: string;
  readonly index?: number;
}

interface Reference {
  readonly texts: readonly string[];
  readonly pipelines: Readonly<Record<Aggregation, Found[][]>>;
  readonly training: {
    readonly sequences: readonly (readonly number[])[];
    /** Sequence, place and tag of each word's first piece. */
    readonly tagged: readonly (readonly [number, number, number])[];
    readonly sentences: readonly { readonly words: readonly string[]; readonly tags: readonly number[] }[];
    readonly loss: number;
    readonly gradients: Readonly<Record<string, number[]>>;
  };
}

/** What test/fixtures/tagging/updates.py trained. */
interface Updates {
  readonly sentences: readonly { readonly words: readonly string[]; readonly tags: readonly number[] }[];
  /** Of the sentences in each epoch. */
  readonly orders: readonly (readonly number[])[];
  readonly run: { readonly batchSize: number } & Pick<
    TrainerOptions,
    'learningRate' | 'steps' | 'warmupSteps' | 'weightDecay' | 'maxGradientNorm'
  >;
  readonly losses: readonly number[];
  readonly norms: readonly number[];
  /** Afterwards, of each word. */
  readonly logits: readonly (readonly (readonly number[])[])[];
}

const fixtures = new URL('../fixtures/tagging/', import.meta.url);
const folder = fileURLToPath(new URL('model', fixtures));
const reference: Reference = JSON.parse(readFileSync(new URL('pipelines.json', fixtures), 'utf8'));

describe("the same as Python's pipeline", () => {
  let model: LoadedModel;
  beforeAll(async () => {
    model = await loadModel(folder, { threads: 1 });
  });
  afterAll(() => model.dispose());

  test.each(['none', 'simple', 'first', 'average', 'max'] as const)('aggregation %s', async (aggregation) => {
    const found = await model.entities(reference.texts, { aggregation, offsets: 'code-points' });
    const expected = reference.pipelines[aggregation];
    expect(expected.flat().length).toBeGreaterThan(10);
    const plain = (all: readonly Found[]) =>
      all.map(({ label, start, end, index, word }) => ({ label, start, end, index, word: word.normalize('NFC') }));
    for (const [i, text] of reference.texts.entries()) {
      const entities = (found[i] ?? []).map((one) => ({ ...one, word: one.word ?? '' }));
      expect(plain(entities), text).toEqual(plain(expected[i] ?? []));
      for (const [n, { score }] of entities.entries()) expect(score).toBeCloseTo(expected[i]?.[n]?.score ?? 0, 5);
    }
  });

  test('decoding gives what the likeliest tags give where these follow the rules', async () => {
    const decoded = await model.entities(reference.texts);
    const first = await model.entities(reference.texts, { aggregation: 'first' });
    for (const [i, text] of reference.texts.entries()) {
      for (const { start, end, text: part } of decoded[i] ?? []) expect(text.slice(start, end)).toBe(part);
    }
    // The tags of a folder that does not say its scheme are taken as they are.
    const plain = (list: typeof decoded) =>
      list.map((all) => all.map(({ start, end, label }) => ({ start, end, label })));
    expect(plain(decoded)).toEqual(plain(first));
  });
});

describe('the same as transformers.js', () => {
  const exported = join(temporaryFolder(), 'exported');

  test('of every token, and of runs of tokens', async () => {
    await exportModel({ model: folder, output: exported, dtypes: ['fp32'], threads: 1 });
    env.localModelPath = dirname(exported);
    env.allowRemoteModels = false;
    const pipe = await pipeline('token-classification', 'exported', { dtype: 'fp32' });
    const model = await loadModel(folder, { threads: 1 });
    const own = await model.entities(reference.texts, { aggregation: 'none' });
    const runs = await model.entities(reference.texts, { aggregation: 'simple' });
    for (const [i, text] of reference.texts.entries()) {
      const tokens = await pipe(text);
      // It leaves out unknown words and special tokens that stand in a text, which Python does not.
      if (/[订[]/.test(text)) {
        expect(tokens.length).toBeLessThan(own[i]?.length ?? 0);
        continue;
      }
      expect(tokens.map(({ entity, index }) => [entity, index])).toEqual(
        own[i]?.map(({ label, index }) => [label, index]),
      );
      for (const [n, { score }] of tokens.entries()) expect(score).toBeCloseTo(own[i]?.[n]?.score ?? 0, 5);
      // It joins runs across tokens of no entity, which Python does not: compared where there is none in between.
      const isDense = (own[i] ?? []).every(
        ({ index = 0 }, n, all) => n === 0 || index === (all[n - 1]?.index ?? 0) + 1,
      );
      if (!isDense) continue;
      const groups = await pipe(text, { aggregation_strategy: 'simple' });
      expect(groups.map(({ entity_group }) => entity_group)).toEqual(runs[i]?.map(({ label }) => label));
    }
    await model.dispose();
    await pipe.dispose();
  });
});

describe('learning, the same as PyTorch', () => {
  let loaded: LoadedText;
  beforeAll(async () => {
    loaded = await loadText(folder, { head: 'tokenLabels' });
  });

  test('a word is asked at its first piece', () => {
    const tokenizer = loadTokenizer(folder);
    const found = reference.training.sentences.flatMap(({ words, tags }, sentence) => {
      const { text, places } = joinedWords(words);
      const cut = cutText(tokenizer, { text, words: places }, 60);
      return taggedWindows(cut, tags).flatMap((window) => {
        expect([...window.ids]).toEqual(reference.training.sequences[sentence]?.slice(1, -1));
        return window.places.map((place, i) => [sentence, place + 1, window.tags[i]]);
      });
    });
    expect(found).toEqual(reference.training.tagged);
  });

  test('loss and gradients', async () => {
    const { sequences, tagged, loss, gradients } = reference.training;
    const { model, values } = loaded;
    const width = Math.max(...sequences.map(({ length }) => length));
    const placed = placeBatch(
      { sequences, predicted: [], classes: [] },
      sequences.map((_, i) => [i]),
      width,
    );
    const graph = objectiveGraph(model, tokenLabels(), placed, { tags: tagged.length }, { training: false });
    const integers = (data: number[]) =>
      ({ dtype: 'int32', shape: [data.length], data: Int32Array.from(data) }) as const;
    const weights = Float32Array.from(tagged, () => 1);
    const engine = onnxEngine({ threads: 1 });
    const program = await compileStep(engine, graph);
    const found = await program.run({
      ...parameterTensors(model.parameters(model.partsOf('tokenLabels')), values),
      ...placed.inputs,
      [inputName('tags', 'rows')]: integers(tagged.map(([row, place]) => (placed.starts[row] ?? 0) + place)),
      [inputName('tags', 'targets')]: integers(tagged.map(([, , tag]) => tag)),
      [inputName('tags', 'weights')]: { dtype: 'float32', shape: [weights.length], data: weights },
    });
    await program.dispose();
    expectClose(dataOf(found, lossOutput), [loss], { quantity: 'tag loss', tolerance: 1e-5 });
    let compared = 0;
    for (const name of graph.parameters.keys()) {
      const expected = gradients[model.names.written(name)[0] ?? ''];
      if (!expected) continue;
      compared++;
      expectClose(dataOf(found, gradientOutput(name)), expected, {
        ...{ quantity: 'tag gradients', name: `gradient of ${name}`, tolerance: 5e-5, floor: 0.1 },
      });
    }
    expect(compared).toBe(Object.keys(gradients).length);
  });

  test('losses of updates in a row, and the logits that they end with', async () => {
    const { sentences, orders, run, losses, norms, logits }: Updates = JSON.parse(
      readFileSync(new URL('updates.json', fixtures), 'utf8'),
    );
    const { model, values } = loaded;
    const { tokenizer, engine } = { tokenizer: loadTokenizer(folder), engine: onnxEngine({ threads: 1 }) };
    const { frame } = tokenizer;
    const cuts = sentences.map(({ words }) => {
      const { text, places } = joinedWords(words);
      return cutText(tokenizer, { text, words: places }, 60);
    });
    const { batchSize, ...recipe } = run;
    const task = new ExamplesTask({
      ...{ model, frame, batchSize, width: 64, seed: 0, accumulationSteps: 1, objective: tokenLabels() },
      examples: cuts.flatMap((cut, i) => taggedWindows(cut, sentences[i]?.tags ?? [])),
      order: (epoch) => Int32Array.from(orders[epoch] ?? []),
      startValues: new Map(Array.from(values, ([name, data]) => [name, data.slice()])),
    });
    const records: StepRecord[] = [];
    const { parameters } = await new Trainer({
      ...{ task, engine, ...recipe, schedule: 'linear', checkpoints: temporaryFolder() },
      ...{ evalSteps: 0, saveSteps: 0, keepCheckpoints: 1, patience: 0, resume: false, fingerprint: {} },
      callbacks: [{ name: 'records', onStep: (record) => records.push(record) }],
    }).run();
    const after = asTensors(parameters, model.parameters(model.partsOf('tokenLabels')));
    const inference = new TextInference(engine, model, frame, after);
    const rows = await tagRows(inference, cuts, { before: frame.before.length, labels: 5 });
    await inference.dispose();
    // Rounding of a gradient that is small becomes a part of a step, as AdamW divides by its size.
    expect(records).toHaveLength(losses.length);
    const lossesFound = records.map(({ loss }) => loss);
    expectClose(lossesFound, losses, { quantity: 'losses', tolerance: 1e-5 });
    const normsFound = records.map(({ gradientNorm }) => gradientNorm);
    expectClose(normsFound, norms, { quantity: 'gradient norms', tolerance: 1e-4 });
    const found = rows.flatMap((text) => text.flatMap((row) => [...(row ?? [])]));
    expectClose(found, logits.flat(2), { quantity: 'tag logits after training', tolerance: 1e-4, floor: 1 });
  });
});
