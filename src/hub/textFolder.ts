import { statSync } from 'node:fs';
import { BertuneError, counted, defined, UsageError } from '../core/errors.ts';
import { availableMemory, formatBytes } from '../core/memory.ts';
import { sizeOf } from '../core/tensor.ts';
import type { BertConfig } from '../models/bert/config.ts';
import { type BertPart, bertParameters } from '../models/bert/parameters.ts';
import { initialValue, type ParameterSpec, type ParameterValues } from '../nn/parameters.ts';
import { defaultLabels, type HubConfig, readBertConfig } from './bertConfig.ts';
import { openWeights, type WeightFiles } from './weightFiles.ts';
import { classifyOther, hubName, hubNames, tiedDecoderWeight } from './weightNames.ts';

export { saveBert } from './saveFolder.ts';

export interface LoadBertOptions {
  /** What the values are wanted of; the encoder is to be among them. */
  readonly parts: readonly BertPart[];
  /** Hears, in one line each, what was missing or left out. */
  readonly onNote?: (note: string) => void;
  /** Seed of what starts at random. */
  readonly seed?: number;
  /** Class names of the classifier wanted; the folder's own when absent. Its own head is used only when they agree. */
  readonly labels?: readonly string[];
}

/** What a folder's headers tell. */
export interface BertFacts {
  readonly config: BertConfig;
  /** `config.json` as it stands in the folder. */
  readonly raw: HubConfig;
  /** Parts that the files hold completely. */
  readonly present: BertPart[];
  /** Element types of the weights in the files, as "float32" or "float16, float32". */
  readonly storedAs: string;
}

export interface LoadedBert extends BertFacts {
  /** Values of all parameters of the parts asked for. */
  readonly values: ParameterValues;
}

export interface BertInspection extends BertFacts {
  /** Numbers in the parameters of the parts present; a tied decoder counts once. */
  readonly parameters: number;
  /** Class names; null without a classifier. */
  readonly labels: readonly string[] | null;
  /** What the files hold beside a BERT, in one line each. */
  readonly notes: string[];
}

/**
 * Loads a BERT from a Hugging Face folder: `config.json` and safetensors weights. Parts asked for that the folder does
 * not hold start at random, and `onNote` hears so.
 *
 * @throws UsageError when the folder, its configuration or its weights are not there; BertuneError when they are
 * damaged, do not fit each other, or are not those of a BERT.
 */
export async function loadBert(path: string, options: LoadBertOptions): Promise<LoadedBert> {
  const { config: stored, raw } = await readFolderConfig(path);
  const weights = await openWeights(path);
  try {
    const config = await decoderAsStored(withLabels(stored, options), weights, options);
    const found = findParts(config, raw, weights);
    const usable = (part: BertPart) => part !== 'classifier' || usesStoredClassifier(stored, raw, options, path);
    const located = options.parts.map((part) => (usable(part) ? found[part] : withoutStored(found[part])));
    checkEncoder(found.encoder, weights);
    for (const part of located) checkShapes(part, weights);
    for (const note of missingNotes(located, options, path)) options.onNote?.(note);
    for (const note of otherNotes(config, raw, weights)) options.onNote?.(note);
    checkMemory(located, path);
    const values = await readValues(located, config, weights, options.seed ?? 0);
    return { config, raw, values, present: presentParts(found), storedAs: storedTypes(found, weights) };
  } finally {
    await weights.close();
  }
}

/**
 * What a Hugging Face folder holds, from its configuration and the headers of its weights alone.
 *
 * @throws as `loadBert`.
 */
export async function inspectBert(path: string): Promise<BertInspection> {
  const { config, raw } = await readFolderConfig(path);
  const weights = await openWeights(path);
  try {
    const found = findParts(config, raw, weights);
    checkEncoder(found.encoder, weights);
    const present = presentParts(found);
    for (const part of present) checkShapes(found[part], weights);
    const specs = present.flatMap((part) => found[part].specs);
    return {
      config,
      raw,
      present,
      storedAs: storedTypes(found, weights),
      parameters: specs.reduce((sum, { spec }) => sum + sizeOf(spec.shape), 0),
      labels: present.includes('classifier') ? (config.labels ?? defaultLabels(2)) : null,
      notes: otherNotes(config, raw, weights),
    };
  } finally {
    await weights.close();
  }
}

async function readFolderConfig(path: string): Promise<{ config: BertConfig; raw: HubConfig }> {
  if (statSync(path, { throwIfNoEntry: false })?.isFile()) {
    throw new UsageError(`${path} is a file; give the model's folder, which holds config.json and the weights`);
  }
  return readBertConfig(path);
}

/** Where the parameters of one part lie; `stored` is the name in the files, absent when they have none. */
interface LocatedPart {
  readonly part: BertPart;
  readonly specs: readonly { readonly spec: ParameterSpec; readonly stored?: string }[];
}

type FoundParts = Record<BertPart, LocatedPart>;

function findParts(config: BertConfig, raw: HubConfig, weights: WeightFiles): FoundParts {
  const find = (part: BertPart): LocatedPart => {
    const names = (spec: ParameterSpec) => (isOtherHead(part, raw) ? [] : hubNames(spec.name, config.tiedDecoder));
    const locate = (spec: ParameterSpec) => names(spec).find((name) => weights.tensors.has(name));
    return { part, specs: bertParameters(config, part).map((spec) => ({ spec, stored: locate(spec) })) };
  };
  return {
    encoder: find('encoder'),
    mlmHead: find('mlmHead'),
    pooler: find('pooler'),
    classifier: find('classifier'),
  };
}

/** Token classifiers and multiple-choice models, too, name their head "classifier". */
function isOtherHead(part: BertPart, raw: HubConfig): boolean {
  const { architectures } = raw;
  if (part !== 'classifier' || !Array.isArray(architectures) || architectures.length === 0) return false;
  return !architectures.includes('BertForSequenceClassification');
}

function presentParts(found: FoundParts): BertPart[] {
  const parts = [found.encoder, found.mlmHead, found.pooler, found.classifier];
  return parts.filter(({ specs }) => specs.every(({ stored }) => stored !== undefined)).map(({ part }) => part);
}

function withoutStored({ part, specs }: LocatedPart): LocatedPart {
  return { part, specs: specs.map(({ spec }) => ({ spec })) };
}

function withLabels(config: BertConfig, { labels, parts }: LoadBertOptions): BertConfig {
  const named = labels ?? config.labels ?? (parts.includes('classifier') ? defaultLabels(2) : undefined);
  return { ...config, labels: named };
}

/** Whether the folder's classification head is one for the labels asked for. @throws when it is of another kind. */
function usesStoredClassifier(stored: BertConfig, raw: HubConfig, options: LoadBertOptions, path: string): boolean {
  const labels = stored.labels ?? defaultLabels(2);
  const wanted = options.labels ?? labels;
  if (wanted.length !== labels.length || wanted.some((label, index) => label !== labels[index])) return false;
  const kind = raw.problem_type ?? 'single_label_classification';
  if (kind === 'single_label_classification' && labels.length > 1) return true;
  if (options.labels !== undefined) return false;
  throw new BertuneError(
    `${path}: its classifier is for ${labels.length === 1 ? 'one number' : kind}, not for one label`,
  );
}

/**
 * Checkpoints converted from older files hold the tied decoder as a copy. Where it is no copy, the configuration is
 * wrong and the decoder is taken as it is stored, as transformers does.
 */
async function decoderAsStored(
  config: BertConfig,
  weights: WeightFiles,
  options: LoadBertOptions,
): Promise<BertConfig> {
  const decoder = weights.tensors.get(tiedDecoderWeight);
  if (!config.tiedDecoder || decoder === undefined || !options.parts.includes('mlmHead')) return config;
  const words = hubNames('embeddings.word.weight', true).find((name) => weights.tensors.has(name));
  if (words === undefined || sameBytes(await weights.read(words), await weights.read(tiedDecoderWeight))) return config;
  options.onNote?.(`${weights.folder} has an MLM decoder of its own, though its config.json calls it tied: kept apart`);
  return { ...config, tiedDecoder: false };
}

function sameBytes(a: Float32Array, b: Float32Array): boolean {
  return Buffer.from(a.buffer).equals(Buffer.from(b.buffer));
}

/** @throws BertuneError when a part of the encoder is not there: nothing could make up for it. */
function checkEncoder({ specs }: LocatedPart, weights: WeightFiles): void {
  const missing = specs.filter(({ stored }) => stored === undefined).map(({ spec }) => hubName(spec.name));
  if (missing.length === 0) return;
  throw new BertuneError(
    `${weights.folder} lacks ${counted(missing.length, 'weight')} of the BERT that its config.json describes: ${listed(missing)}`,
  );
}

function checkShapes({ specs }: LocatedPart, weights: WeightFiles): void {
  for (const { spec, stored } of specs) {
    if (stored === undefined) continue;
    const { shape } = defined(weights.tensors.get(stored), stored);
    if (shape.length === spec.shape.length && shape.every((size, axis) => size === spec.shape[axis])) continue;
    throw new BertuneError(
      `${weights.fileOf(stored)}: ${stored} must be [${spec.shape.join(', ')}] by config.json, got [${shape.join(', ')}]`,
    );
  }
}

const partNames: Record<BertPart, string> = {
  encoder: 'encoder',
  mlmHead: 'MLM head',
  pooler: 'pooler',
  classifier: 'classifier',
};

function missingNotes(parts: readonly LocatedPart[], options: LoadBertOptions, path: string): string[] {
  const names = parts.flatMap(({ part, specs }) => {
    const missing = specs.filter(({ stored }) => stored === undefined).map(({ spec }) => hubName(spec.name));
    if (missing.length < specs.length) return missing;
    return part === 'classifier' && options.labels ? 'classifier for these labels' : partNames[part];
  });
  return names.length === 0 ? [] : [`${path} has no ${names.join(' and no ')}: started at random`];
}

function otherNotes(config: BertConfig, raw: HubConfig, weights: WeightFiles): string[] {
  const parts: BertPart[] = ['encoder', 'mlmHead', 'pooler', ...(isOtherHead('classifier', raw) ? [] : classifier)];
  const specs = parts.flatMap((part) => bertParameters(config, part));
  const known = new Set(specs.flatMap((spec) => hubNames(spec.name, config.tiedDecoder)));
  const others = [...weights.tensors.keys()].filter((name) => !known.has(name));
  const unknown = others.filter((name) => classifyOther(name, config.tiedDecoder) === 'unknown');
  const nextSentence = others.some((name) => classifyOther(name, config.tiedDecoder) === 'nextSentence');
  return [
    ...(nextSentence ? [`${weights.folder} has a next-sentence head: left out`] : []),
    ...(unknown.length > 0
      ? [`${weights.folder} holds ${counted(unknown.length, 'other weight')}: left out (${listed(unknown)})`]
      : []),
  ];
}

const classifier = ['classifier'] as const;

function listed(names: readonly string[]): string {
  return names.slice(0, 3).join(', ') + (names.length > 3 ? ', …' : '');
}

/** @throws UsageError when the values of the parts are more than there is memory for */
function checkMemory(parts: readonly LocatedPart[], path: string): void {
  const needed = 4 * parts.flatMap(({ specs }) => specs).reduce((sum, { spec }) => sum + sizeOf(spec.shape), 0);
  const available = availableMemory();
  if (needed <= available) return;
  throw new UsageError(
    `the weights of ${path} take ${formatBytes(needed)} of memory, and ${formatBytes(available)} are available`,
    'use a smaller model or a larger machine',
  );
}

async function readValues(
  parts: readonly LocatedPart[],
  config: BertConfig,
  weights: WeightFiles,
  seed: number,
): Promise<ParameterValues> {
  const values: ParameterValues = new Map();
  for (const { spec, stored } of parts.flatMap(({ specs }) => specs)) {
    const start = () => initialValue(spec, config.initializerRange, seed);
    values.set(spec.name, stored === undefined ? start() : await weights.read(stored));
  }
  return values;
}

const typeNames: Readonly<Record<string, string>> = {
  F16: 'float16',
  BF16: 'bfloat16',
  F32: 'float32',
  F64: 'float64',
};

function storedTypes(found: FoundParts, weights: WeightFiles): string {
  const specs = Object.values(found).flatMap(({ specs }) => specs);
  const types = specs.flatMap(({ stored }) => (stored === undefined ? [] : [weights.tensors.get(stored)?.dtype ?? '']));
  return [...new Set(types.map((type) => typeNames[type] ?? type))].sort().join(', ');
}
