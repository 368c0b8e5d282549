import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { BertuneError, messageOf } from '../core/errors.ts';
import { errorCode, readError } from '../core/files.ts';
import type { HubConfig } from '../models/text/config.ts';
import { parsedKeys } from '../models/text/hubKeys.ts';
import { isModuleType, sentenceModules } from '../models/text/sentence/modules.ts';
import { type Pooling, type PoolingMode, poolingModes } from '../models/text/sentence/pooling.ts';

/** Names the modules of a sentence encoder, in its folder's top. */
export const modulesFile = 'modules.json';

/** An entry of `modules.json`. */
export interface NamedModule {
  readonly name: string;
  readonly path: string;
  /** Last part of its class. */
  readonly class: string;
}

const modulesSchema = z.array(
  z.strictObject({
    idx: z.int().optional(),
    name: z.union([z.string(), z.int().transform(String)]),
    path: z.string(),
    type: z.string(),
    kwargs: z.array(z.string()).max(0, 'arguments of modules cannot be used').optional(),
  }),
);

/**
 * The modules that a folder names, the encoder first.
 *
 * @returns null for a folder without `modules.json`
 * @throws BertuneError for one that is not known, or lies elsewhere
 */
export async function readModules(folder: string): Promise<NamedModule[] | null> {
  const where = join(folder, modulesFile);
  const raw = await readJsonValue(where);
  if (raw === null) return null;
  const parsed = modulesSchema.safeParse(raw);
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    throw new BertuneError(`${where}: ${issue?.path.join('.') || 'it'}: ${issue?.message}`);
  }
  if (parsed.data.length === 0) throw new BertuneError(`${where} names no module; download it again`);
  return parsed.data.map(({ name, path, type }, number) => {
    const parts = type.split('.');
    const last = parts.at(-1) ?? '';
    if (/(^|\/)\.\.(\/|$)|^\/|\\/.test(path)) throw new BertuneError(`${where}: path ${path} leads out of the folder`);
    const isKnown = last === 'Transformer' || last === 'Pooling' || isModuleType(last);
    if (parts[0] !== 'sentence_transformers' || !isKnown) throw unknownModule(where, type);
    if ((last === 'Transformer') !== (number === 0)) {
      throw new BertuneError(`${where}: its first module must be the Transformer, and no other, got ${type}`);
    }
    return { name, path: path.replace(/\/+$/, ''), class: last };
  });
}

/** What is said of a module that cannot be used where it stands. */
export function unknownModule(where: string, type: string): BertuneError {
  const known = ['Transformer', 'Pooling', ...Object.keys(sentenceModules)].join(', ');
  return new BertuneError(`${where}: module ${type} is not known; those of sentence-transformers that are: ${known}`);
}

const flag = z.boolean().optional();
const poolingSchema = z.strictObject({
  word_embedding_dimension: z.int().positive().optional(),
  embedding_dimension: z.int().positive().optional(),
  pooling_mode: z.union([z.enum(poolingModes), z.array(z.enum(poolingModes)).min(1)]).optional(),
  pooling_mode_cls_token: flag,
  pooling_mode_max_tokens: flag,
  pooling_mode_mean_tokens: flag,
  pooling_mode_mean_sqrt_len_tokens: flag,
  pooling_mode_weightedmean_tokens: flag,
  pooling_mode_lasttoken: flag,
  include_prompt: z.boolean().default(true),
});

/** What earlier versions of sentence-transformers call each mode, true for those that are taken. */
const flagOf: Readonly<Record<PoolingMode, string>> = {
  cls: 'pooling_mode_cls_token',
  max: 'pooling_mode_max_tokens',
  mean: 'pooling_mode_mean_tokens',
  mean_sqrt_len_tokens: 'pooling_mode_mean_sqrt_len_tokens',
  weightedmean: 'pooling_mode_weightedmean_tokens',
  lasttoken: 'pooling_mode_lasttoken',
};

/** A pooling's `config.json`. @throws BertuneError when it is not there, or has a setting that is not known */
export async function readPooling(file: string, hiddenSize: number): Promise<Pooling> {
  const raw = await readJson(file);
  if (raw === null) throw new BertuneError(`${file} is missing; download it too`);
  const keys = parsedKeys(poolingSchema, raw, file);
  const size = keys.embedding_dimension ?? keys.word_embedding_dimension;
  if (size !== undefined && size !== hiddenSize) {
    throw new BertuneError(`${file}: word_embedding_dimension is ${size}, but hidden_size is ${hiddenSize}`);
  }
  const flagged = poolingModes.filter((mode) => raw[flagOf[mode]] === true);
  const named = keys.pooling_mode === undefined ? flagged : [keys.pooling_mode].flat();
  return { modes: named.length > 0 ? named : ['mean'], includePrompt: keys.include_prompt };
}

/** The `config.json` of a pooling: keys that every version of sentence-transformers reads. */
export function poolingConfig({ modes, includePrompt }: Pooling, hiddenSize: number): HubConfig {
  const isInOrder = modes.join() === poolingModes.filter((mode) => modes.includes(mode)).join();
  const flags = poolingModes.map((mode) => [flagOf[mode], modes.includes(mode)]);
  return {
    word_embedding_dimension: hiddenSize,
    ...(isInOrder ? Object.fromEntries(flags) : { pooling_mode: modes }),
    include_prompt: includePrompt,
  };
}

/** A JSON object; null when there is no such file. @throws BertuneError for anything else */
export async function readJson(file: string): Promise<HubConfig | null> {
  const value = await readJsonValue(file);
  if (value === null) return null;
  const parsed = z.record(z.string(), z.unknown()).safeParse(value);
  if (!parsed.success) throw new BertuneError(`${file} holds no JSON object; download it again`);
  return parsed.data;
}

/** null when there is no such file. */
async function readJsonValue(file: string): Promise<unknown> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes(errorCode(error) ?? '')) return null;
    throw readError(file, error);
  }
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new BertuneError(`${file} is not valid JSON (${messageOf(error)}); download it again`);
  }
}
