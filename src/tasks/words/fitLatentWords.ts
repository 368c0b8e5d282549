import { calibratedLoss } from '../../evaluation/calibration.ts';
import type { Rows } from '../../evaluation/neighbours.ts';
import { countKnown } from '../../text/terms/countedTexts.ts';
import { tfidfRows } from '../../text/terms/tfidf.ts';
import { fitLinearHead, type LinearHead } from '../linearHead.ts';
import { type PseudoLabels, type SelfTrained, selfTrain } from '../selfTraining.ts';
import { type FittedWords, type FitWordsOptions, wordsWeights } from './fitWords.ts';
import { type LatentFeatures, latentFeatures, narrowed, spreadOf, termWeights } from './latentFeatures.ts';
import type { LatentSpace } from './latentSpace.ts';
import { projected } from './latentTerms.ts';
import { WordsModel } from './wordsModel.ts';

export interface FitLatentWordsOptions extends Omit<FitWordsOptions, 'cs'> {
  /** What the texts without labels say of terms. */
  readonly space: LatentSpace;
}

export interface FittedLatentWords extends FittedWords {
  /** Directions that the classifier reads. */
  readonly directions: number;
  /** Whether it reads the terms one by one as well. */
  readonly readsTerms: boolean;
  /** Texts without labels that were read. */
  readonly unlabeledRead: number;
  /** Whether it was fitted to texts without labels as well, as what it took them for. */
  readonly isSelfTrained: boolean;
  /** Labels of those texts of `space.texts` that it is surest of; none where it reads terms one by one. */
  readonly pseudo?: PseudoLabels;
}

/**
 * A classifier on words whose terms borrow meaning from texts without labels: terms that keep the same company there count
 * alike (latent semantic analysis), so that a few labels reach words which no labeled text has. Logistic regression on the latent
 * directions, or on these and the terms themselves; how many directions, which of both, the penalty, and whether self-training
 * follows are chosen by the cross-entropy of held-out folds. Terms, their weights and the directions come of the texts without
 * labels alone, so that nothing of a fold's texts is known before it is measured. The result is linear in the terms: a model on
 * words like any other.
 *
 * @throws InterruptedError when the signal was aborted
 */
export async function fitLatentWords(options: FitLatentWordsOptions): Promise<FittedLatentWords> {
  const { texts, classes, space, onProgress } = options;
  const { corpus, chosen, latent } = space;
  const rows = tfidfRows(countKnown(texts, corpus.lengths, corpus.table), corpus.blocks, chosen);
  const coordinates = { data: projected(rows, latent.directions, latent.size), size: latent.size };
  const tried = latentFeatures(rows, coordinates);
  let best: { features: LatentFeatures; head: LinearHead; loss: number } | undefined;
  for (const [number, features] of tried.entries()) {
    const head = await fitLinearHead({
      ...{ ...options, features: features.rows, cs: strengths(features.rows) },
      onProgress: (done, total) => onProgress?.(number * total + done, (tried.length + 1) * total),
    });
    const loss = lossOf(head.held, options);
    if (!best || loss < best.loss) best = { features, head, loss };
  }
  if (!best) throw new Error('internal: nothing to fit');
  const { features, head, loss } = best;
  const trained = await selfTrained(options, features, head);
  const isSelfTrained = trained !== undefined && lossOf(trained.held, options) < loss;
  const { held, ...classifier } = isSelfTrained ? trained : head;
  const weights = { weight: termWeights(rows, latent, features, classifier, classes), bias: classifier.bias };
  return {
    model: new WordsModel(wordsWeights(space.texts, corpus, chosen, weights)),
    ...{ c: head.c, scores: head.scores, scored: head.scored, held, converged: head.converged },
    ...{ terms: chosen.size, leftOut: corpus.leftOut + corpus.table.size - chosen.size },
    ...{ directions: features.directions, readsTerms: features.dense !== undefined },
    ...{ unlabeledRead: space.texts.length, isSelfTrained, pseudo: trained?.pseudo },
  };
}

/** Values of C that are tried, for rows whose mean squared distance from their mean is 1: rows that tell much need little penalty. */
const grid = [1, 3, 10, 30, 100, 300, 1000];

function strengths(rows: Rows): number[] {
  const spread = spreadOf(rows) || 1;
  return grid.map((c) => Number((c / spread).toPrecision(1)));
}

/** Self-training on the latent directions; of terms one by one, of which no other text has as many, there is none. */
async function selfTrained(
  options: FitLatentWordsOptions,
  { rows, directions, dense }: LatentFeatures,
  head: LinearHead,
): Promise<SelfTrained | undefined> {
  if (dense) return undefined;
  const unlabeled = narrowed(options.space.coordinates, directions);
  return selfTrain({ ...options, features: rows, unlabeled, start: head, onProgress: undefined });
}

/** What the folds say of a classifier: the less, the better. */
function lossOf(held: Float32Array, { labels, classes, classWeights }: FitLatentWordsOptions): number {
  return calibratedLoss(held, labels, classes, classWeights);
}
