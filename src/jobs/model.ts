import { BertuneError, UsageError } from '../core/errors.ts';
import { softmax } from '../evaluation/classification.ts';
import { inspectBert, loadBert } from '../hub/folder.ts';
import type { BertPart } from '../models/bert/parameters.ts';
import { BertInference } from '../tasks/inference.ts';
import { partParameters } from '../tasks/losses.ts';
import { type BertTokenizer, loadTokenizer } from '../text/tokenizer.ts';
import { argmax, asTensors, checkTokenizer } from './classifier.ts';
import { checkOptions, embedSchema, fillMaskSchema, useSchema } from './optionChecks.ts';
import { TextCutter } from './texts.ts';
import { checkMaxLength, createEngine, defaultMaxLength } from './training.ts';
import type { Candidate, FillMaskResult, LoadedModel, Prediction } from './types.ts';

export interface LoadModelOptions {
  readonly threads?: number;
  /** Most tokens of a text; when absent, what bertune trained the model with, else 128. */
  readonly maxLength?: number;
  /** Hears what was missing in the folder and, at `dispose`, how many texts were cut. */
  readonly onNote?: (text: string) => void;
  /** When aborted, what is being computed stops with an InterruptedError. */
  readonly signal?: AbortSignal;
}

/**
 * Loads a model folder for use: fill-mask with an MLM head, classification with a classifier, embeddings with either.
 *
 * @throws UsageError when the folder is not there; BertuneError when its files cannot be used
 */
export async function loadModel(path: string, options: LoadModelOptions = {}): Promise<LoadedModel> {
  checkOptions(useSchema, options);
  const { present, labels } = await inspectBert(path);
  const parts = present.includes('encoder') ? present : (['encoder', ...present] satisfies BertPart[]);
  const { config, raw, values } = await loadBert(path, { parts, onNote: options.onNote });
  const tokenizer = loadTokenizer(path);
  const maxLength = options.maxLength ?? defaultMaxLength(config, raw);
  checkMaxLength(maxLength, config, path);
  checkTokenizer(tokenizer, config, path);
  const parameters = asTensors(values, partParameters(config, parts));
  const engine = createEngine(options.threads);
  const inference = new BertInference(engine, config, tokenizer, parameters, options.signal);
  const cutter = new TextCutter(tokenizer, maxLength);
  const cut = (texts: readonly string[]) => texts.map((text) => cutter.encode(text));
  const requireHead = (part: BertPart, what: string) => {
    if (present.includes(part)) return;
    const has = present.filter((name) => name !== 'encoder').map((name) => headNames[name]);
    throw new UsageError(
      `${path} has no ${headNames[part]}, which ${what} needs; it has ${has.join(' and ') || 'an encoder only'}`,
    );
  };
  return {
    path,
    labels,
    async fillMask(text, { topK = 5, targets } = {}): Promise<FillMaskResult> {
      checkOptions(fillMaskSchema, { topK });
      requireHead('mlmHead', 'fill-mask');
      const { ids } = tokenizer.encode(text);
      const masks = ids.flatMap((id, i) => (id === tokenizer.special.mask ? [i + 1] : []));
      const mask = tokenizer.tokenOf(tokenizer.special.mask);
      if (masks.length === 0)
        throw new UsageError(`the text has no ${mask}; put ${mask} where a word is to be guessed`);
      if (ids.length > config.maxPositions - 2) {
        throw new UsageError(`the text has ${ids.length + 2} tokens; the model takes ${config.maxPositions}`);
      }
      const targetIds = targets && targetTokens(tokenizer, targets);
      const logits = await inference.vocabularyLogits(ids, masks);
      return {
        text,
        masks: logits.map((row, i) => ({
          position: masks[i] as number,
          candidates: candidates(tokenizer, row, topK, targetIds),
        })),
      };
    },
    async classify(texts): Promise<Prediction[]> {
      requireHead('classifier', 'classification');
      const logits = await inference.classLogits(cut(texts));
      return logits.map((row, i) => {
        const best = argmax(row);
        return { text: texts[i] as string, label: labels?.[best] ?? String(best), score: softmax(row)[best] as number };
      });
    },
    async embed(texts, { pooling = 'mean' } = {}) {
      checkOptions(embedSchema, { pooling });
      return inference.vectors(cut(texts), pooling);
    },
    tokens(text) {
      const { cls, sep } = tokenizer.special;
      return [cls, ...tokenizer.encode(text).ids, sep].map((tokenId) => ({
        token: tokenizer.tokenOf(tokenId),
        tokenId,
      }));
    },
    async dispose() {
      cutter.noteTruncated({ onEvent: (event) => event.type === 'note' && options.onNote?.(event.text) });
      await inference.dispose();
    },
  };
}

const headNames: Record<BertPart, string> = {
  encoder: 'encoder',
  mlmHead: 'MLM head',
  pooler: 'pooler',
  classifier: 'classification head',
};

/** Ids of words to rank: each is to be one token of the vocabulary. */
function targetTokens(tokenizer: BertTokenizer, targets: readonly string[]): number[] {
  return targets.map((target) => {
    const { ids } = tokenizer.encode(target);
    const id = tokenizer.idOf(target) ?? (ids.length === 1 ? ids[0] : undefined);
    if (id === undefined || id === tokenizer.special.unk) {
      throw new UsageError(`"${target}" is not one token of the vocabulary; choose a word that /tokens shows as one`);
    }
    return id;
  });
}

function candidates(
  tokenizer: BertTokenizer,
  logits: Float32Array,
  topK: number,
  targets: readonly number[] | undefined,
): Candidate[] {
  const probabilities = softmax(logits);
  const ids = targets ?? Array.from(probabilities, (_, id) => id);
  return [...ids]
    .sort((a, b) => (probabilities[b] as number) - (probabilities[a] as number) || a - b)
    .slice(0, targets ? ids.length : topK)
    .map((tokenId) => ({ token: tokenizer.tokenOf(tokenId), tokenId, score: probabilities[tokenId] as number }));
}

/** The folder's heads for an error or a choice of task. @throws BertuneError when there is none that can be measured */
export async function measurableHead(path: string): Promise<'classifier' | 'mlmHead'> {
  const { present } = await inspectBert(path);
  if (present.includes('classifier')) return 'classifier';
  if (present.includes('mlmHead')) return 'mlmHead';
  throw new BertuneError(`${path} has neither a classification head nor an MLM head: there is nothing to evaluate`);
}
