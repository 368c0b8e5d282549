import { basename, dirname } from 'node:path';
import { BertuneError, counted, defined, UsageError } from '../core/errors.ts';
import { availableMemory, formatBytes } from '../core/memory.ts';
import { sizeOf } from '../core/tensor.ts';
import type { HubConfig } from '../models/text/config.ts';
import type { HeadRecord, PartName } from '../models/text/heads/head.ts';
import { heads } from '../models/text/heads/table.ts';
import { labelNote } from '../models/text/hubLabels.ts';
import type { TextModel } from '../models/text/model.ts';
import { readsVectors, sentenceWeight } from '../models/text/sentence/sentence.ts';
import { initialValue, type ParameterSpec, type ParameterValues } from '../nn/parameters.ts';
import { type WeightFiles, weightFile } from './weightFiles.ts';

/** Where the parameters of one part lie; `stored` is the name in the files, absent when they have none. */
export interface LocatedPart {
  readonly part: PartName;
  readonly specs: readonly { readonly spec: ParameterSpec; readonly stored?: string }[];
}

/** Every part that the model's family has. */
export function findParts(model: TextModel, raw: HubConfig, weights: WeightFiles): LocatedPart[] {
  return model.parts.map((part) => {
    const names = (spec: ParameterSpec) => (isOtherHead(model, part, raw) ? [] : model.names.spellings(spec.name));
    const locate = (spec: ParameterSpec) => names(spec).find((name) => weights.tensors.has(name));
    return { part, specs: model.parameters([part]).map((spec) => ({ spec, stored: locate(spec) })) };
  });
}

export function pick(found: readonly LocatedPart[], parts: readonly PartName[]): LocatedPart[] {
  return parts.flatMap((part) => found.find((each) => each.part === part) ?? []);
}

/** Classifiers of texts and of tokens, and multiple-choice models, name their head "classifier": the class tells. */
function isOtherHead(model: TextModel, part: PartName, { architectures }: HubConfig): boolean {
  if (!Array.isArray(architectures) || architectures.length === 0) return part === 'tokenClassifier';
  const named = model.heads.filter((name) => {
    const head: HeadRecord = heads[name];
    return head.part === part && (head.problem !== undefined || head.tags);
  });
  return named.length > 0 && !named.some((name) => architectures.includes(model.hubClass(name)));
}

export function isComplete({ specs }: LocatedPart): boolean {
  return specs.every(({ stored }) => stored !== undefined);
}

/** A part without parameters is there with the others of its head. */
export function presentParts(model: TextModel, found: readonly LocatedPart[]): PartName[] {
  const complete = found.filter(isComplete).map(({ part }) => part);
  const empty = new Set(found.filter(({ specs }) => specs.length === 0).map(({ part }) => part));
  const beside = (part: PartName) => model.heads.map((head) => model.partsOf(head)).filter((all) => all.includes(part));
  return complete.filter(
    (part) => !empty.has(part) || beside(part).some((all) => all.every((each) => complete.includes(each))),
  );
}

export function withoutStored({ part, specs }: LocatedPart): LocatedPart {
  return { part, specs: specs.map(({ spec }) => ({ spec })) };
}

/** @throws BertuneError when a part of the encoder is not there: nothing could make up for it. */
export function checkEncoder(model: TextModel, found: readonly LocatedPart[], weights: WeightFiles): void {
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

export function checkShapes({ specs }: LocatedPart, weights: WeightFiles): void {
  for (const { spec, stored } of specs) {
    if (stored === undefined) continue;
    const { shape } = defined(weights.tensors.get(stored), stored);
    if (shape.length === spec.shape.length && shape.every((size, axis) => size === spec.shape[axis])) continue;
    throw new BertuneError(
      `${weights.fileOf(stored)}: ${stored} must be [${spec.shape.join(', ')}] by config.json, got [${shape.join(', ')}]`,
    );
  }
}

export function missingNotes(
  model: TextModel,
  parts: readonly LocatedPart[],
  { labels, isFitted }: { readonly labels?: readonly string[]; readonly isFitted?: boolean },
  path: string,
): string[] {
  const names = parts.flatMap(({ part, specs }) => {
    const missing = specs.filter(({ stored }) => stored === undefined).map(({ spec }) => writtenName(model, spec));
    if (missing.length < specs.length || specs.length === 0) return missing;
    if (isFitted && (part === 'tokenClassifier' || (part === 'classifier' && readsVectors(model)))) return [];
    return part === 'classifier' && labels ? `${model.partTitle(part)} for these labels` : model.partTitle(part);
  });
  return names.length === 0 ? [] : [`${path} has no ${names.join(' and no ')}: started at random`];
}

export function otherNotes(model: TextModel, raw: HubConfig, weights: WeightFiles): string[] {
  const parts = model.parts.filter((part) => !isOtherHead(model, part, raw));
  const known = namesOf(model, parts);
  const others = [...weights.tensors.keys()]
    .filter((name) => !known.has(name))
    .map((name) => ({ name, kind: model.names.other(name) }));
  const titles = new Set(others.flatMap(({ kind }) => (kind !== null && kind !== 'ignored' ? [kind.title] : [])));
  const unknown = others.filter(({ kind }) => kind === null).map(({ name }) => name);
  const ofLabels = labelNote(raw);
  return [
    ...(ofLabels === undefined ? [] : [`${weights.folder}: ${ofLabels}`]),
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
export function poolerNames(model: TextModel): Set<string> {
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
export function checkMemory(parts: readonly LocatedPart[], path: string): void {
  const needed = 4 * parts.flatMap(({ specs }) => specs).reduce((sum, { spec }) => sum + sizeOf(spec.shape), 0);
  const available = availableMemory();
  if (needed <= available) return;
  throw new UsageError(
    `the weights of ${path} take ${formatBytes(needed)} of memory, and ${formatBytes(available)} are available`,
    'use a smaller model or a larger machine',
  );
}

export async function readValues(
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

export function storedTypes(found: readonly LocatedPart[], weights: WeightFiles): string {
  const specs = found.flatMap(({ specs }) => specs);
  const types = specs.flatMap(({ stored }) => (stored === undefined ? [] : [weights.tensors.get(stored)?.dtype ?? '']));
  return [...new Set(types.map((type) => typeNames[type] ?? type))].sort().join(', ');
}
