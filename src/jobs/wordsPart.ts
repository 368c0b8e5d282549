import { join } from 'node:path';
import { BertuneError } from '../core/errors.ts';
import { hasWords, loadWordsAlone, loadWordsPart, type WordsPart, wordsFile, wordsFolder } from '../hub/wordsFolder.ts';
import type { HubConfig } from '../models/text/config.ts';
import type { LabelKindName } from '../models/text/heads/table.ts';
import type { PairNames } from '../models/text/model.ts';
import type { WordsWeights } from '../models/words/words.ts';
import { logSoftmax, WordsModel } from '../tasks/words/wordsModel.ts';
import { type FoundModel, readFound } from './findModel.ts';

/** A classifier on words alone, ready to use. */
export interface WordsAlone {
  readonly kind: LabelKindName;
  /** Its `config.json`. */
  readonly raw: HubConfig;
  readonly labels: readonly string[];
  /** The columns of the pairs that it reads; null for single texts. */
  readonly pairs: PairNames | null;
  readonly words: WordsModel;
}

/**
 * The classifier of a folder that is one on words alone; null for a folder of another kind. Throws as `readModel`.
 */
export function readWordsAlone(found: FoundModel): Promise<WordsAlone | null> {
  return readFound(found, async (folder) => {
    const alone = await loadWordsAlone(folder);
    return alone && { ...alone, words: modelOf(alone.weights, folder) };
  });
}

/** A classifier on words that stands beside a network. */
export interface WordsBeside {
  readonly words: WordsModel;
  /** Of its log-probabilities, beside 1 of the network's. */
  readonly weight: number;
}

/** A classifier on words that was fitted to stand beside a network, with the inverse of its penalty's weight. */
export interface FittedBeside extends WordsBeside {
  readonly c: number;
}

/** The classifier on words that a network's folder has, too; null where it has none. Throws as `readModel`. */
export function readWordsBeside(found: FoundModel, labels: readonly string[] | null): Promise<WordsBeside | null> {
  return readFound(found, async (folder) => {
    if (labels === null) return null;
    const part: WordsPart | null = await loadWordsPart(folder, labels.length);
    return part && { words: modelOf(part.weights, folder), weight: part.weight };
  });
}

/** Whether a model's answers come of words, too. */
export function readsWords({ folder }: FoundModel): boolean {
  return hasWords(folder);
}

/**
 * The logits of both together: log softmax(logits) + w · log p(words).
 *
 * @param logits of the network, one row a text [labels]
 */
export function joinedLogits(
  { words, weight }: WordsBeside,
  texts: readonly string[],
  logits: readonly ArrayLike<number>[],
): Float32Array[] {
  const beside = words.logProbabilities(texts);
  return logits.map((row, i) =>
    logSoftmax(Float64Array.from(row)).map((own, c) => own + weight * (beside[i]?.[c] as number)),
  );
}

function modelOf(weights: WordsWeights, folder: string): WordsModel {
  try {
    return new WordsModel(weights);
  } catch (error) {
    if (!(error instanceof BertuneError)) throw error;
    throw new BertuneError(`${join(folder, wordsFolder, wordsFile)} is damaged: ${error.message}`);
  }
}
