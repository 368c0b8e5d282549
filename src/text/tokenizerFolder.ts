import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { BertuneError, messageOf, UsageError } from '../core/errors.ts';
import { errorCode, readError } from '../core/files.ts';
import { type TextTokenizer, type TokenizerJson, textTokenizer } from './tokenizer.ts';
import { readVocabulary, savedConfig, specialTokens, type TokenizerConfig, tokenizerJson } from './vocabulary.ts';

/**
 * Loads the tokenizer of a model folder, WordPiece as BERT uses it (Devlin et al. 2019): from `tokenizer.json`, or
 * from `vocab.txt` alone, with `tokenizer_config.json` honoured.
 *
 * @throws UsageError when the folder has neither; BertuneError when a file is broken or of another kind
 */
export function loadTokenizer(folder: string): TextTokenizer {
  return openTokenizer(folder, (name) => readIfThere(join(folder, name)));
}

function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes(errorCode(error) ?? '')) return undefined;
    throw readError(path, error);
  }
}

/**
 * The tokenizer of the files that `read` gives by name. Throws what `loadTokenizer` throws.
 *
 * @param folder what messages call the place of the files
 */
export function openTokenizer(folder: string, read: (name: string) => string | undefined): TextTokenizer {
  const configText = read('tokenizer_config.json');
  const config =
    configText === undefined
      ? { model_max_length: 512 }
      : parseJson<TokenizerConfig>(configText, join(folder, 'tokenizer_config.json'));
  const vocabularyText = read('vocab.txt');
  const jsonText = read('tokenizer.json') ?? buildJson(folder, vocabularyText, config);
  const json = parseJson<TokenizerJson>(jsonText, join(folder, 'tokenizer.json'));
  const saved = savedConfig(config, json.normalizer);
  const files = new Map([
    ['tokenizer.json', jsonText],
    ['tokenizer_config.json', saved === config && configText !== undefined ? configText : prettyJson(saved)],
    ...(vocabularyText === undefined ? [] : [['vocab.txt', vocabularyText] as const]),
  ]);
  return textTokenizer({ where: folder, json, config, special: specialTokens(config), files });
}

function buildJson(folder: string, vocabularyText: string | undefined, config: TokenizerConfig): string {
  if (vocabularyText === undefined) {
    throw new UsageError(`no tokenizer in ${folder}: expected tokenizer.json or vocab.txt`);
  }
  return JSON.stringify(tokenizerJson(readVocabulary(vocabularyText), config, join(folder, 'vocab.txt')));
}

function prettyJson(value: object): string {
  return `${JSON.stringify(value, null, 1)}\n`;
}

function parseJson<T extends object>(text: string, path: string): T {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new BertuneError(`${path} is not valid JSON (${messageOf(error)}); download it again`);
  }
  if (!isObject<T>(value)) throw new BertuneError(`${path} holds no JSON object; download it again`);
  return value;
}

function isObject<T extends object>(value: unknown): value is T {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
