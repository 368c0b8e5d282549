import { UsageError } from '../core/errors.ts';
import { breathe } from '../core/interrupt.ts';
import { say, setting } from '../core/message.ts';
import { resolve } from '../settings/resolve.ts';
import { labelAnswers } from './answers/labelAnswers.ts';
import { explain } from './explaining.ts';
import type { OpenModel } from './openModel.ts';
import { decider } from './trust/decider.ts';
import type { Trust } from './trust/trust.ts';
import { digestOfWords } from './trust/weightsDigest.ts';
import type { WordsAlone } from './wordsPart.ts';

export interface OpenWordsOptions {
  readonly onNote?: (text: string) => void;
  readonly signal?: AbortSignal;
  /** Tokens of a text that were asked for. */
  readonly maxLength?: number;
}

/** Texts that are classified between two moments in which the process hears others. */
const together = 64;

/** A classifier on words alone, for use: it answers with labels, and has no vectors, masks or tokens. */
export function openWords(
  path: string,
  { kind, labels, pairs, raw, words }: WordsAlone,
  options: OpenWordsOptions,
  trust: Trust | null = null,
): OpenModel {
  const { onNote, signal, maxLength } = options;
  if (maxLength !== undefined) {
    onNote?.(
      String(say`${setting('maxLength')} counts for networks: ${path} is a classifier on words and reads texts whole`),
    );
  }
  const logitsOf = async (texts: readonly string[]) => {
    const rows: Float64Array[] = [];
    for (let from = 0; from < texts.length; from += together) {
      await breathe(signal);
      rows.push(...words.logits(texts.slice(from, from + together)));
    }
    return rows;
  };
  const lacking = (what: string) => new UsageError(`${path} is a classifier on words alone: it has no ${what}`);
  const model: OpenModel = {
    ...{
      path,
      labels: kind === 'number' ? null : labels,
      pairs,
      kind,
      heads: [kind],
      maskToken: '',
      dimensions: { kept: 0, all: 0 },
      prompts: [],
    },
    ...labelAnswers(kind, logitsOf, { path, labels, pairs, raw }),
    trust,
    isTrustOfOthers:
      trust?.weights !== undefined && trust.weights !== digestOfWords({ kind, labels, pairs, raw, words }),
    ...{ reading: { maxLength: 0, int8: false }, decide: decider(() => model) },
    seen: async (texts) => ({ logits: await logitsOf(texts) }),
    async entities() {
      throw lacking('token classification head, which labels on tokens need');
    },
    words() {
      throw lacking('tokenizer, which words of a text need');
    },
    async explain(texts, options = {}, pause = () => breathe(signal)) {
      const { offsets } = resolve('model.explain', options);
      return explain({ path, kind, labels, pairs, rows: logitsOf }, texts, { offsets, pause });
    },
    prepareMasks() {
      throw lacking('MLM head, which fill-mask needs');
    },
    async rankMasks() {
      throw lacking('MLM head, which fill-mask needs');
    },
    async fillMask() {
      throw lacking('MLM head, which fill-mask needs');
    },
    async embed() {
      throw lacking('encoder, which vectors need');
    },
    async embedCounted() {
      throw lacking('encoder, which vectors need');
    },
    tokens() {
      throw lacking('tokenizer');
    },
    async dispose() {},
  };
  return model;
}
