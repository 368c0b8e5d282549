import { BertuneError, withArticle } from '../core/errors.ts';
import { contentOf } from './rebuilding.ts';
import type { TokenizerClass } from './tokenizerClass.ts';
import { isObject, type TokenizerFiles } from './tokenizerFiles.ts';
import type { TokenizerConfig } from './vocabulary.ts';

/** What stands before and after a text. */
export type FrameTokens = readonly [before: string, after: string];

/** The id of a token of the vocabulary. */
export type IdOf = (content: string) => number | undefined;

/**
 * The tokens that a class puts around a text; undefined where `tokenizer.json` says what stands there.
 *
 * @throws BertuneError when it has no such tokens
 */
export function frameTokens(
  { where, json }: TokenizerFiles,
  { name, rules }: TokenizerClass,
  config: TokenizerConfig,
): FrameTokens | undefined {
  if (rules === 'file') {
    // One that was trained by itself and is no model's yet has none of its own.
    if (name !== undefined || json?.post_processor != null) return undefined;
    return [contentOf(config.cls_token) ?? '[CLS]', contentOf(config.sep_token) ?? '[SEP]'];
  }
  const keys =
    rules === 'xlmRoberta' || rules === 'camembert'
      ? (['bos_token', 'eos_token'] as const)
      : (['cls_token', 'sep_token'] as const);
  const [before, after] = keys.map((key) => contentOf(config[key]));
  if (before !== undefined && after !== undefined) return [before, after];
  throw new BertuneError(
    `${where}: tokenizer_config.json has no ${keys.join(' or no ')}, which ${withArticle(name ?? 'tokenizer')} puts around every text`,
  );
}

/** The tokens that a `post_processor` puts around one text, one before and one after; undefined for anything else. */
export function framedBy(processor: unknown, idOf: IdOf): FrameTokens | undefined {
  if (!isObject(processor)) return undefined;
  const { type, processors } = processor;
  if (type === 'Sequence' && Array.isArray(processors)) {
    return processors.map((each: unknown) => framedBy(each, idOf)).find((frame) => frame !== undefined);
  }
  const [before, after] =
    type === 'TemplateProcessing'
      ? templateTokens(processor, idOf)
      : type === 'BertProcessing' || type === 'RobertaProcessing'
        ? [processor.cls, processor.sep].map((pair) => pairToken(pair, idOf))
        : [];
  return before !== undefined && after !== undefined ? [before, after] : undefined;
}

/** Of `[{SpecialToken}, {Sequence}, {SpecialToken}]`, where all are of the first token type. */
function templateTokens({ single, special_tokens: ids }: Readonly<Record<string, unknown>>, idOf: IdOf) {
  if (!Array.isArray(single) || single.length !== 3) return [];
  const parts = single.map((part: unknown): [string, unknown][] => (isObject(part) ? Object.entries(part) : []));
  const [before, middle, after] = parts.map(([entry]) => {
    const [kind, value] = entry ?? [];
    return isObject(value) && (value.type_id ?? 0) === 0 ? { kind, content: value.id } : undefined;
  });
  if (middle?.kind !== 'Sequence') return [];
  return [before, after].map((part) => {
    if (part?.kind !== 'SpecialToken' || typeof part.content !== 'string') return undefined;
    const token = isObject(ids) ? ids[part.content] : undefined;
    const known = isObject(token) && Array.isArray(token.ids) && token.ids.length === 1 ? token.ids[0] : undefined;
    return known === idOf(part.content) ? part.content : undefined;
  });
}

/** Of `["[CLS]", 101]`. */
function pairToken(pair: unknown, idOf: IdOf): string | undefined {
  if (!Array.isArray(pair)) return undefined;
  const [content, id]: unknown[] = pair;
  return typeof content === 'string' && id === idOf(content) ? content : undefined;
}
