import { softmax } from '../../../evaluation/classification.ts';
import * as ops from '../../../graph/functions.ts';
import { type MaskingOptions, maskSequence } from '../../../text/masking.ts';
import type { Objective } from '../objective.ts';

/** A tokenized text: its tokens, and where a masking unit starts. */
export interface MaskableText {
  readonly ids: ArrayLike<number>;
  /** 1 where a token starts a unit, for whole words. */
  readonly starts: ArrayLike<number>;
}

/** Masked language modeling with masks drawn anew each epoch (Devlin et al. 2019, Liu et al. 2019). */
export function maskedTokens(masking: MaskingOptions): Objective<MaskableText> {
  const { probability: p, wholeWord } = masking;
  return {
    name: 'maskedLm',
    metric: { name: 'loss', goal: 'lower' },
    terms: {
      words: {
        head: 'maskedLm',
        target: { dtype: 'int32' },
        loss: (logits, tokens) => ops.crossEntropy(logits, tokens),
        // A text in which nothing is drawn gets one mask all the same.
        usual: { places: (length) => p * length + (1 - p) ** length, deviations: wholeWord ? 8 : 5 },
      },
    },
    read({ ids, starts }, number, epoch) {
      const { inputs, positions } = maskSequence(ids, starts, number, epoch, masking);
      const targets = positions.map((position) => ids[position] as number);
      return { ids: inputs, asked: { words: { places: positions, targets } } };
    },
    // JSON writes infinity as null, which reads as not measured.
    alsoMeasured: (loss) => ({ perplexity: Math.min(Math.exp(loss), Number.MAX_VALUE) }),
  };
}

/** How many tokens are listed for a mask, and which are looked at: all, or those named. */
export interface Ranking {
  readonly topK: number;
  readonly targetIds?: readonly number[];
}

/** The answer to a mask: tokens with their probability over the whole vocabulary, best first. */
export function rankTokens(
  logits: ArrayLike<number>,
  { topK, targetIds }: Ranking,
): { readonly tokenId: number; readonly score: number }[] {
  const probabilities = softmax(logits);
  const score = (id: number) => probabilities[id] as number;
  const ids = targetIds ? [...targetIds].sort((a, b) => score(b) - score(a) || a - b) : largest(probabilities, topK);
  return ids.map((tokenId) => ({ tokenId, score: score(tokenId) }));
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
