import type { MaskingOptions } from '../../../text/masking.ts';
import type { Asked, Objective, Term } from '../objective.ts';
import { contrastive } from './contrastive.ts';
import { likeStart, type Neighbourhood } from './likeStart.ts';
import { type MaskableText, maskedTokens } from './maskedTokens.ts';

/** The terms that an objective is made of, each with the weight of one text. */
export interface AdaptingTerms {
  /** Masked words, all those of a text together. */
  readonly words?: number;
  /** Its vector towards that of the start. */
  readonly start?: number;
  /** The same, and towards those of its neighbours. */
  readonly neighbours?: number;
  /** Its vector told from those of other texts. */
  readonly contrast?: number;
}

/** What a model may be adapted by. The first term of each is what is measured. */
const adaptingObjectives = {
  masked: { words: 1 },
  contrastive: { contrast: 1 },
  keep: { words: 1, start: 30 },
  neighbours: { neighbours: 1 },
} as const satisfies Readonly<Record<string, AdaptingTerms>>;

export type AdaptingObjective = keyof typeof adaptingObjectives;

export interface AdaptingOptions {
  /** Where words are masked. */
  readonly masking?: MaskingOptions;
  /** Where a vector is drawn to its neighbours. */
  readonly neighbourhood?: Neighbourhood;
}

/**
 * The terms of an objective.
 *
 * @param hasWords whether the model guesses masked words: it then goes on doing so where neighbours are learned
 */
export function termsOf(name: AdaptingObjective, hasWords = false): AdaptingTerms {
  return name === 'neighbours' && hasWords ? { words: 1, neighbours: 30 } : adaptingObjectives[name];
}

/** What `adapt` learns from texts without labels. @param weights its terms */
export function adapting(
  name: AdaptingObjective,
  weights: AdaptingTerms,
  { masking, neighbourhood }: AdaptingOptions,
): Objective<MaskableText> {
  const words = masking && weights.words !== undefined ? maskedTokens(masking) : undefined;
  if (words && name === 'masked') return words;
  const onVectors = {
    start: likeStart({ isMasked: words !== undefined }),
    neighbours: likeStart({ neighbourhood, isMasked: words !== undefined }),
    contrast: contrastive(contrastTemperature),
  } satisfies Record<string, Term>;
  const used = (['start', 'neighbours', 'contrast'] as const).filter((term) => weights[term] !== undefined);
  return {
    name: `adapt: ${name}`,
    metric: { name: 'loss', goal: 'lower' },
    terms: { ...words?.terms, ...Object.fromEntries(used.map((term) => [term, onVectors[term]])) },
    givesWhole: words !== undefined,
    comparesWithStart: used.some((term) => term !== 'contrast'),
    read(text, number, epoch) {
      const masked = words?.read(text, number, epoch);
      // The mean over masked words is then one over texts, too.
      const share = masked?.asked.words?.places?.length ?? 1;
      const target = numberOf(text.ids);
      const asked: Record<string, Asked> = { ...masked?.asked };
      for (const term of used) asked[term] = { targets: [target], weight: share * (weights[term] ?? 0) };
      return masked ? { ids: masked.ids, whole: text.ids, asked } : { ids: text.ids, asked };
    },
    alsoMeasured: words?.alsoMeasured,
  };
}

/** As Gao et al. 2021. */
const contrastTemperature = 0.05;

/** A number that texts of the same tokens share, from 0 to 2^31 - 1. */
function numberOf(ids: ArrayLike<number>): number {
  let hash = ids.length;
  for (let i = 0; i < ids.length; i++) {
    hash = Math.imul(hash ^ (ids[i] as number), 0x9e3779b1);
    hash ^= hash >>> 15;
  }
  return hash >>> 1;
}
