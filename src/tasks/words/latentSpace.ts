import { breathe } from '../../core/interrupt.ts';
import { permutedIndex } from '../../core/random.ts';
import { type CountedCorpus, countTexts } from '../../text/terms/countedTexts.ts';
import { type ChosenTerms, chooseTerms, tfidfRows } from '../../text/terms/tfidf.ts';
import { blocks } from './fitWords.ts';
import { type LatentTerms, latentTerms } from './latentTerms.ts';

/** What texts without labels say of terms: which there are, how rare they are, and which keep the same company. */
export interface LatentSpace {
  /** The texts that were read. */
  readonly texts: readonly string[];
  readonly corpus: CountedCorpus;
  readonly chosen: ChosenTerms;
  readonly latent: LatentTerms;
}

export interface LatentSpaceOptions {
  /** Texts without labels, of the kind that is to be classified. */
  readonly unlabeled: readonly string[];
  /** Chooses among them where there are more than are read. */
  readonly seed: number;
  readonly signal?: AbortSignal;
}

/** Texts that are read at most, and their characters: memory and time are linear in them. */
const [mostTexts, mostCharacters] = [20_000, 8_000_000];
/** Terms that are read at most. */
const mostTerms = 1 << 16;
/** Directions of the space. */
const directions = 128;

/** Reads texts without labels. @throws InterruptedError when the signal was aborted */
export async function latentSpace({ unlabeled, seed, signal }: LatentSpaceOptions): Promise<LatentSpace> {
  const texts = sampled(unlabeled, seed);
  const corpus = countTexts(texts, blocks, mostTerms);
  await breathe(signal);
  const chosen = chooseTerms(corpus, () => true, mostTerms);
  const latent = await latentTerms(tfidfRows(corpus, corpus.blocks, chosen), directions, { signal });
  return { texts, corpus, chosen, latent };
}

/** As many texts as are read: of more, some that chance chooses. */
function sampled(texts: readonly string[], seed: number): string[] {
  const result: string[] = [];
  let room = mostCharacters;
  for (let i = 0; i < texts.length && result.length < mostTexts && room > 0; i++) {
    const text = texts[permutedIndex(i, texts.length, seed, 0)] as string;
    room -= text.length;
    result.push(text);
  }
  return result;
}
