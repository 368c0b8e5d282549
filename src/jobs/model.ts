import { BertuneError, UsageError } from '../core/errors.ts';
import { softmax } from '../evaluation/classification.ts';
import { inspectBert, loadBert } from '../hub/folder.ts';
import type { BertPart } from '../models/bert/parameters.ts';
import type { OptionsOf } from '../settings/options.ts';
import { resolve } from '../settings/resolve.ts';
import { BertInference, type MaskedSequence } from '../tasks/inference.ts';
import { partParameters } from '../tasks/losses.ts';
import { type BertTokenizer, loadTokenizer } from '../text/tokenizer.ts';
import { asTensors, checkTokenizer } from './classifier.ts';
import { type FoundModel, findModel, readFound } from './findModel.ts';
import { TextCutter } from './texts.ts';
import { checkMaxLength, createEngine, defaultMaxLength } from './training.ts';
import type { Candidate, FillMaskResult, JobEvent, LoadedModel } from './types.ts';

export interface LoadModelOptions extends OptionsOf<'loadModel'> {
  /** Hears what was missing in the folder and, at `dispose`, how many texts were cut. */
  readonly onNote?: (text: string) => void;
  /** Hears how a download goes on. */
  readonly onEvent?: (event: JobEvent) => void;
  /** When aborted, what is being computed stops with an InterruptedError. */
  readonly signal?: AbortSignal;
}

/** A model for those that answer many callers at once. */
export interface OpenModel extends LoadedModel {
  readonly heads: readonly BertPart[];
  /** What stands for a word that is to be guessed. */
  readonly maskToken: string;
  /** Every label with its score for each text, best first. */
  scores(texts: readonly string[]): Promise<LabelScore[][]>;
  /** A text with masks, ready to be run. @throws UsageError when it has none, or is too long */
  prepareMasks(text: string): MaskedText;
  /** Ranks the words of prepared texts, all in one go. */
  rankMasks(texts: readonly MaskedText[], rankings: readonly Ranking[]): Promise<FillMaskResult[]>;
}

export interface LabelScore {
  readonly label: string;
  readonly score: number;
}

export interface MaskedText extends MaskedSequence {
  readonly text: string;
}

/** How many words are listed for a mask, and which are looked at: all, or tokens by id. */
export interface Ranking {
  readonly topK: number;
  readonly targetIds?: readonly number[];
}

/**
 * Loads a model, a folder or `org/name[@revision]` of the Hub, for use: fill-mask with an MLM head, classification with a
 * classifier, embeddings with either.
 *
 * @throws UsageError when the folder is not there; BertuneError when its files cannot be used
 */
export async function loadModel(path: string, options: LoadModelOptions = {}): Promise<LoadedModel> {
  return openModel(path, options);
}

/** The same with what a server needs, also for a model that was found before. */
export async function openModel(asked: string | FoundModel, options: LoadModelOptions = {}): Promise<OpenModel> {
  const { onNote, onEvent: hears, signal, ...use } = options;
  const { threads, int8, offline, ...settings } = resolve('loadModel', use);
  const onEvent = (event: JobEvent) => event.type === 'note' && onNote?.(event.text);
  const hooks = { onEvent: hears ?? onEvent, signal };
  const found = typeof asked === 'string' ? await findModel(asked, { offline }, hooks) : asked;
  const { name: path } = found;
  const read = async (folder: string, note: (text: string) => void) => {
    const inspection = await inspectBert(folder);
    const { present } = inspection;
    const parts = present.includes('encoder') ? present : (['encoder', ...present] satisfies BertPart[]);
    const loaded = await loadBert(folder, { parts, onNote: note });
    return { ...inspection, ...loaded, parts, tokenizer: loadTokenizer(folder) };
  };
  const { present, labels, parts, config, raw, values, tokenizer } = await readFound(found, read, onNote);
  const maxLength = settings.maxLength ?? defaultMaxLength(config, raw);
  checkMaxLength(maxLength, config, path);
  checkTokenizer(tokenizer, config, path);
  const parameters = asTensors(values, partParameters(config, parts));
  const engine = createEngine(threads);
  const inference = new BertInference(engine, config, tokenizer, parameters, {
    ...{ signal, isSettled: true, int8 },
  });
  const cutter = new TextCutter(tokenizer, maxLength);
  const cut = (texts: readonly string[]) => texts.map((text) => cutter.encode(text));
  const maskToken = tokenizer.tokenOf(tokenizer.special.mask);
  const requireHead = (part: BertPart, what: string) => {
    if (present.includes(part)) return;
    const has = present.filter((name) => name !== 'encoder').map((name) => headNames[name]);
    throw new UsageError(
      `${path} has no ${headNames[part]}, which ${what} needs; it has ${has.join(' and ') || 'an encoder only'}`,
    );
  };
  const labelOf = (label: number) => labels?.[label] ?? String(label);
  const probabilities = async (texts: readonly string[]) => {
    requireHead('classifier', 'classification');
    return (await inference.classLogits(cut(texts))).map(softmax);
  };
  const model: OpenModel = {
    path,
    labels,
    heads: present,
    maskToken,
    prepareMasks(text) {
      requireHead('mlmHead', 'fill-mask');
      const { ids } = tokenizer.encode(text);
      const positions = ids.flatMap((id, i) => (id === tokenizer.special.mask ? [i + 1] : []));
      if (positions.length === 0) {
        throw new UsageError(`the text has no ${maskToken}; put ${maskToken} where a word is to be guessed`);
      }
      if (ids.length > config.maxPositions - 2) {
        throw new UsageError(`the text has ${ids.length + 2} tokens; the model takes ${config.maxPositions}`);
      }
      return { text, ids, positions };
    },
    async rankMasks(texts, rankings) {
      const masks = texts.map((): FillMaskResult['masks'][number][] => []);
      await inference.vocabularyLogits(texts, (i, place, logits) => {
        const position = texts[i]?.positions[place] ?? 0;
        masks[i]?.push({ position, candidates: candidates(tokenizer, logits, rankings[i] ?? { topK: 5 }) });
      });
      return texts.map(({ text }, i) => ({ text, masks: masks[i] ?? [] }));
    },
    async fillMask(text, options = {}) {
      const { topK, targets } = resolve('model.fillMask', options);
      requireHead('mlmHead', 'fill-mask');
      const prepared = model.prepareMasks(text);
      const ranking = { topK, targetIds: targets && targetTokens(tokenizer, targets) };
      const [result] = await model.rankMasks([prepared], [ranking]);
      return result ?? { text, masks: [] };
    },
    async scores(texts) {
      const rows = await probabilities(texts);
      return rows.map((row) => {
        const scores = Array.from(row, (score, i) => ({ label: labelOf(i), score }));
        return scores.sort((a, b) => b.score - a.score); // stable: the first of equal ones stays first
      });
    },
    async classify(texts) {
      const rows = await probabilities(texts);
      return rows.map((row, i) => {
        const best = row.reduce((top, score, label) => (score > (row[top] ?? 0) ? label : top), 0);
        return { text: texts[i] as string, label: labelOf(best), score: row[best] ?? 0 };
      });
    },
    async embed(texts, options = {}) {
      const { pooling } = resolve('model.embed', options);
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
      cutter.noteTruncated({ onEvent });
      await inference.dispose();
    },
  };
  return model;
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

function candidates(tokenizer: BertTokenizer, logits: Float32Array, { topK, targetIds }: Ranking): Candidate[] {
  const probabilities = softmax(logits);
  const score = (id: number) => probabilities[id] as number;
  const ids = targetIds ? [...targetIds].sort((a, b) => score(b) - score(a) || a - b) : largest(probabilities, topK);
  return ids.map((tokenId) => ({ token: tokenizer.tokenOf(tokenId), tokenId, score: score(tokenId) }));
}

/** So many largest values are found faster by inserting them into a list than by sorting all. */
const mostInserted = 256;

/** Places of the `count` largest values, largest first; of equal ones the earlier place first. */
function largest(values: Float64Array, count: number): number[] {
  if (count > mostInserted) {
    const all = Array.from(values, (_, i) => i);
    return all.sort((a, b) => (values[b] as number) - (values[a] as number)).slice(0, count);
  }
  const places: number[] = [];
  let least = Number.NEGATIVE_INFINITY;
  for (let i = 0; i < values.length; i++) {
    const value = values[i] as number;
    if (places.length >= count && value <= least) continue;
    let at = places.length;
    while (at > 0 && (values[places[at - 1] as number] as number) < value) at--;
    places.splice(at, 0, i);
    if (places.length > count) places.pop();
    least = values[places.at(-1) as number] as number;
  }
  return places;
}

/** What a model is measured by. @throws BertuneError when it has no head that can be measured */
export async function measurableHead(found: FoundModel): Promise<'classifier' | 'mlmHead'> {
  const { present } = await readFound(found, inspectBert);
  if (present.includes('classifier')) return 'classifier';
  if (present.includes('mlmHead')) return 'mlmHead';
  throw new BertuneError(
    `${found.name} has neither a classification head nor an MLM head: there is nothing to evaluate`,
  );
}
