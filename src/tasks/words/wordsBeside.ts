import { calibratedLoss } from '../../evaluation/calibration.ts';
import { type AccuracyDifference, accuracyDifference } from '../../evaluation/pairedTexts.ts';
import { type FitLatentWordsOptions, type FittedLatentWords, fitLatentWords } from './fitLatentWords.ts';
import { type FittedWords, fitWords } from './fitWords.ts';

export interface WordsBeside {
  /** The one that is kept. */
  readonly fitted: FittedWords;
  readonly plain: FittedWords;
  readonly latent: FittedLatentWords;
  /** Mean cross-entropy, in nats, of the texts that both were measured on, each calibrated. */
  readonly losses: { readonly plain: number; readonly latent: number };
  /** Accuracy of `latent` less that of `plain` on these texts. */
  readonly difference: AccuracyDifference;
}

/**
 * A classifier on words beside texts without labels: with what these say of terms where held-out folds say that it helps, and
 * as if they were not there where it does not.
 *
 * @throws InterruptedError when the signal was aborted
 */
export async function fitWordsBeside(options: FitLatentWordsOptions): Promise<WordsBeside> {
  const { labels, classes, onProgress } = options;
  const half = (number: number) => ({
    ...options,
    onProgress: (done: number, total: number) => onProgress?.(number * total + done, 2 * total),
  });
  const plain = await fitWords(half(0));
  const latent = await fitLatentWords(half(1));
  const both = Array.from({ length: labels.length }, (_, i) => i).filter((i) =>
    [plain, latent].every(({ held }) => !Number.isNaN(held[i * classes])),
  );
  const losses = { plain: lossOf(plain.held, both, options), latent: lossOf(latent.held, both, options) };
  const difference = accuracyDifference(rights(plain.held, both, options), rights(latent.held, both, options));
  return { fitted: losses.latent < losses.plain ? latent : plain, plain, latent, losses, difference };
}

function lossOf(held: Float32Array, texts: readonly number[], options: FitLatentWordsOptions): number {
  const { labels, classes, classWeights } = options;
  const counted = new Float32Array(held.length).fill(Number.NaN);
  for (const i of texts) counted.set(held.subarray(i * classes, (i + 1) * classes), i * classes);
  return calibratedLoss(counted, labels, classes, classWeights);
}

function rights(held: Float32Array, texts: readonly number[], { labels, classes }: FitLatentWordsOptions): boolean[] {
  return texts.map((i) => {
    const row = held.subarray(i * classes, (i + 1) * classes);
    return row.indexOf(row.reduce((most, value) => Math.max(most, value))) === labels[i];
  });
}
