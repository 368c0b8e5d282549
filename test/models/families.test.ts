import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { messageOf } from '../../src/core/errors.ts';
import { Graph } from '../../src/graph/graph.ts';
import type { BertConfig } from '../../src/models/text/bert/config.ts';
import { bert } from '../../src/models/text/bert/family.ts';
import { blockInputs } from '../../src/models/text/block.ts';
import type { HubConfig } from '../../src/models/text/config.ts';
import { readTextModel } from '../../src/models/text/families.ts';
import type { HeadRecord, PartName } from '../../src/models/text/heads/head.ts';
import { headNames, headOfPipeline, heads } from '../../src/models/text/heads/table.ts';
import { type TextModel, textModel } from '../../src/models/text/model.ts';
import { Scope } from '../../src/nn/scope.ts';
import { tinyConfig } from '../jobs/tiny.ts';

const folder = join(import.meta.dirname, '..', '..', 'src', 'models', 'text');
/** The folders of families; each is called what its `config.json` calls its models. */
const types = readdirSync(folder).filter((name) => existsSync(join(folder, name, 'family.ts')));

describe.each(types)('%s', (type) => {
  const read = (more: object = {}) => readTextModel({ model_type: type, ...more }, 'config.json');

  test.each([
    ['as it is', {}],
    ['with a decoder of its own', { tie_word_embeddings: false }],
    ['with five classes', { num_labels: 5 }],
  ])('is whole, %s', (_, more) => {
    expect(read(more).type).toBe(type);
    expect(faultsOf(read(more))).toEqual([]);
  });

  test('reads what it writes, every key of it', () => {
    expect(Object.keys(read().hubConfig()).length).toBeGreaterThan(8);
    expect(changedKeys(read)).toEqual([]);
  });
});

test('families are found, and no two write models of one class', () => {
  expect(types).toContain('bert');
  const classes = types.flatMap((type) => {
    const model = readTextModel({ model_type: type }, 'config.json');
    return model.heads.map((head) => model.hubClass(head));
  });
  expect(classes.length).toBeGreaterThanOrEqual(3);
  expect(twice(classes)).toEqual([]);
});

test('the pipelines of all heads lead to a head of that pipeline', () => {
  expect([...headNames].sort()).toEqual(['maskedLm', 'oneLabel', 'pooled', 'tokenLabels']);
  for (const name of headNames) expect(heads[headOfPipeline(heads[name].pipeline)].pipeline).toBe(heads[name].pipeline);
});

describe('what is wrong with a family is found:', () => {
  const { names, parts, heads: own } = bert;
  const spelled = (name: string) => names.spellings(name, tinyConfig);
  const wrong: readonly [string, Partial<typeof bert>, RegExp][] = [
    ['a head of a part that it has not', { parts: { ...parts, pooler: null } }, /^oneLabel needs pooler, which/],
    [
      'a head without the part that makes it one',
      { heads: { ...own, oneLabel: own.oneLabel && { ...own.oneLabel, parts: ['pooler'] } } },
      /^oneLabel lacks classifier$/,
    ],
    [
      'a head with a part that it does not use',
      { heads: { ...own, maskedLm: own.maskedLm && { ...own.maskedLm, parts: ['mlmHead', 'pooler'] } } },
      /^maskedLm takes pooler\.weight and does not use it$/,
    ],
    [
      'a head of another size',
      { heads: { ...own, maskedLm: own.maskedLm && { ...own.maskedLm, outputs: (_, __, hidden) => hidden } } },
      /^maskedLm makes \d+ numbers of a state instead of \d+$/,
    ],
    [
      'two heads of one class',
      { heads: { ...own, pooled: own.pooled && { ...own.pooled, hubClass: 'BertForMaskedLM' } } },
      /^BertForMaskedLM is the class of several heads$/,
    ],
    [
      'two parameters of one name in files',
      { names: { ...names, written: (name, config) => names.written(name.replace('pooler', 'classifier'), config) } },
      /^classifier\.weight is the name of several parameters$/,
    ],
    [
      'a parameter that is not found under the name that it is written by',
      { names: { ...names, spellings: (name) => spelled(name).slice(name === 'pooler.bias' ? 1 : 0) } },
      /^pooler\.bias is written as bert\.pooler\.dense\.bias, and not looked for there$/,
    ],
    [
      'a name in files that two parameters are looked for under',
      { names: { ...names, spellings: (name) => [...spelled(name), 'weight'] } },
      /^several parameters are looked for under weight$/,
    ],
    ['a parameter of no layer', { layerOf: () => Number.NaN }, /^embeddings\.word\.weight is of no layer$/],
    [
      'a layer that it has not',
      { layerOf: (name) => (name.startsWith('encoder.1.') ? 2 : bert.layerOf(name, tinyConfig)) },
      /^encoder\.1\..* is of no layer$/,
    ],
    [
      'a layer without parameters',
      { layerOf: (name) => (name.startsWith('encoder.1.') ? 0 : bert.layerOf(name, tinyConfig)) },
      /^layer 1 has no parameters$/,
    ],
  ];

  test('a right one passes', () => expect(faultsOf(textModel(bert, tinyConfig))).toEqual([]));

  test('a key that is written with the value of another', () => {
    const { config } = bert;
    const write = (own: BertConfig) => ({ ...config.write(own), attention_probs_dropout_prob: own.hiddenDropout });
    const broken = { ...bert, config: { ...config, write } };
    const read = (raw: HubConfig) => textModel(broken, config.read(raw, 'config.json'));
    expect(changedKeys(read)).toEqual(['attention_probs_dropout_prob']);
  });

  test.each(wrong)('%s', (_, changes, fault) => {
    expect(faultsOf(textModel({ ...bert, ...changes }, tinyConfig))).toContainEqual(expect.stringMatching(fault));
  });
});

/** Keys of `config.json` that are not written with the value that they were read with. */
function changedKeys(read: (raw: HubConfig) => TextModel): string[] {
  const defaults = Object.entries(read({}).hubConfig());
  const raw = Object.fromEntries(defaults.map(([key, value], place) => [key, anotherValue(key, value, place)]));
  const written = read(raw).hubConfig();
  return Object.keys({ ...raw, ...written }).filter((key) => written[key] !== raw[key]);
}

/** A value of its own for each place; sizes still divide by each other, and shares stay below one. */
function anotherValue(key: string, value: unknown, place: number): unknown {
  if (typeof value === 'boolean') return !value;
  if (typeof value !== 'number') return value;
  if (/dropout/.test(key) && value === 0) return 2 ** -(place + 1);
  if (!Number.isInteger(value)) return value / 2 ** (place + 1);
  return value === 0 ? 1 : value * 2 ** (place + 1);
}

/** What in a model's tables contradicts itself, in one line each. */
function faultsOf(model: TextModel): string[] {
  return [...headFaults(model), ...nameFaults(model), ...layerFaults(model)];
}

function headFaults(model: TextModel): string[] {
  const several = twice(model.heads.map((head) => model.hubClass(head)));
  const faults = several.map((hubClass) => `${hubClass} is the class of several heads`);
  for (const name of model.heads) {
    const head: HeadRecord = heads[name];
    const parts = model.partsOf(name);
    const missing = parts.filter((part) => !model.parts.includes(part) || model.parameters([part]).length === 0);
    faults.push(...missing.map((part) => `${name} needs ${part}, which ${model.title} has not`));
    if (head.part !== null && !parts.includes(head.part)) faults.push(`${name} lacks ${head.part}`);
    if (missing.length > 0 || (head.part !== null && !parts.includes(head.part))) continue;
    const specs = model.parameters(parts);
    const graph = new Graph();
    const scope = new Scope(graph, specs, { training: false });
    const made = model.outputs(name, scope, model.encode(scope, blockInputs(graph, { rows: 1, width: 2 }))).shape[1];
    const unused = specs.filter((spec) => !scope.used.has(spec.name));
    faults.push(...unused.map((spec) => `${name} takes ${spec.name} and does not use it`));
    const wanted = head.outputs(model.config);
    if (made !== wanted) faults.push(`${name} makes ${made} numbers of a state instead of ${wanted}`);
  }
  return faults;
}

/** Those of the token classifier, which models of texts have not, beside the parts that it takes alone. */
function nameFaults(model: TextModel): string[] {
  const others = model.parts.filter((part) => part !== 'tokenClassifier');
  return [...new Set([...faultsAmong(model, others), ...faultsAmong(model, model.partsOf('tokenLabels'))])];
}

function faultsAmong(model: TextModel, parts: readonly PartName[]): string[] {
  const own = model.parameters(parts).map(({ name }) => name);
  const written = own.flatMap((name) => model.names.written(name));
  const looked = own.flatMap((name) => [...new Set(model.names.spellings(name))]);
  const lost = own.flatMap((name) => {
    const spellings = model.names.spellings(name);
    const unknown = model.names.written(name).filter((hubName) => !spellings.includes(hubName));
    return unknown.map((hubName) => `${name} is written as ${hubName}, and not looked for there`);
  });
  return [
    ...own.filter((name) => model.names.written(name).length === 0).map((name) => `${name} is not written`),
    ...twice(own).map((name) => `${name} is there twice`),
    ...twice(written).map((name) => `${name} is the name of several parameters`),
    ...twice(looked).map((name) => `several parameters are looked for under ${name}`),
    ...lost,
  ];
}

/** By what is frozen with none of the layers, with the first, with the first two, and so on. */
function layerFaults(model: TextModel): string[] {
  const { layers } = model.config;
  let frozen: Set<string>[];
  try {
    frozen = Array.from({ length: layers + 1 }, (_, count) => model.frozen(count));
  } catch (error) {
    return [messageOf(error).replace(/^internal: /, '')]; // freezing refuses a name without a layer
  }
  const all = model.parameters(['encoder']).map(({ name }) => name);
  const homeless = all.filter((name) => !frozen[layers]?.has(name)).map((name) => `${name} is of no layer`);
  const empty = frozen.flatMap((names, count) => {
    const before = count === 0 ? 0 : (frozen[count - 1]?.size ?? 0);
    if (names.size > before) return [];
    return count === 0 ? 'the embeddings have no parameters' : `layer ${count - 1} has no parameters`;
  });
  return [...homeless, ...empty];
}

function twice(names: readonly string[]): string[] {
  return [...new Set(names.filter((name, i) => names.indexOf(name) !== i))];
}
