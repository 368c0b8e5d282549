import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { checkedVersion } from '../core/document.ts';
import { BertuneError, messageOf, UsageError } from '../core/errors.ts';
import { errorCode, readError } from '../core/files.ts';
import type { HubConfig } from '../models/text/config.ts';
import { readTextModel } from '../models/text/families.ts';
import type { HeadRecord } from '../models/text/heads/head.ts';
import { type HeadName, heads } from '../models/text/heads/table.ts';
import { labelKeys } from '../models/text/hubLabels.ts';
import type { PairNames, TextModel } from '../models/text/model.ts';
import { marginKey, thresholdsKey } from './answerKeys.ts';
import type { WeightDType } from './safetensors.ts';
import { textFormat } from './textFormat.ts';
import { isWordsConfig, noNetworkError } from './wordsFormat.ts';

/**
 * Reads the `config.json` of a model folder, or a config file given by its own path.
 *
 * @param shaped whether it must say the shape of a new model, rather than leave it to the defaults of transformers
 * @throws UsageError when there is none, or one of a newer version of bertune; BertuneError when it is not that of a text
 * encoder.
 */
export async function readTextConfig(path: string, shaped = false): Promise<{ model: TextModel; raw: HubConfig }> {
  const file = await configFile(path);
  const text = await readFile(file, 'utf8').catch((error: unknown) => {
    throw readError(file, error);
  });
  const raw = parseJsonObject(text, file);
  if (isWordsConfig(raw)) throw noNetworkError(path);
  checkedVersion(raw, file, textFormat);
  return { model: readTextModel(raw, file, shaped).withPairs(pairsOf(raw, file)), raw };
}

/**
 * The content of a `config.json` for transformers. Keys of `raw` that we do not know are kept.
 *
 * @param dtype element type of the weights beside it.
 * @param own keys of bertune's own
 */
export function writtenConfig(
  model: TextModel,
  { head, dtype, raw = {}, own = {} }: { head: HeadName; dtype: WeightDType; raw?: HubConfig; own?: HubConfig },
): HubConfig {
  const kept = Object.entries(raw).filter(([key]) => !notKept.has(key));
  const record: HeadRecord = heads[head];
  const hub: Record<string, unknown> = {
    ...Object.fromEntries(kept),
    architectures: [model.hubClass(head)],
    ...model.hubConfig(),
    // Releases before 4.56 know only the second name.
    dtype,
    torch_dtype: dtype,
    ...labelKeys(record, model.config.labels),
    ...own,
  };
  return Object.fromEntries(Object.entries(hub).sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** Keys whose values transformers from release 5 on takes as floating-point numbers alone. */
const floatKeys = ['initializer_range', 'initializer_cutoff_factor', 'layer_norm_eps', 'norm_eps'];

/** The text of a `config.json`: JSON, with a point in every number that is to have one. */
export function configText(hub: HubConfig): string {
  const whole = new RegExp(`^( {2}"(?:${floatKeys.join('|')})": -?\\d+)(?=,?$)`, 'gm');
  return `${JSON.stringify(hub, null, 2).replace(whole, '$1.0')}\n`;
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

/** Key of `config.json` for what the labels of a token classifier are written in, such as IOB2. */
export const tagSchemeKey = 'tag_scheme';

/** Key of `config.json` for the windows of a long text that are read, at most; absent: its start alone is read. */
export const mostWindowsKey = 'most_windows';

/** Windows of a long text that a model reads, at most; 1 where it reads the start alone. @throws BertuneError */
export function mostWindowsOf(raw: HubConfig, name: string): number {
  const { [mostWindowsKey]: found = 1 } = raw;
  const { data } = z.int().min(1).safeParse(found);
  if (data !== undefined) return data;
  throw new BertuneError(`${name}: ${mostWindowsKey} is ${JSON.stringify(found)}, not a whole number from 1`);
}

/** Key of `config.json` for the columns of the pairs that a classifier reads; absent: it reads single texts. */
export const pairsKey = 'text_pairs';

/** The pairs that a model's classifier reads; null for single texts. @throws BertuneError */
export function pairsOf(raw: HubConfig, where: string): PairNames | null {
  const { [pairsKey]: found } = raw;
  if (found === undefined) return null;
  const { data } = z.object({ text: z.string(), pair: z.string() }).safeParse(found);
  if (data !== undefined) return data;
  throw new BertuneError(`${where}: ${pairsKey} is ${JSON.stringify(found)}, not the names of two columns`);
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
  mostWindowsKey,
  thresholdsKey,
  marginKey,
  tagSchemeKey,
  pairsKey,
]);

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
  const hasAdapter = await stat(join(path, 'adapter_config.json')).then(
    () => true,
    () => false,
  );
  if (hasAdapter) {
    throw new BertuneError(
      `${path} holds an adapter (adapter_config.json), whose weights come on top of another model's`,
      "merge them with merge_and_unload of Python's peft and give the folder that this saves",
    );
  }
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
