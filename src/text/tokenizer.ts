import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { BertuneError } from '../core/errors.ts';
import { errorCode, readError } from '../core/files.ts';
import { type AddedTokenJson, addedTokens, listOf, type ModelPieces } from './addedTokens.ts';
import { robertaProcessor } from './bytePairRules.ts';
import { folderNotes } from './folderNotes.ts';
import { contentOf } from './rebuilding.ts';
import { type TextTokenizer, textTokenizer } from './textTokenizer.ts';
import { type TokenizerClass, tokenizerClass } from './tokenizerClass.ts';
import { isObject, readTokenizerFiles, type TokenizerFiles, type WholeTokenizerJson } from './tokenizerFiles.ts';
import { type FrameTokens, framedBy, frameTokens, type IdOf } from './tokenizerFrame.ts';
import { isBertShaped, rebuilt, roleDefaults } from './tokenizerRules.ts';
import { isVocabularyOf, modelPieces, vocabularyJson } from './tokenizerVocabulary.ts';
import {
  type SpecialRole,
  type SpecialTokens,
  savedConfig,
  specialRoles,
  type TokenizerConfig,
  withoutMark,
} from './vocabulary.ts';

export interface TokenizerOptions {
  /** Whether text is lower-cased before all else, as `do_lower_case` of a `sentence_bert_config.json` asks. */
  readonly lowerCase?: boolean;
  /** Hears, in one line each, where files disagree and what follows from it. */
  readonly onNote?: (note: string) => void;
}

/**
 * Loads the tokenizer of a model folder as transformers 5.24 does: from `tokenizer.json`, or from `vocab.txt` alone, with
 * what `tokenizer_config.json`, `special_tokens_map.json`, `added_tokens.json` and `config.json` say of it.
 *
 * @throws UsageError when the folder has none; BertuneError when a file is broken, or the tokenizer is of a kind that
 * cannot be computed
 */
export function loadTokenizer(folder: string, options?: TokenizerOptions): TextTokenizer {
  return openTokenizer(folder, (name) => readIfThere(join(folder, name)), options);
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
 * @param where what messages call the place of the files
 */
export function openTokenizer(
  where: string,
  read: (name: string) => string | undefined,
  { lowerCase = false, onNote }: TokenizerOptions = {},
): TextTokenizer {
  const files = readTokenizerFiles(where, read);
  checkSettings(files);
  const tokenizer = tokenizerClass(files);
  const config = mergedConfig(files, tokenizer);
  const built = rebuilt(files, tokenizer, config, files.json ?? vocabularyJson(files, tokenizer.rules, config));
  const pieces = modelPieces(built.json.model?.vocab);
  const added = addedTokens(files, config, tokenizer.rules, pieces);
  const idOf = (content: string) =>
    added.find((token) => token.content === content)?.id ?? pieces.idsOf(new Set([content])).get(content);
  const frame = frameTokens(files, tokenizer, config);
  const special = specialTokens(config, frame, built.json, idOf);
  checkRoles(files, tokenizer, special, pieces);
  const processor = frame && frameProcessor(files.where, tokenizer, config, frame, built.json, idOf);
  const json = finished(built.json, added, processor, lowerCase);
  const hasVocabulary = files.vocabularyText !== undefined && isVocabularyOf(files.vocabularyText, built.json);
  const notes = folderNotes({ files, tokenizer, config, json, ignored: built.ignored, hasVocabulary });
  for (const line of notes) onNote?.(line);
  const contents = new Set(added.map(({ content }) => content));
  const savedAs = savedClass(
    files,
    tokenizer,
    json,
    specialRoles.every((role) => contents.has(special[role] ?? '')),
    lowerCase,
  );
  const saved = savedConfig({
    given: files.config ?? { model_max_length: 512 },
    ...{ config, special, added: contents, tokenizerClass: savedAs },
    normalizer: savedAs !== 'PreTrainedTokenizerFast' && isOfWords(tokenizer) ? json.normalizer : undefined,
  });
  return textTokenizer({
    ...{ where, json, special },
    truncationSide: truncationSide(files),
    config: saved,
    // Made when they are asked for: the text of a large vocabulary takes long to write.
    get files() {
      return savedFiles(files, json, saved, hasVocabulary);
    },
  });
}

/** @throws BertuneError for settings that would change what the tokenizer does and cannot be followed */
function checkSettings({ where, config = {} }: TokenizerFiles): void {
  if (config.split_special_tokens === true) {
    throw new BertuneError(
      `${where}: split_special_tokens of tokenizer_config.json is true, and special tokens in a text are always kept whole here; set it to false`,
    );
  }
  const versions: unknown = config.fast_tokenizer_files;
  if (Array.isArray(versions) && versions.some((name) => name !== 'tokenizer.json')) {
    throw new BertuneError(
      `${where}: fast_tokenizer_files of tokenizer_config.json names a tokenizer.json for each version of transformers; keep the newest under the name tokenizer.json and remove the setting`,
    );
  }
}

/** `tokenizer_config.json` with the defaults of the class, and with the older file that names special tokens. */
function mergedConfig({ config = {}, specialTokensMap = {} }: TokenizerFiles, { rules }: TokenizerClass) {
  const { additional_special_tokens: older, ...map } =
    config.added_tokens_decoder === undefined ? specialTokensMap : {};
  const isListed = 'additional_special_tokens' in config || 'extra_special_tokens' in config;
  const merged: TokenizerConfig = {
    ...{ ...roleDefaults[rules], ...config, ...map },
    ...(older === undefined || isListed ? {} : { additional_special_tokens: older }),
  };
  // A mask token of these takes the space before it along, where the files do not say otherwise.
  const isPlainMask = (rules === 'mpnet' || rules === 'camembert') && typeof merged.mask_token === 'string';
  return isPlainMask ? { ...merged, mask_token: { content: String(merged.mask_token), lstrip: true } } : merged;
}

/** The configuration counts before the block of `tokenizer.json`. */
function truncationSide({ where, config = {}, json }: TokenizerFiles): 'left' | 'right' {
  const block: unknown = json && 'truncation' in json ? json.truncation : undefined;
  const direction = isObject(block) && typeof block.direction === 'string' ? block.direction.toLowerCase() : 'right';
  const side = config.truncation_side ?? direction;
  if (side === 'left' || side === 'right') return side;
  throw new BertuneError(`${where}: truncation_side must be left or right, got ${JSON.stringify(side)}`);
}

/** The special tokens by role: those that are named, else such as the tokenizer has. */
function specialTokens(
  config: TokenizerConfig,
  frame: FrameTokens | undefined,
  { model, post_processor: processor }: WholeTokenizerJson,
  idOf: IdOf,
): SpecialTokens {
  const vocab: unknown = model?.vocab;
  const entry: unknown = Array.isArray(vocab) ? vocab[Number(model?.unk_id)] : model?.unk_token;
  const unk: unknown = Array.isArray(entry) ? entry[0] : entry;
  const [cls, sep] = frame ?? framedBy(processor, idOf) ?? [];
  const found: Partial<Record<SpecialRole, unknown>> = { unk, cls, sep };
  const usual = { cls: '<s>', sep: '</s>', unk: '<unk>', pad: '<pad>', mask: '<mask>' } as const;
  const tokens = specialRoles.flatMap((role): [SpecialRole, string][] => {
    const known = [contentOf(config[`${role}_token`]), found[role]].find((token) => typeof token === 'string');
    const token = known ?? [`[${role.toUpperCase()}]`, usual[role]].find((content) => idOf(content) !== undefined);
    return typeof token === 'string' ? [[role, token]] : [];
  });
  return Object.fromEntries(tokens);
}

/** @throws BertuneError when a BERT's vocabulary lacks a special token: its model has no values for it */
function checkRoles(
  { where, json }: TokenizerFiles,
  { rules }: TokenizerClass,
  special: SpecialTokens,
  pieces: ModelPieces,
): void {
  if (rules !== 'bert') return;
  const place = json ? where : join(where, 'vocab.txt');
  const known = new Set([
    ...pieces.idsOf(new Set(Object.values(special))).keys(),
    ...listOf(json?.added_tokens).map(({ content }) => content),
  ]);
  const missing = Object.values(special).find((token) => !known.has(token));
  if (missing === undefined) return;
  throw new BertuneError(`${place}: the vocabulary has no ${missing}, which a BERT tokenizer needs`);
}

/** What stands around a text as `tokenizer.json` has it: the given part where that does the same. */
function frameProcessor(
  where: string,
  { rules }: TokenizerClass,
  config: TokenizerConfig,
  [cls, sep]: FrameTokens,
  { post_processor: given }: WholeTokenizerJson,
  idOf: IdOf,
): object | null | undefined {
  const around = { sep: [sep, idOf(sep)], cls: [cls, idOf(cls)] };
  if (rules === 'roberta') {
    const wanted = robertaProcessor(where, config, around);
    return JSON.stringify(given) === JSON.stringify(wanted) ? given : wanted;
  }
  const found = framedBy(given, idOf);
  return found?.[0] === cls && found[1] === sep ? given : { type: 'BertProcessing', ...around };
}

/** With the added tokens, what stands around a text where the class says that, and lower case first where it is asked for. */
function finished(
  json: WholeTokenizerJson,
  added: readonly AddedTokenJson[],
  processor: object | null | undefined,
  lowerCase: boolean,
): WholeTokenizerJson {
  const isFramed = processor === undefined || processor === json.post_processor;
  const sameTokens = JSON.stringify(added) === JSON.stringify(listOf(json.added_tokens));
  const normalizer = lowerCase ? lowerCased(json.normalizer) : json.normalizer;
  if (isFramed && sameTokens && normalizer === json.normalizer) return json;
  return { ...json, added_tokens: added, normalizer, post_processor: isFramed ? json.post_processor : processor };
}

/** Whether a class goes by settings of BERT's normalization. */
function isOfWords({ rules }: TokenizerClass): boolean {
  return rules === 'file' || rules === 'bert' || rules === 'mpnet';
}

/** As sentence-transformers puts it before a normalizer that does not have it. */
function lowerCased(normalizer: WholeTokenizerJson['normalizer']): WholeTokenizerJson['normalizer'] {
  const given: unknown = normalizer ?? undefined;
  const list: unknown =
    isObject(given) && given.type === 'Sequence' ? given.normalizers : given === undefined ? [] : [given];
  const normalizers: unknown[] = Array.isArray(list) ? list : [];
  const isLower = (each: unknown) => isObject(each) && each.type === 'Lowercase';
  if (normalizers.some(isLower)) return normalizer;
  return Object.assign({ type: 'Sequence' }, { normalizers: [{ type: 'Lowercase' }, ...normalizers] });
}

/**
 * The class to name: the folder's own, else BertTokenizer where that makes the same of the files, which tools know best,
 * else the one that goes by `tokenizer.json` alone.
 */
function savedClass(
  { config }: TokenizerFiles,
  { name, rules }: TokenizerClass,
  json: WholeTokenizerJson,
  hasRoles: boolean,
  lowerCase: boolean,
): string {
  if (rules !== 'file' && !lowerCase) return config?.tokenizer_class ?? name ?? 'BertTokenizer';
  const isBert = name === undefined && hasRoles && config?.added_tokens_decoder === undefined && isBertShaped(json);
  return isBert ? 'BertTokenizer' : 'PreTrainedTokenizerFast';
}

function savedFiles(files: TokenizerFiles, json: WholeTokenizerJson, saved: TokenizerConfig, hasVocabulary: boolean) {
  const { jsonText, configText, vocabularyText } = files;
  const isGiven = json === files.json && jsonText !== undefined;
  return new Map([
    ['tokenizer.json', isGiven ? jsonText : JSON.stringify(json)],
    [
      'tokenizer_config.json',
      saved === files.config && configText !== undefined ? configText : `${JSON.stringify(saved, null, 1)}\n`,
    ],
    ...(vocabularyText !== undefined && hasVocabulary ? [['vocab.txt', withoutMark(vocabularyText)] as const] : []),
  ]);
}
