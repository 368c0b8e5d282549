import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { checkedVersion } from '../core/document.ts';
import { BertuneError, defined, messageOf, UsageError } from '../core/errors.ts';
import { errorCode, readError } from '../core/files.ts';
import type { Activation, BertConfig } from '../models/bert/config.ts';
import type { WeightDType } from './safetensors.ts';
import { textFormat } from './textFormat.ts';

/** A `config.json` as it stands in the file. */
export type HubConfig = Readonly<Record<string, unknown>>;

/** Model classes of transformers that bertune writes. */
export type Architecture = 'BertForMaskedLM' | 'BertForSequenceClassification';

/**
 * Reads the `config.json` of a model folder, or a config file given by its own path.
 *
 * @param needed keys that must not be left to the defaults of transformers.
 * @throws UsageError when there is none; BertuneError when it is not that of a BERT encoder.
 */
export async function readBertConfig(
  path: string,
  needed: readonly string[] = [],
): Promise<{ config: BertConfig; raw: HubConfig }> {
  const file = await configFile(path);
  const text = await readFile(file, 'utf8').catch((error: unknown) => {
    throw readError(file, error);
  });
  const raw = parseJsonObject(text, file);
  checkedVersion(raw, file, textFormat);
  const missing = needed.filter((key) => !Object.hasOwn(raw, key));
  if (missing.length > 0) throw new BertuneError(`${file} lacks ${missing.join(', ')}; give a config.json of a BERT`);
  return { config: bertConfigFromHub(raw, file), raw };
}

/**
 * Our configuration from the content of a `config.json`. Missing keys have the defaults of transformers.
 *
 * @param where names the file in errors.
 * @throws BertuneError when it is not that of a BERT encoder, or a value is out of range.
 */
export function bertConfigFromHub(raw: HubConfig, where: string): BertConfig {
  checkModelType(raw, where);
  const parsed = schema.safeParse(raw);
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    throw new BertuneError(`${where}: ${issue?.path.join('.')}: ${issue?.message}`);
  }
  const hub = parsed.data;
  checkSupported(hub, where);
  return {
    vocabularySize: hub.vocab_size,
    hiddenSize: hub.hidden_size,
    layers: hub.num_hidden_layers,
    attentionHeads: hub.num_attention_heads,
    intermediateSize: hub.intermediate_size,
    activation: activationOf(hub.hidden_act, where),
    maxPositions: hub.max_position_embeddings,
    tokenTypes: hub.type_vocab_size,
    layerNormEpsilon: hub.layer_norm_eps,
    hiddenDropout: hub.hidden_dropout_prob,
    attentionDropout: hub.attention_probs_dropout_prob,
    classifierDropout: hub.classifier_dropout ?? undefined,
    initializerRange: hub.initializer_range,
    tiedDecoder: hub.tie_word_embeddings,
    padTokenId: hub.pad_token_id ?? 0,
    labels: labelsOf(hub, where),
  };
}

/**
 * The content of a `config.json` for transformers. Keys of `raw` that we do not know are kept.
 *
 * @param dtype element type of the weights beside it.
 */
export function bertConfigToHub(
  config: BertConfig,
  options: { architecture: Architecture; dtype: WeightDType; raw?: HubConfig },
): HubConfig {
  const kept = Object.entries(options.raw ?? {}).filter(([key]) => !notKept.has(key));
  const hub: Record<string, unknown> = {
    ...Object.fromEntries(kept),
    architectures: [options.architecture],
    model_type: 'bert',
    vocab_size: config.vocabularySize,
    hidden_size: config.hiddenSize,
    num_hidden_layers: config.layers,
    num_attention_heads: config.attentionHeads,
    intermediate_size: config.intermediateSize,
    hidden_act: config.activation,
    max_position_embeddings: config.maxPositions,
    type_vocab_size: config.tokenTypes,
    layer_norm_eps: config.layerNormEpsilon,
    hidden_dropout_prob: config.hiddenDropout,
    attention_probs_dropout_prob: config.attentionDropout,
    classifier_dropout: config.classifierDropout ?? null,
    initializer_range: config.initializerRange,
    tie_word_embeddings: config.tiedDecoder,
    pad_token_id: config.padTokenId,
    // Releases before 4.56 know only the second name.
    dtype: options.dtype,
    torch_dtype: options.dtype,
    ...(options.architecture === 'BertForSequenceClassification' ? labelKeys(config) : {}),
  };
  return Object.fromEntries(Object.entries(hub).sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** Keys of the source that would be wrong in what we write: they speak of its place, its writer and its head. */
const notKept = new Set([
  '_name_or_path',
  'transformers_version',
  'num_labels',
  'id2label',
  'label2id',
  'problem_type',
  'auto_map',
]);

const positive = z.int().positive();
const probability = z.number().min(0).lt(1);

const schema = z.object({
  architectures: z.array(z.string()).nullish(),
  vocab_size: positive.default(30522),
  hidden_size: positive.default(768),
  num_hidden_layers: positive.default(12),
  num_attention_heads: positive.default(12),
  intermediate_size: positive.default(3072),
  hidden_act: z.string().default('gelu'),
  hidden_dropout_prob: probability.default(0.1),
  attention_probs_dropout_prob: probability.default(0.1),
  classifier_dropout: probability.nullish(),
  max_position_embeddings: positive.default(512),
  type_vocab_size: positive.default(2),
  initializer_range: z.number().nonnegative().default(0.02),
  layer_norm_eps: z.number().positive().default(1e-12),
  pad_token_id: z.int().nonnegative().nullish(),
  tie_word_embeddings: z.boolean().default(true),
  position_embedding_type: z.string().nullish(),
  is_decoder: z.boolean().nullish(),
  add_cross_attention: z.boolean().nullish(),
  pruned_heads: z.record(z.string(), z.array(z.int())).nullish(),
  quantization_config: z.unknown().optional(),
  num_labels: positive.nullish(),
  id2label: z.record(z.string(), z.union([z.string(), z.number()])).nullish(),
  // A map, since a record of zod drops a label `__proto__`.
  label2id: z
    .preprocess(
      (value) => (isObject(value) ? new Map(Object.entries(value)) : value),
      z.map(z.string(), z.int()).nullable(),
    )
    .optional(),
});

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

type ParsedConfig = z.infer<typeof schema>;

async function configFile(path: string): Promise<string> {
  const isFolder = await stat(path).then(
    (found) => found.isDirectory(),
    (error) => {
      if (errorCode(error) !== 'ENOENT') throw readError(path, error);
      throw new UsageError(`${path} does not exist: give a folder with config.json, model.safetensors and a tokenizer`);
    },
  );
  if (!isFolder) return path;
  const file = join(path, 'config.json');
  await stat(file).catch((error: unknown) => {
    if (errorCode(error) !== 'ENOENT') throw readError(file, error);
    throw new UsageError(`no config.json in ${path}`, 'give a folder that transformers or bertune saved');
  });
  return file;
}

function parseJsonObject(text: string, path: string): HubConfig {
  try {
    return z.record(z.string(), z.unknown()).parse(JSON.parse(text));
  } catch (error) {
    const reason = error instanceof SyntaxError ? messageOf(error) : 'it is not an object';
    throw new BertuneError(`${path} is no JSON configuration: ${reason.replaceAll('\n', ' ')}`);
  }
}

function checkModelType(raw: HubConfig, where: string): void {
  const { model_type: type, architectures } = raw;
  if (type === 'bert') return;
  // BERT's own first configurations name no type; those of other models then name their classes.
  const named = Array.isArray(architectures) ? architectures : [];
  if (type === undefined && named.every((name) => String(name).startsWith('Bert'))) return;
  throw new BertuneError(`${where}: model_type is "${type ?? named.join(', ')}", and only "bert" can be used`);
}

function checkSupported(hub: ParsedConfig, where: string): void {
  const refuse = (reason: string): never => {
    throw new BertuneError(`${where}: ${reason}`);
  };
  if (hub.hidden_size % hub.num_attention_heads !== 0) {
    refuse(`hidden_size ${hub.hidden_size} is not divisible by num_attention_heads ${hub.num_attention_heads}`);
  }
  const positions = hub.position_embedding_type ?? 'absolute';
  if (positions !== 'absolute') {
    refuse(`position_embedding_type is "${positions}", and only "absolute" can be used`);
  }
  if (hub.is_decoder) refuse('is_decoder is true, and only encoders can be used');
  if (hub.add_cross_attention) refuse('add_cross_attention is true, and only encoders can be used');
  if (Object.keys(hub.pruned_heads ?? {}).length > 0) refuse('models with pruned_heads cannot be used');
  if (hub.quantization_config) refuse('quantized models cannot be used; take the original weights');
  if ((hub.pad_token_id ?? 0) >= hub.vocab_size) {
    refuse(`pad_token_id ${hub.pad_token_id} is outside the vocabulary of ${hub.vocab_size}`);
  }
}

/** Every spelling of transformers that computes one of our activations. */
const activations: Readonly<Record<string, Activation>> = {
  gelu: 'gelu',
  gelu_python: 'gelu',
  gelu_new: 'gelu_new',
  gelu_pytorch_tanh: 'gelu_new',
  gelu_python_tanh: 'gelu_new',
  gelu_fast: 'gelu_new',
  gelu_accurate: 'gelu_new',
  relu: 'relu',
};

function activationOf(name: string, where: string): Activation {
  const activation = Object.hasOwn(activations, name) ? activations[name] : undefined;
  if (activation !== undefined) return activation;
  throw new BertuneError(
    `${where}: hidden_act is "${name}", and only ${Object.keys(activations).join(', ')} can be used`,
  );
}

function labelsOf(hub: ParsedConfig, where: string): string[] | undefined {
  const named = Object.entries(hub.id2label ?? {}).sort(([a], [b]) => Number(a) - Number(b));
  if (named.length > 0) return checkedLabels(named, hub, where);
  // transformers does not write the names of a classifier with its two default labels.
  const isClassifier = hub.architectures?.includes('BertForSequenceClassification') ?? false;
  const count = hub.num_labels ?? (isClassifier ? 2 : 0);
  return count > 0 ? defaultLabels(count) : undefined;
}

/** Key of `config.json` for the tokens of a sequence in training; Python keeps it and does nothing with it. */
export const trainedLengthKey = 'trained_max_length';

/**
 * Tokens of a sequence, special ones included, that bertune trained the model with; undefined for models of others,
 * whose `model_max_length` tells what fits rather than what was used.
 */
export function trainedMaxLength(raw: HubConfig): number | undefined {
  return z.int().min(3).safeParse(raw[trainedLengthKey]).data;
}

/** The label names of transformers for a head that has none. */
export function defaultLabels(count: number): string[] {
  return Array.from({ length: count }, (_, index) => `LABEL_${index}`);
}

function checkedLabels(named: readonly [string, string | number][], hub: ParsedConfig, where: string): string[] {
  const labels = named.map(([, label]) => String(label));
  const gap = named.findIndex(([key], index) => key !== String(index));
  if (gap >= 0) throw new BertuneError(`${where}: id2label has no label ${gap}, though it has ${labels.length} labels`);
  const twice = labels.find((label, index) => labels.indexOf(label) !== index);
  if (twice !== undefined) throw new BertuneError(`${where}: id2label names "${twice}" twice`);
  const other = labels.findIndex((label, index) => hub.label2id && hub.label2id.get(label) !== index);
  if (other >= 0) throw new BertuneError(`${where}: id2label and label2id disagree about "${labels[other]}"`);
  if (hub.num_labels && hub.num_labels !== labels.length) {
    throw new BertuneError(`${where}: num_labels is ${hub.num_labels}, but id2label has ${labels.length} labels`);
  }
  return labels;
}

function labelKeys(config: BertConfig): HubConfig {
  const labels = defined(config.labels, 'labels of a classifier');
  return {
    id2label: Object.fromEntries(labels.map((label, index) => [String(index), label])),
    label2id: Object.fromEntries(labels.map((label, index) => [label, index])),
    problem_type: 'single_label_classification',
  };
}
