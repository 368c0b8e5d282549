import { flag, type RebuiltTokenizer } from './rebuilding.ts';
import { isObject, type WholeTokenizerJson } from './tokenizerFiles.ts';
import type { TokenizerConfig } from './vocabulary.ts';

/** RobertaTokenizer: of `tokenizer.json` it takes the pieces and their merges. */
export function roberta(where: string, config: TokenizerConfig, json: WholeTokenizerJson): RebuiltTokenizer {
  const prefixSpace = flag(where, config, 'add_prefix_space', false);
  const { vocab, merges } = json.model ?? {};
  const model = {
    ...{ type: 'BPE', dropout: null, unk_token: null, continuing_subword_prefix: '', end_of_word_suffix: '' },
    ...{ fuse_unk: false, byte_fallback: false, ignore_merges: false, vocab, merges },
  };
  const words = { type: 'ByteLevel', add_prefix_space: prefixSpace, trim_offsets: true, use_regex: true };
  const same = {
    normalizer: (json.normalizer ?? null) === null,
    words: isSame(json.pre_tokenizer, words, ['type', 'add_prefix_space', 'use_regex']),
    model: isSame(json.model, model, Object.keys(model)),
  };
  return {
    json: {
      ...json,
      normalizer: null,
      pre_tokenizer: same.words ? json.pre_tokenizer : words,
      decoder: json.decoder ?? { type: 'ByteLevel', add_prefix_space: true, trim_offsets: true, use_regex: true },
      model: same.model ? json.model : model,
    },
    ignored: [
      ...(same.normalizer ? [] : ['normalization']),
      ...(same.words ? [] : ['how words are split']),
      ...(same.model ? [] : ['how pieces are found']),
    ],
  };
}

/** What a RobertaTokenizer puts around a text: tokens with their ids. */
export function robertaProcessor(
  where: string,
  config: TokenizerConfig,
  around: { readonly cls: readonly unknown[]; readonly sep: readonly unknown[] },
): object {
  return {
    type: 'RobertaProcessing',
    sep: around.sep,
    cls: around.cls,
    trim_offsets: flag(where, config, 'trim_offsets', true),
    add_prefix_space: flag(where, config, 'add_prefix_space', false),
  };
}

/** Whether the keys of a part have the wanted values; one that is not there has what it has without it. */
function isSame(part: unknown, wanted: Readonly<Record<string, unknown>>, keys: readonly string[]): boolean {
  if (!isObject(part)) return false;
  return keys.every((key) => {
    const given = part[key] ?? defaults[key];
    return given === (wanted[key] ?? defaults[key]);
  });
}

/** What the reference takes where a `tokenizer.json` leaves an option out. */
const defaults: Readonly<Record<string, unknown>> = {
  ...{ dropout: null, unk_token: null, continuing_subword_prefix: '', end_of_word_suffix: '' },
  ...{ fuse_unk: false, byte_fallback: false, ignore_merges: false, use_regex: true, trim_offsets: true },
};
