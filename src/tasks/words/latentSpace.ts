import { breathe } from '../../core/interrupt.ts';
import { permutedIndex } from '../../core/random.ts';
import type { Rows } from '../../evaluation/neighbours.ts';
import { type CountedCorpus, countTexts } from '../../text/terms/countedTexts.ts';
import { suitedBlocks } from '../../text/terms/suitedBlocks.ts';
import { type ChosenTerms, chooseTerms, tfidfRows } from '../../text/terms/tfidf.ts';
import { type LatentTerms, latentTerms, projected } from './latentTerms.ts';

/** What texts without labels say of terms: which there are, how rare they are, and which keep the same company. */
export interface LatentSpace {
  /** The texts that were read. */
  readonly texts: readonly string[];
  readonly corpus: CountedCorpus;
  readonly chosen: ChosenTerms;
  readonly latent: LatentTerms;
  /** The texts in the latent directions [texts, latent.size]. */
  readonly coordinates: Rows;
}

export interface LatentSpaceOptions {
  /** Texts without labels, of the kind that is to be classified. */
  readonly unlabeled: readonly string[];
  /** Classes that are to be told apart: the more, the fewer terms are read. */
  readonly classes: number;
  /** Chooses among them where there are more than are read. */
  readonly seed: number;
  /** Characters that are read at most, but for the last text's. */
  readonly mostCharacters?: number;
  readonly signal?: AbortSignal;
}

/** Texts that are read at most, and their characters: memory and time are linear in them. */
const [mostTexts, usualCharacters] = [20_000, 8_000_000];
/** Terms that are read at most. */
const [fewestTerms, mostTerms] = [1 << 14, 1 << 16];
/** Numbers of a classifier at most, but for the least terms. */
const mostWeights = 1 << 21;
/** Directions of the space. */
const directions = 128;

/** Reads texts without labels. @throws InterruptedError when the signal was aborted */
export async function latentSpace(options: LatentSpaceOptions): Promise<LatentSpace> {
  const { classes, signal } = options;
  const texts = sampled(options);
  const most = Math.min(mostTerms, Math.max(fewestTerms, Math.floor(mostWeights / classes)));
  const corpus = countTexts(texts, suitedBlocks(texts), most);
  await breathe(signal);
  const chosen = chooseTerms(corpus, () => true, most);
  const rows = tfidfRows(corpus, corpus.blocks, chosen);
  const latent = await latentTerms(rows, directions, { signal });
  const coordinates = { data: projected(rows, latent.directions, latent.size), size: latent.size };
  return { texts, corpus, chosen, latent, coordinates };
}

/** As many texts as are read: of more, some that chance chooses. */
function sampled({ unlabeled, seed, mostCharacters = usualCharacters }: LatentSpaceOptions): string[] {
  const result: string[] = [];
  let room = mostCharacters;
  for (let i = 0; i < unlabeled.length && result.length < mostTexts && room > 0; i++) {
    const text = unlabeled[permutedIndex(i, unlabeled.length, seed, 0)] as string;
    room -= text.length;
    result.push(text);
  }
  return result;
}
