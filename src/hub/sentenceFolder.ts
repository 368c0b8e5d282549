import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { BertuneError } from '../core/errors.ts';
import type { TextConfig } from '../models/text/config.ts';
import { parsedKeys } from '../models/text/hubKeys.ts';
import { isModuleType, moduleRecord, type SentenceModule } from '../models/text/sentence/modules.ts';
import type { SentenceHead } from '../models/text/sentence/sentence.ts';
import { modulesFile, poolingConfig, readJson, readModules, readPooling, unknownModule } from './sentenceModules.ts';
import { weightFile } from './weightFiles.ts';

export { modulesFile } from './sentenceModules.ts';

/** Tokens of the shortest sequence that leaves room for text. */
const leastLength = 3;

/** What a sentence encoder's folder says beside its modules. */
export interface SentenceSettings {
  /** What texts may begin with, by name. */
  readonly prompts: Readonly<Record<string, string>>;
  /** Name of the prompt that texts begin with unless another is asked for. */
  readonly defaultPrompt: string | null;
  /** Tokens of a text, special ones included, that are read; the tokenizer and the model tell when absent. */
  readonly maxLength?: number;
  /** Whether texts are lower-cased before the tokenizer's own normalization. */
  readonly lowerCase: boolean;
  /** How vectors are compared: cosine, dot, euclidean or manhattan. */
  readonly similarity: string | null;
  /** Numbers of a vector that are kept, the first ones; all of them when absent. */
  readonly dimensions?: number;
}

export interface SentenceFolder {
  /** Whether `modules.json` names a classifier. */
  readonly hasClassifier: boolean;
  readonly head: SentenceHead;
  readonly settings: SentenceSettings;
}

/** Files of a sentence encoder in its folder's top, beside `modules.json`. */
export const sentenceFile = 'config_sentence_transformers.json';
export const encoderFile = 'sentence_bert_config.json';

/** The same in folders of old versions, by the kind of model. */
export const encoderFiles = [
  encoderFile,
  ...['roberta', 'distilbert', 'camembert', 'albert', 'xlm-roberta', 'xlnet'].map(
    (type) => `sentence_${type}_config.json`,
  ),
];

/** Settings of a sentence encoder that says nothing of its own. */
export const plainSettings: SentenceSettings = { prompts: {}, defaultPrompt: null, lowerCase: false, similarity: null };

/**
 * Reads what sentence-transformers reads of a folder beside the encoder: `modules.json`, the settings of each module,
 * prompts and lengths.
 *
 * @param isClassifier whether `config.json` says that classification is the encoder's own
 * @returns null for a folder without `modules.json`
 * @throws BertuneError for a module or a setting that is not known, naming it
 */
export async function readSentence(
  folder: string,
  { hiddenSize, maxPositions }: Pick<TextConfig, 'hiddenSize' | 'maxPositions'>,
  isClassifier: boolean,
): Promise<SentenceFolder | null> {
  const modules = await readModules(folder);
  if (modules === null) return null;
  const where = join(folder, modulesFile);
  const [encoder, pooler, ...behind] = modules;
  if (pooler?.class !== 'Pooling') throw new BertuneError(`${where}: its second module must be a Pooling`);
  const pooling = await readPooling(join(folder, pooler.path, 'config.json'), hiddenSize);
  const known: SentenceModule[] = [];
  let size = pooling.modes.length * hiddenSize;
  for (const { class: type, path } of behind) {
    if (!isModuleType(type)) throw unknownModule(where, type);
    const file = join(folder, path, 'config.json');
    const record = moduleRecord(type);
    const module = record.read((await readJson(file)) ?? {}, path, size, file);
    size = record.outputs(module, size);
    known.push(module);
  }
  const last = known.at(-1);
  const isNamed = behind.at(-1)?.name === classifierName;
  if (isNamed && !(last?.type === 'Dense' && last.activation === 'identity' && last.bias)) {
    throw new BertuneError(`${where}: its ${classifierName} must be a Dense with a bias and without activation`);
  }
  if (isNamed && last && !existsSync(join(folder, last.path, weightFile))) {
    throw new BertuneError(`${folder} lacks ${last.path}/${weightFile}, its ${classifierName}; download it again`);
  }
  const head: SentenceHead = {
    ...{ pooling, path: pooler.path },
    modules: isNamed ? known.slice(0, -1) : known,
    classifier: isNamed ? (last?.path ?? null) : isClassifier ? null : `${modules.length}_Dense`,
  };
  const { maxLength, ...settings } = await readSettings(folder, encoder?.path ?? '');
  if (maxLength !== undefined && (maxLength > maxPositions || maxLength < leastLength)) {
    throw new BertuneError(
      `${where}: max_seq_length is ${maxLength}, and must be from ${leastLength} to the ${maxPositions} positions of the model`,
    );
  }
  return { hasClassifier: isNamed, head, settings: { ...settings, ...(maxLength === undefined ? {} : { maxLength }) } };
}

/** The folder of a sentence encoder's encoder: itself, or in one of an old version a folder below it. Throws as `readSentence`. */
export async function encoderFolder(folder: string): Promise<string> {
  const [encoder] = (await readModules(folder)) ?? [];
  return encoder ? join(folder, encoder.path) : folder;
}

/** Name of the module that makes a text's logits. */
const classifierName = 'classifier';

/**
 * The files of a sentence encoder, by their path below its folder.
 *
 * @param logits numbers that go into the classifier and come out of it; null for a folder without one
 */
export function sentenceFiles(
  { pooling, path, modules, classifier }: SentenceHead,
  settings: SentenceSettings,
  hiddenSize: number,
  logits: { readonly inputs: number; readonly outputs: number } | null,
): Map<string, string> {
  const last: SentenceModule[] =
    logits && classifier !== null
      ? [{ type: 'Dense', path: classifier, ...logits, bias: true, activation: 'identity' }]
      : [];
  const behind = [...modules, ...last];
  const entries = [
    { class: 'Transformer', path: '' },
    { class: 'Pooling', path },
    ...behind.map((module) => ({ class: module.type, path: module.path })),
  ];
  const list = entries.map((entry, idx) => ({
    idx,
    name: last.length > 0 && idx === entries.length - 1 ? classifierName : String(idx),
    path: entry.path,
    type: `sentence_transformers.models.${entry.class}`,
  }));
  const files = new Map<string, string>();
  const write = (name: string, value: unknown) => files.set(name, `${JSON.stringify(value, null, 2)}\n`);
  write(`${path}/config.json`, poolingConfig(pooling, hiddenSize));
  for (const module of behind) {
    const config = moduleRecord(module.type).write(module);
    if (config) write(`${module.path}/config.json`, config);
  }
  const { prompts, defaultPrompt, maxLength, lowerCase, similarity, dimensions } = settings;
  write(encoderFile, { ...(maxLength === undefined ? {} : { max_seq_length: maxLength }), do_lower_case: lowerCase });
  write(sentenceFile, {
    prompts,
    default_prompt_name: defaultPrompt,
    ...(similarity === null ? {} : { similarity_fn_name: similarity }),
    // Logits would be cut too.
    ...(dimensions === undefined || logits ? {} : { truncate_dim: dimensions }),
  });
  write(modulesFile, list);
  return files;
}

const ignored = z.unknown().optional();
const noArguments = z
  .record(z.string(), z.unknown())
  .nullish()
  .refine(
    (value) => Object.keys(value ?? {}).every((key) => harmlessArguments.has(key)),
    'it sets what cannot be used',
  );

/** Arguments of Python's loading that change no number that is computed here. */
const harmlessArguments = new Set(['attn_implementation', 'torch_dtype', 'dtype', 'use_fast', 'trust_remote_code']);

const encoderSchema = z.strictObject({
  max_seq_length: z.int().positive().nullish(),
  do_lower_case: z.boolean().nullish(),
  transformer_task: z.literal('feature-extraction').nullish(),
  modality_config: z
    .strictObject({
      text: z.strictObject({ method: z.literal('forward'), method_output_name: z.literal('last_hidden_state') }),
    })
    .nullish(),
  module_output_name: z.literal('token_embeddings').nullish(),
  processing_kwargs: noArguments,
  ...{ model_args: noArguments, model_kwargs: noArguments, tokenizer_args: noArguments },
  ...{ processor_kwargs: noArguments, config_args: noArguments, config_kwargs: noArguments },
  // Of speed and place, not of numbers.
  ...{ unpad_inputs: ignored, cache_dir: ignored },
});

const sentenceSchema = z.strictObject({
  __version__: ignored,
  model_type: z.literal('SentenceTransformer').nullish(),
  prompts: z.record(z.string(), z.string().nullable()).nullish(),
  default_prompt_name: z.string().nullish(),
  similarity_fn_name: z.string().nullish(),
  truncate_dim: z.int().positive().nullish(),
});

/** Prompts that sentence-transformers has by itself, of no text. */
const emptyPrompts: readonly string[] = ['query', 'document'];

async function readSettings(folder: string, encoder: string): Promise<SentenceSettings> {
  const sentencePath = join(folder, sentenceFile);
  const sentence = parsedKeys(sentenceSchema, (await readJson(sentencePath)) ?? {}, sentencePath);
  const { maxLength, lowerCase } = await readEncoderSettings(join(folder, encoder));
  const prompts = Object.fromEntries(Object.entries(sentence.prompts ?? {}).map(([name, text]) => [name, text ?? '']));
  const named = sentence.default_prompt_name ?? null;
  const isEmpty = named !== null && emptyPrompts.includes(named) && !Object.hasOwn(prompts, named);
  const defaultPrompt = isEmpty ? null : named;
  if (defaultPrompt !== null && !Object.hasOwn(prompts, defaultPrompt)) {
    throw new BertuneError(
      `${sentencePath}: default_prompt_name is "${defaultPrompt}", which is not among its prompts`,
    );
  }
  const dimensions = sentence.truncate_dim ?? undefined;
  return {
    ...{ prompts, defaultPrompt, lowerCase, similarity: sentence.similarity_fn_name ?? null },
    ...(maxLength === undefined ? {} : { maxLength }),
    ...(dimensions === undefined ? {} : { dimensions }),
  };
}

async function readEncoderSettings(folder: string): Promise<Pick<SentenceSettings, 'maxLength' | 'lowerCase'>> {
  for (const name of encoderFiles) {
    const file = join(folder, name);
    const raw = await readJson(file);
    if (raw === null) continue;
    const keys = parsedKeys(encoderSchema, raw, file);
    return { maxLength: keys.max_seq_length ?? undefined, lowerCase: keys.do_lower_case ?? false };
  }
  return { lowerCase: false };
}
