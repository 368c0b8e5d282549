import { statSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import { BertuneError, counted, defined, UsageError } from '../core/errors.ts';
import { availableMemory, formatBytes } from '../core/memory.ts';
import { sizeOf } from '../core/tensor.ts';
import type { HubConfig } from '../models/text/config.ts';
import type { HeadRecord, PartName } from '../models/text/heads/head.ts';
import { type HeadName, heads, headsOf } from '../models/text/heads/table.ts';
import { defaultLabels } from '../models/text/hubLabels.ts';
import { partsOfAll, type TextModel } from '../models/text/model.ts';
import { type Pooling, pooledBy } from '../models/text/sentence/pooling.ts';
import { readsVectors, sentenceHead, sentenceWeight } from '../models/text/sentence/sentence.ts';
import { initialValue, type ParameterSpec, type ParameterValues } from '../nn/parameters.ts';
import { encoderFolder, readSentence, type SentenceSettings } from './sentenceFolder.ts';
import { readTextConfig } from './textConfig.ts';
import { openWeights, type WeightFiles, weightFile } from './weightFiles.ts';

export { saveText } from './saveText.ts';

export interface LoadTextOptions {
  /** Head or heads whose values are wanted beside the encoder's, or all that the folder holds. */
  readonly head: HeadName | readonly HeadName[] | 'present';
  /** Parts that are wanted, too, if the folder holds them. */
  readonly beside?: readonly PartName[];
  /** Hears, in one line each, what was missing or left out. */
  readonly onNote?: (note: string) => void;
  /** Seed of what starts at random. */
  readonly seed?: number;
  /**
   * What a classifier that is to be trained reads, in place of what the folder's does: a pooling, the encoder's own
   * pooler, or what suits the folder: what it says itself, else its pooler, else the mean of all tokens.
   */
  readonly reads?: Pooling | 'pooler' | 'suited';
  /** Whether a classifier on vectors that the folder lacks is fitted by the caller, so that its random start is not told. */
  readonly isFitted?: boolean;
  /** Class names of the classifier wanted; the folder's own when absent. Its own head is used only when they agree. */
  readonly labels?: readonly string[];
}

/** What a folder's headers tell. */
export interface TextFacts {
  readonly model: TextModel;
  /** `config.json` as it stands in the folder. */
  readonly raw: HubConfig;
  /** What a sentence encoder's folder says beside its modules; null for a folder of another kind. */
  readonly sentence: SentenceSettings | null;
  /** Where the encoder and its tokenizer lie: the folder itself, or one below it. */
  readonly folder: string;
  /** Parts that the files hold completely. */
  readonly present: PartName[];
  /** Element types of the weights in the files, as "float32" or "float16, float32". */
  readonly storedAs: string;
}

export interface LoadedText extends TextFacts {
  /** Values of all parameters of the encoder and the head asked for. */
  readonly values: ParameterValues;
  /** Parts of which the folder holds nothing that can be used: drawn at random. */
  readonly atRandom: readonly PartName[];
  /** Values of the parts asked for beside, of those that the folder holds. */
  readonly beside: ParameterValues;
}

export interface TextInspection extends TextFacts {
  /** Numbers in the parameters of the parts present; a tied decoder counts once. */
  readonly parameters: number;
  /** Class names; null without a classifier. */
  readonly labels: readonly string[] | null;
  /** What the files hold beside the model, in one line each. */
  readonly notes: string[];
}

/**
 * Loads a text encoder from a Hugging Face folder: `config.json` and safetensors weights. Parts asked for that the
 * folder does not hold start at random, and `onNote` hears so.
 *
 * @throws UsageError when the folder, its configuration or its weights are not there; BertuneError when they are
 * damaged, do not fit each other, or are of no family.
 */
export async function loadText(path: string, options: LoadTextOptions): Promise<LoadedText> {
  const { model: folderModel, raw, settings, folder } = await readFolderConfig(path);
  const weights = await openFolder(folder, path, folderModel);
  try {
    const stored = readingBy(folderModel, options.reads, weights);
    const wanted = (model: TextModel) => {
      const { head } = options;
      if (head === 'present') return presentParts(findParts(model, raw, weights));
      return partsOfAll(model, typeof head === 'string' ? [head] : head);
    };
    const has = (name: string) => weights.tensors.has(name);
    const asked = withLabels(stored, wanted(stored), options.labels);
    const { model, note } = await asked.asStored(wanted(asked), { folder: path, has, read: weights.read });
    if (note !== undefined) options.onNote?.(note);
    const found = findParts(model, raw, weights);
    checkEncoder(model, found, weights);
    const usable = (part: PartName) => part !== 'classifier' || usesStoredClassifier(stored, raw, options, path);
    const located = pick(found, wanted(model)).map((part) => (usable(part.part) ? part : withoutStored(part)));
    const beside = pick(found, options.beside ?? []).filter(isComplete);
    for (const part of [...located, ...beside]) checkShapes(part, weights);
    for (const text of missingNotes(model, located, options, path)) options.onNote?.(text);
    for (const text of otherNotes(model, raw, weights)) options.onNote?.(text);
    checkMemory([...located, ...beside], path);
    const read = (parts: readonly LocatedPart[]) => readValues(parts, model, weights, options.seed ?? 0);
    const facts = { present: presentParts(found), storedAs: storedTypes(found, weights), sentence: settings, folder };
    const atRandom = located.filter(
      ({ specs }) => specs.length > 0 && specs.every(({ stored }) => stored === undefined),
    );
    const drawn = { atRandom: atRandom.map(({ part }) => part) };
    return { model, raw, ...drawn, values: await read(located), beside: await read(beside), ...facts };
  } finally {
    await weights.close();
  }
}

/**
 * What a Hugging Face folder holds, from its configuration and the headers of its weights alone.
 *
 * @throws as `loadText`.
 */
export async function inspectText(path: string): Promise<TextInspection> {
  const { model, raw, settings, folder } = await readFolderConfig(path);
  const weights = await openFolder(folder, path, model);
  try {
    const found = findParts(model, raw, weights);
    checkEncoder(model, found, weights);
    const present = presentParts(found);
    const located = pick(found, present);
    for (const part of located) checkShapes(part, weights);
    const specs = located.flatMap(({ specs }) => specs);
    return {
      model,
      raw,
      sentence: settings,
      folder,
      present,
      storedAs: storedTypes(found, weights),
      parameters: specs.reduce((sum, { spec }) => sum + sizeOf(spec.shape), 0),
      labels: present.includes('classifier') ? (model.config.labels ?? defaultLabels(2)) : null,
      notes: otherNotes(model, raw, weights),
    };
  } finally {
    await weights.close();
  }
}

interface FolderConfig {
  readonly model: TextModel;
  readonly raw: HubConfig;
  readonly settings: SentenceSettings | null;
  readonly folder: string;
}

async function readFolderConfig(path: string): Promise<FolderConfig> {
  if (statSync(path, { throwIfNoEntry: false })?.isFile()) {
    throw new UsageError(`${path} is a file; give the model's folder, which holds config.json and the weights`);
  }
  const folder = await encoderFolder(path);
  const { model, raw } = await readTextConfig(folder);
  const classes = model.heads.filter((name) => 'problem' in heads[name]).map((name) => model.hubClass(name));
  const isClassifier = Array.isArray(raw.architectures) && raw.architectures.some((name) => classes.includes(name));
  const sentence = await readSentence(path, model.config, isClassifier);
  return { model: model.withSentence(sentence?.head ?? null), raw, settings: sentence?.settings ?? null, folder };
}

/** The model with what its classifier is to read. */
function readingBy(model: TextModel, reads: LoadTextOptions['reads'], { tensors }: WeightFiles): TextModel {
  if (reads === undefined) return model;
  if (reads === 'pooler') return model.withSentence(null);
  if (reads !== 'suited') return model.withSentence(sentenceHead(reads));
  const hasPooler = [...poolerNames(model)].some((name) => tensors.has(name));
  return model.sentence || hasPooler ? model : model.withSentence(sentenceHead(pooledBy('mean')));
}

/** The weights of a folder, those of the modules behind its encoder among them. */
function openFolder(folder: string, path: string, model: TextModel): Promise<WeightFiles> {
  const { modules, classifier } = model.sentence ?? { modules: [], classifier: null };
  const folders = [...modules.map((module) => module.path), ...(classifier === null ? [] : [classifier])];
  return openWeights(folder, poolerNames(model), { path, folders: [...new Set(folders)] });
}

/** Where the parameters of one part lie; `stored` is the name in the files, absent when they have none. */
interface LocatedPart {
  readonly part: PartName;
  readonly specs: readonly { readonly spec: ParameterSpec; readonly stored?: string }[];
}

/** Every part that the model's family has. */
function findParts(model: TextModel, raw: HubConfig, weights: WeightFiles): LocatedPart[] {
  return model.parts.map((part) => {
    const names = (spec: ParameterSpec) => (isOtherHead(model, part, raw) ? [] : model.names.spellings(spec.name));
    const locate = (spec: ParameterSpec) => names(spec).find((name) => weights.tensors.has(name));
    return { part, specs: model.parameters([part]).map((spec) => ({ spec, stored: locate(spec) })) };
  });
}

function pick(found: readonly LocatedPart[], parts: readonly PartName[]): LocatedPart[] {
  return parts.flatMap((part) => found.find((each) => each.part === part) ?? []);
}

/** Token classifiers and multiple-choice models, too, name their head "classifier": the class tells which it is. */
function isOtherHead(model: TextModel, part: PartName, { architectures }: HubConfig): boolean {
  if (!Array.isArray(architectures) || architectures.length === 0) return false;
  const named = model.heads.filter((name) => {
    const head: HeadRecord = heads[name];
    return head.part === part && head.problem !== undefined;
  });
  return named.length > 0 && !named.some((name) => architectures.includes(model.hubClass(name)));
}

function isComplete({ specs }: LocatedPart): boolean {
  return specs.every(({ stored }) => stored !== undefined);
}

function presentParts(found: readonly LocatedPart[]): PartName[] {
  return found.filter(isComplete).map(({ part }) => part);
}

function withoutStored({ part, specs }: LocatedPart): LocatedPart {
  return { part, specs: specs.map(({ spec }) => ({ spec })) };
}

function withLabels(model: TextModel, parts: readonly PartName[], labels: readonly string[] | undefined): TextModel {
  const byDefault = parts.includes('classifier') ? defaultLabels(2) : undefined;
  return model.withLabels(labels ?? model.config.labels ?? byDefault);
}

/** Whether the folder's classification head is one for the labels asked for. @throws when it is of another kind. */
function usesStoredClassifier({ config }: TextModel, raw: HubConfig, options: LoadTextOptions, path: string): boolean {
  const problem = problemAsked(options.head, raw);
  const labels = config.labels ?? defaultLabels(2);
  const wanted = options.labels ?? labels;
  if (wanted.length !== labels.length || wanted.some((label, index) => label !== labels[index])) return false;
  const kind = raw.problem_type ?? heads.oneLabel.problem.type;
  if (kind === problem.type && labels.length > 1) return true;
  if (options.labels !== undefined) return false;
  throw new BertuneError(
    `${path}: its classifier is for ${labels.length === 1 ? 'one number' : kind}, not for ${problem.answer}`,
  );
}

/** What a classifier is to answer: as the head asked for has it, else as the folder says. */
function problemAsked(head: LoadTextOptions['head'], raw: HubConfig): NonNullable<HeadRecord['problem']> {
  const asked = head === 'present' ? headsOf(['classifier'], raw.problem_type) : [head].flat();
  const records = asked.map((name): HeadRecord => heads[name]);
  return records.find(({ problem }) => problem !== undefined)?.problem ?? heads.oneLabel.problem;
}

/** @throws BertuneError when a part of the encoder is not there: nothing could make up for it. */
function checkEncoder(model: TextModel, found: readonly LocatedPart[], weights: WeightFiles): void {
  checkModules(model, found, weights);
  const specs = pick(found, ['encoder']).flatMap(({ specs }) => specs);
  const missing = specs.filter(({ stored }) => stored === undefined).map(({ spec }) => writtenName(model, spec));
  if (missing.length === 0) return;
  throw new BertuneError(
    `${weights.folder} lacks ${counted(missing.length, 'weight')} of the ${model.title} that its config.json describes: ${listed(missing)}`,
  );
}

/** @throws BertuneError when the modules behind the encoder lack weights, or have more than their settings say. */
function checkModules({ sentence }: TextModel, found: readonly LocatedPart[], weights: WeightFiles): void {
  if (!sentence) return;
  const located = pick(found, ['sentence', 'classifier']);
  const known = new Set(located.flatMap(({ specs }) => specs.map(({ stored }) => stored)));
  for (const { path } of sentence.modules) {
    const extra = [...weights.tensors.keys()].find((name) => name.startsWith(`${path}/`) && !known.has(name));
    if (extra === undefined) continue;
    throw new BertuneError(
      `${weights.fileOf(extra)} holds ${basename(extra)}, which the config.json beside it leaves out`,
    );
  }
  const missing = pick(found, ['sentence']).flatMap(({ specs }) => specs.filter(({ stored }) => stored === undefined));
  const [first] = missing.map(({ spec }) => sentenceWeight(sentence, spec.name) ?? '');
  if (first === undefined) return;
  const [file, name] = [`${dirname(first)}/${weightFile}`, basename(first)];
  throw new BertuneError(`${weights.folder} lacks ${file}, or ${name} in it; download it again`);
}

function writtenName({ names }: TextModel, { name }: ParameterSpec): string {
  return names.written(name)[0] ?? name;
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

function missingNotes(
  model: TextModel,
  parts: readonly LocatedPart[],
  { labels, isFitted }: LoadTextOptions,
  path: string,
): string[] {
  const names = parts.flatMap(({ part, specs }) => {
    const missing = specs.filter(({ stored }) => stored === undefined).map(({ spec }) => writtenName(model, spec));
    if (missing.length < specs.length) return missing;
    if (part === 'classifier' && isFitted && readsVectors(model)) return [];
    return part === 'classifier' && labels ? `${model.partTitle(part)} for these labels` : model.partTitle(part);
  });
  return names.length === 0 ? [] : [`${path} has no ${names.join(' and no ')}: started at random`];
}

function otherNotes(model: TextModel, raw: HubConfig, weights: WeightFiles): string[] {
  const parts = model.parts.filter((part) => !isOtherHead(model, part, raw));
  const known = namesOf(model, parts);
  const others = [...weights.tensors.keys()]
    .filter((name) => !known.has(name))
    .map((name) => ({ name, kind: model.names.other(name) }));
  const titles = new Set(others.flatMap(({ kind }) => (kind !== null && kind !== 'ignored' ? [kind.title] : [])));
  const unknown = others.filter(({ kind }) => kind === null).map(({ name }) => name);
  return [
    // Python that is told to trust it would run it, and might make another model.
    ...(raw.auto_map
      ? [
          `${weights.folder} comes with Python code of its own (auto_map), which is not run: read as a plain ${model.title}`,
        ]
      : []),
    ...[...titles].map((title) => `${weights.folder} has ${title}: left out`),
    ...(unknown.length > 0
      ? [`${weights.folder} holds ${counted(unknown.length, 'other weight')}: left out (${listed(unknown)})`]
      : []),
  ];
}

/** Every name under which checkpoints may hold a pooler. */
function poolerNames(model: TextModel): Set<string> {
  return namesOf(
    model,
    model.parts.filter((part) => part === 'pooler'),
  );
}

/** Every name under which checkpoints may hold the parts. */
function namesOf(model: TextModel, parts: readonly PartName[]): Set<string> {
  return new Set(model.parameters(parts).flatMap(({ name }) => model.names.spellings(name)));
}

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
  { config }: TextModel,
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

function storedTypes(found: readonly LocatedPart[], weights: WeightFiles): string {
  const specs = found.flatMap(({ specs }) => specs);
  const types = specs.flatMap(({ stored }) => (stored === undefined ? [] : [weights.tensors.get(stored)?.dtype ?? '']));
  return [...new Set(types.map((type) => typeNames[type] ?? type))].sort().join(', ');
}
