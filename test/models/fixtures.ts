import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import type { HostTensor } from '../../src/core/tensor.ts';
import type { NamedTensors } from '../../src/engine/engine.ts';
import { openSafetensors } from '../../src/hub/safetensors.ts';
import { bertNames } from '../../src/models/text/bert/names.ts';
import type { Reading } from '../../src/models/text/heads/head.ts';
import type { TextModel } from '../../src/models/text/model.ts';
import type { ParameterSpec, ParameterValues } from '../../src/nn/parameters.ts';
import { inputName } from '../../src/tasks/text/graph.ts';
import { maskedTokens } from '../../src/tasks/text/objectives/maskedTokens.ts';
import { oneLabel } from '../../src/tasks/text/objectives/oneLabel.ts';
import { readingTensors } from '../../src/tasks/text/reading.ts';
import { maskingVocabulary } from '../../src/text/masking.ts';
import { tinyConfig } from '../jobs/tiny.ts';

/** Sequences of token ids, [sequence, position, label] of the predicted tokens, and a class for each sequence. */
export interface FixtureBatch {
  readonly sequences: readonly (readonly number[])[];
  readonly predicted: readonly (readonly [number, number, number])[];
  readonly classes: readonly number[];
}

/** A small model of a family, and the batches of which PyTorch's results lie beside it. */
export interface FamilyCase {
  readonly type: string;
  /** "distilbert, untied-2x9-3-heads" */
  readonly title: string;
  readonly folder: string;
  readonly batches: Readonly<Record<'full' | 'padded', FixtureBatch>>;
}

/** What test/fixtures/families/make.py wrote. */
export const familyCases: readonly FamilyCase[] = readFamilyCases(
  join(import.meta.dirname, '..', 'fixtures', 'families'),
);

/** Objectives for their graphs alone: which tokens are hidden, and what a class weighs, comes with the batches. */
export const recordedObjectives = {
  maskedLm: maskedTokens({
    vocabulary: maskingVocabulary(0, 0, new Set()),
    probability: 0.15,
    wholeWord: false,
    seed: 0,
  }),
  classification: oneLabel([]),
} as const;

/** A path under test/fixtures/bert. */
export function bertFixture(...names: string[]): string {
  return join(import.meta.dirname, '..', 'fixtures', 'bert', ...names);
}

function readFamilyCases(root: string): FamilyCase[] {
  const types = readdirSync(root).filter((type) => existsSync(join(root, type, 'batches.json')));
  return types.flatMap((type) => {
    const batches: Readonly<Record<string, FamilyCase['batches']>> = JSON.parse(
      readFileSync(join(root, type, 'batches.json'), 'utf8'),
    );
    return Object.entries(batches).map(([name, found]) => {
      return { type, title: `${type}, ${name}`, folder: join(root, type, name), batches: found };
    });
  });
}

/** All tensors of a safetensors file by name. */
export async function readTensors(path: string): Promise<Map<string, Float32Array>> {
  const file = await openSafetensors(path);
  const values = new Map<string, Float32Array>();
  for (const name of file.tensors.keys()) values.set(name, await file.read(name));
  await file.close();
  return values;
}

/** A block, where each sequence begins (its flat index), and the shape that the block was given. */
export interface PlacedBatch {
  readonly rows: number;
  readonly width: number;
  readonly starts: readonly number[];
  readonly inputs: NamedTensors;
}

/** Lays sequences out as `layout` says: which sequences share a row, for each row. */
export function placeBatch(batch: FixtureBatch, layout: readonly (readonly number[])[], width: number): PlacedBatch {
  const rows = layout.length;
  const [ids, positions, sequences] = [0, 0, 0].map(() => new Int32Array(rows * width));
  const starts: number[] = [];
  layout.forEach((members, row) => {
    let offset = row * width;
    members.forEach((member, place) => {
      const sequence = item(batch.sequences, member);
      starts[member] = offset;
      ids?.set(sequence, offset);
      positions?.set([...sequence.keys()], offset);
      sequences?.fill(place + 1, offset, offset + sequence.length);
      offset += sequence.length;
    });
    expect(offset).toBeLessThanOrEqual((row + 1) * width);
  });
  const tensor = (data = new Int32Array()): HostTensor => ({ dtype: 'int32', shape: [rows, width], data });
  return {
    rows,
    width,
    starts,
    inputs: { inputIds: tensor(ids), positionIds: tensor(positions), sequenceIds: tensor(sequences) },
  };
}

/** One sequence a row, as wide as the longest. */
export function oneARow(batch: FixtureBatch): PlacedBatch {
  const width = Math.max(...batch.sequences.map((sequence) => sequence.length));
  return placeBatch(
    batch,
    batch.sequences.map((_, index) => [index]),
    width,
  );
}

/** Inputs of the MLM head and its loss; places beyond the predictions have weight 0. */
export function predictionInputs({ predicted }: FixtureBatch, { starts }: PlacedBatch, places: number): NamedTensors {
  const rows = predicted.map(([sequence, position]) => item(starts, sequence) + position);
  const unused = new Array<number>(places - predicted.length).fill(0);
  return {
    [inputName('words', 'rows')]: integers([...rows, ...unused]),
    [inputName('words', 'targets')]: integers([...predicted.map(([, , label]) => label), ...unused]),
    [inputName('words', 'weights')]: floats([...predicted.map(() => 1), ...unused]),
  };
}

/** Inputs of the classifier, which reads first tokens unless told otherwise, and its loss. */
export function exampleInputs(
  { classes, sequences }: FixtureBatch,
  { starts, rows, width }: PlacedBatch,
  reading: Reading = 'first',
): NamedTensors {
  const texts = sequences.map(({ length }, index) => ({ start: item(starts, index), length, skipped: 0 }));
  const sizes = { count: texts.length, tokens: rows * width, longest: width };
  return {
    ...readingTensors(inputName('label', ''), reading, texts, sizes),
    [inputName('label', 'targets')]: integers(classes),
    [inputName('label', 'weights')]: floats(classes.map(classWeight)),
  };
}

/** The class weights of make.py. */
export function classWeight(label: number): number {
  return item([1, 0.5, 2], label);
}

/** Parameter values as tensors for an engine. */
export function parameterTensors(specs: Iterable<ParameterSpec>, values: ParameterValues): NamedTensors {
  return Object.fromEntries(
    [...specs].map(({ name, shape }) => [
      name,
      { dtype: 'float32', shape, data: values.get(name) ?? new Float32Array() },
    ]),
  );
}

/** The name under which train.py stored what belongs to one of our parameters. */
export function storedName(parameter: string): string {
  return bertNames.written(parameter, tinyConfig);
}

/** The name under which PyTorch's results have one of a model's parameters, of the names that they have. */
export function nameAmong(stored: ReadonlySet<string>, { names }: TextModel, parameter: string): string {
  const found = [...names.written(parameter), ...names.spellings(parameter)].find((name) => stored.has(name));
  if (found === undefined) throw new Error(`fixture: nothing for ${parameter}`);
  return found;
}

/** The data of a tensor that must be there. */
export function dataOf(tensors: NamedTensors, name: string): ArrayLike<number> {
  const { data } = tensors[name] ?? {};
  if (!data || data instanceof BigInt64Array) throw new Error(`no numbers under ${name}`);
  return data;
}

function item<T>(items: readonly T[], index: number): T {
  const found = items[index];
  if (found === undefined) throw new Error(`fixture: no item ${index}`);
  return found;
}

function integers(values: readonly number[]): HostTensor {
  return { dtype: 'int32', shape: [values.length], data: Int32Array.from(values) };
}

function floats(values: readonly number[]): HostTensor {
  return { dtype: 'float32', shape: [values.length], data: Float32Array.from(values) };
}
