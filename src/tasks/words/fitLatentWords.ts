import type { LinearClassifier } from '../../evaluation/logisticRegression.ts';
import type { Rows } from '../../evaluation/neighbours.ts';
import { countKnown } from '../../text/terms/countedTexts.ts';
import { type SparseRows, tfidfRows } from '../../text/terms/tfidf.ts';
import { fitLinearHead, type LinearHead } from '../linearHead.ts';
import { columnWeights, type DenseRows, denseRows } from './denseRows.ts';
import { blocks, type FittedWords, type FitWordsOptions, wordsWeights } from './fitWords.ts';
import type { LatentSpace } from './latentSpace.ts';
import { type LatentTerms, projected } from './latentTerms.ts';
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
}

/** Numbers of directions that are tried. */
const sizes = [32, 128] as const;
/** Labeled texts up to which the terms are tried beside the directions: more tell for themselves what terms mean. */
const mostJoined = 1500;

/**
 * A classifier on words whose terms borrow meaning from texts without labels: terms that keep the same company there
 * (latent semantic analysis) count alike, so that a few labels reach words which no labeled text has. Logistic regression on the
 * latent directions, or on these and the terms themselves; how many directions, which of both, and the penalty are chosen by
 * the cross-entropy of held-out folds. Terms, their weights and the directions come of the texts without labels alone, so that
 * nothing of a fold's texts is known before it is measured. The result is linear in the terms: a model on words like any other.
 *
 * @throws InterruptedError when the signal was aborted
 */
export async function fitLatentWords(options: FitLatentWordsOptions): Promise<FittedLatentWords> {
  const { texts, classes, space, onProgress } = options;
  const { corpus, chosen, latent } = space;
  const rows = tfidfRows(countKnown(texts, blocks, corpus.table), corpus.blocks, chosen);
  const coordinates = { data: projected(rows, latent.directions, latent.size), size: latent.size };
  const candidates = candidatesOf(rows, coordinates);
  let best: { candidate: Candidate; head: LinearHead; loss: number } | undefined;
  for (const [number, candidate] of candidates.entries()) {
    const head = await fitLinearHead({
      ...{ ...options, features: candidate.features },
      onProgress: (done, total) => onProgress?.(number * total + done, candidates.length * total),
    });
    const loss = Math.min(...head.scores.map((score) => score.loss));
    if (!best || loss < best.loss) best = { candidate, head, loss };
  }
  if (!best) throw new Error('internal: nothing to fit');
  const { candidate, head } = best;
  const classifier = { weight: termWeights(rows, latent, candidate, head, classes), bias: head.bias };
  return {
    model: new WordsModel(wordsWeights(space.texts, corpus, chosen, classifier)),
    ...{ c: head.c, scores: head.scores, scored: head.scored, held: head.held, converged: head.converged },
    ...{ terms: chosen.size, leftOut: corpus.leftOut + corpus.table.size - chosen.size },
    ...{ directions: candidate.directions, readsTerms: candidate.dense !== undefined },
    unlabeledRead: space.texts.length,
  };
}

/** Features that a classifier may read. */
interface Candidate {
  readonly features: Rows;
  /** How many latent directions are the last of them, and what they are multiplied by. */
  readonly directions: number;
  readonly scale: number;
  /** The terms, where they are the first of them. */
  readonly dense?: DenseRows;
}

function candidatesOf(rows: SparseRows, coordinates: Rows): Candidate[] {
  const tried = [...new Set(sizes.map((size) => Math.min(size, coordinates.size)))];
  const alone = tried.map((size) => ({ features: narrowed(coordinates, size), directions: size, scale: 1 }));
  if (rows.offsets.length - 1 > mostJoined) return alone;
  const dense = denseRows(rows, () => true);
  const scale = Math.sqrt(spreadOf(dense) / (spreadOf(coordinates) || 1));
  const features = joined(dense, coordinates, scale);
  return [...alone, { features, directions: coordinates.size, scale, dense }];
}

/** A classifier's weights of the terms [classes, columns]. */
function termWeights(
  rows: SparseRows,
  { directions, size }: LatentTerms,
  candidate: Candidate,
  { weight }: LinearClassifier,
  classes: number,
): Float64Array {
  const width = candidate.features.size;
  const first = width - candidate.directions;
  const parts = (from: number, to: number) => {
    const part = new Float64Array(classes * (to - from));
    for (let c = 0; c < classes; c++) part.set(weight.subarray(c * width + from, c * width + to), c * (to - from));
    return part;
  };
  const result = candidate.dense
    ? columnWeights(rows, candidate.dense, parts(0, first), classes)
    : new Float64Array(classes * rows.size);
  const own = parts(first, width);
  for (let c = 0; c < classes; c++) {
    for (let column = 0; column < rows.size; column++) {
      let sum = 0;
      for (let k = 0; k < candidate.directions; k++) {
        sum += (own[c * candidate.directions + k] as number) * (directions[column * size + k] as number);
      }
      const to = c * rows.size + column;
      result[to] = (result[to] as number) + candidate.scale * sum;
    }
  }
  return result;
}

function narrowed({ data, size }: Rows, to: number): Rows {
  const count = data.length / size;
  const result = new Float32Array(count * to);
  for (let row = 0; row < count; row++) result.set(data.subarray(row * size, row * size + to), row * to);
  return { data: result, size: to };
}

function joined(one: Rows, other: Rows, scale: number): Rows {
  const count = one.data.length / one.size;
  const size = one.size + other.size;
  const data = new Float32Array(count * size);
  for (let row = 0; row < count; row++) {
    data.set(one.data.subarray(row * one.size, (row + 1) * one.size), row * size);
    for (let j = 0; j < other.size; j++) {
      data[row * size + one.size + j] = scale * (other.data[row * other.size + j] as number);
    }
  }
  return { data, size };
}

/** Mean squared distance of rows from their mean. */
function spreadOf({ data, size }: Rows): number {
  const count = data.length / size;
  const mean = new Float64Array(size);
  let squares = 0;
  for (const [i, value] of data.entries()) {
    mean[i % size] = (mean[i % size] as number) + value / count;
    squares += value * value;
  }
  return squares / count - mean.reduce((sum, value) => sum + value * value, 0);
}
