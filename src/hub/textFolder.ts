import { statSync } from 'node:fs';
import { BertuneError, UsageError } from '../core/errors.ts';
import { sizeOf } from '../core/tensor.ts';
import type { HubConfig } from '../models/text/config.ts';
import type { HeadRecord, PartName } from '../models/text/heads/head.ts';
import { type HeadName, heads, headsOf } from '../models/text/heads/table.ts';
import { defaultLabels, problemTypeOf } from '../models/text/hubLabels.ts';
import { partsOfAll, type TextModel } from '../models/text/model.ts';
import { type Pooling, pooledBy } from '../models/text/sentence/pooling.ts';
import { sentenceHead } from '../models/text/sentence/sentence.ts';
import type { ParameterValues } from '../nn/parameters.ts';
import { encoderFolder, readSentence, type SentenceSettings } from './sentenceFolder.ts';
import { readTextConfig } from './textConfig.ts';
import {
  checkEncoder,
  checkMemory,
  checkShapes,
  findParts,
  isComplete,
  type LocatedPart,
  missingNotes,
  otherNotes,
  pick,
  poolerNames,
  presentParts,
  readValues,
  storedTypes,
  withoutStored,
} from './textParts.ts';
import { openWeights, type WeightFiles } from './weightFiles.ts';

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
   * pooler, what suits the folder (what it says itself, else its pooler, else the mean of all tokens), or vectors (what
   * it says itself, else the mean).
   */
  readonly reads?: Pooling | 'pooler' | 'suited' | 'vectors';
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
  /** Heads that these parts and `problem_type` make. */
  readonly heads: readonly HeadName[];
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
  const config = await readFolderConfig(path);
  const { model: folderModel, raw, settings, folder } = config;
  const weights = await openFolder(path, config);
  try {
    const stored = readingBy(folderModel, options.reads, raw, weights);
    const wanted = (model: TextModel) => {
      const { head } = options;
      if (head === 'present') return presentParts(model, findParts(model, raw, weights));
      return partsOfAll(model, typeof head === 'string' ? [head] : head);
    };
    const has = (name: string) => weights.tensors.has(name);
    const asked = withLabels(stored, wanted(stored), options.labels);
    const { model, note } = await asked.asStored(wanted(asked), { folder: path, has, read: weights.read });
    if (note !== undefined) options.onNote?.(note);
    const found = findParts(model, raw, weights);
    checkEncoder(model, found, weights);
    // A classifier of vectors that came about in another way is none for these.
    const isOfOthers = stored.sentence !== null && stored.sentence !== folderModel.sentence;
    const usable = (part: PartName) => {
      if (part === 'tokenClassifier') return isSame(options.labels ?? stored.config.labels, stored.config.labels);
      return part !== 'classifier' || (!isOfOthers && usesStoredClassifier(stored, raw, options, path));
    };
    const located = pick(found, wanted(model)).map((part) => (usable(part.part) ? part : withoutStored(part)));
    const beside = pick(found, options.beside ?? []).filter(isComplete);
    for (const part of [...located, ...beside]) checkShapes(part, weights);
    for (const text of missingNotes(model, located, options, path)) options.onNote?.(text);
    for (const text of otherNotes(model, raw, weights)) options.onNote?.(text);
    checkMemory([...located, ...beside], path);
    const read = (parts: readonly LocatedPart[]) => readValues(parts, model, weights, options.seed ?? 0);
    const present = presentParts(model, found);
    const stores = { present, heads: headsIn(stored, raw, present), storedAs: storedTypes(found, weights) };
    const facts = { ...stores, sentence: settings, folder };
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
  const config = await readFolderConfig(path);
  const { model, raw, settings, folder } = config;
  const weights = await openFolder(path, config);
  try {
    const found = findParts(model, raw, weights);
    checkEncoder(model, found, weights);
    const present = presentParts(model, found);
    const located = pick(found, present);
    for (const part of located) checkShapes(part, weights);
    const specs = located.flatMap(({ specs }) => specs);
    return {
      model,
      raw,
      sentence: settings,
      folder,
      present,
      heads: headsIn(model, raw, present),
      storedAs: storedTypes(found, weights),
      parameters: specs.reduce((sum, { spec }) => sum + sizeOf(spec.shape), 0),
      labels: present.some(hasLabels) ? (model.config.labels ?? defaultLabels(2)) : null,
      notes: otherNotes(model, raw, weights),
    };
  } finally {
    await weights.close();
  }
}

/** The heads of a folder that holds these parts. */
function headsIn({ config }: TextModel, raw: HubConfig, present: readonly PartName[]): HeadName[] {
  return headsOf(present, problemTypeOf(raw, config.labels));
}

interface FolderConfig {
  readonly model: TextModel;
  readonly raw: HubConfig;
  readonly settings: SentenceSettings | null;
  readonly folder: string;
  readonly hasClassifier: boolean;
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
  const { settings = null, hasClassifier = false } = sentence ?? {};
  return { model: model.withSentence(sentence?.head ?? null), raw, settings, folder, hasClassifier };
}

/** The model with what its classifier is to read. */
function readingBy(model: TextModel, reads: LoadTextOptions['reads'], raw: HubConfig, weights: WeightFiles): TextModel {
  if (reads === undefined) return model;
  if (reads === 'pooler') return model.withSentence(null);
  if (reads !== 'suited' && reads !== 'vectors') return model.withSentence(sentenceHead(reads));
  if (model.sentence || (reads === 'suited' && hasOwnReading(model, raw, weights))) return model;
  return model.withSentence(sentenceHead(pooledBy('mean')));
}

/** Whether a folder has what its classification reads: the pooler, or, of a family whose classifiers read none, one of them. */
function hasOwnReading(model: TextModel, raw: HubConfig, weights: WeightFiles): boolean {
  if (model.partsOf('oneLabel').includes('pooler')) {
    return [...poolerNames(model)].some((name) => weights.tensors.has(name));
  }
  return presentParts(model, findParts(model, raw, weights)).includes('classifier');
}

/** The weights of a folder, those of the modules behind its encoder among them. */
function openFolder(path: string, { folder, model, hasClassifier }: FolderConfig): Promise<WeightFiles> {
  const { modules, classifier } = model.sentence ?? { modules: [], classifier: null };
  const named = hasClassifier && classifier !== null ? [classifier] : [];
  const folders = [...modules.map((module) => module.path), ...named];
  return openWeights(folder, poolerNames(model), { path, folders: [...new Set(folders)] });
}

function withLabels(model: TextModel, parts: readonly PartName[], labels: readonly string[] | undefined): TextModel {
  const byDefault = parts.some(hasLabels) ? defaultLabels(2) : undefined;
  return model.withLabels(labels ?? model.config.labels ?? byDefault);
}

/** Whether a part gives labels, which a `config.json` names. */
function hasLabels(part: PartName): boolean {
  return part === 'classifier' || part === 'tokenClassifier';
}

function isSame(a: readonly string[] = [], b: readonly string[] = []): boolean {
  return a.length === b.length && a.every((label, i) => label === b[i]);
}

/** Whether the folder's classification head is one for the labels asked for. @throws when it is of another kind. */
function usesStoredClassifier({ config }: TextModel, raw: HubConfig, options: LoadTextOptions, path: string): boolean {
  const labels = config.labels ?? defaultLabels(2);
  const kind = problemTypeOf(raw, labels) ?? heads.oneLabel.problem.type;
  const problem = problemAsked(options.head, kind);
  const wanted = options.labels ?? labels;
  if (wanted.length !== labels.length || wanted.some((label, index) => label !== labels[index])) return false;
  if (kind === problem.type && labels.length > 1) return true;
  if (options.labels !== undefined) return false;
  throw new BertuneError(
    `${path}: its classifier is for ${labels.length === 1 ? 'one number' : kind}, not for ${problem.answer}`,
  );
}

/** What a classifier is to answer: as the head asked for has it, else as the folder says. */
function problemAsked(head: LoadTextOptions['head'], kind: unknown): NonNullable<HeadRecord['problem']> {
  const asked = head === 'present' ? headsOf(['classifier'], kind) : [head].flat();
  const records = asked.map((name): HeadRecord => heads[name]);
  return records.find(({ problem }) => problem !== undefined)?.problem ?? heads.oneLabel.problem;
}
