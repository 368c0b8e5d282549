import { BertuneError } from '../core/errors.ts';
import { isObject, type WholeTokenizerJson } from './tokenizerFiles.ts';
import type { TokenizerConfig } from './vocabulary.ts';

/** What a class makes of a vocabulary: all of a `tokenizer.json` but its added tokens and what stands around a text. */
export interface RebuiltTokenizer {
  readonly json: WholeTokenizerJson;
  /** What of the folder's `tokenizer.json` it does not go by, in words for a note. */
  readonly ignored: readonly string[];
}

/** A setting that is yes or no. @throws BertuneError when it is something else */
export function flag(where: string, config: TokenizerConfig, key: string, otherwise: boolean): boolean {
  const value = config[key] === undefined ? otherwise : config[key];
  if (typeof value === 'boolean') return value;
  throw new BertuneError(
    `${where}: ${key} of tokenizer_config.json must be true or false, got ${JSON.stringify(value)}`,
  );
}

/** The text of a token that a file gives as text or as an object with flags. */
export function contentOf(value: unknown): string | undefined {
  if (typeof value === 'string') return value;
  return isObject(value) && typeof value.content === 'string' ? value.content : undefined;
}
