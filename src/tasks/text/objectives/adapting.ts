import type { MaskingOptions } from '../../../text/masking.ts';
import type { Asked, Objective, Term } from '../objective.ts';
import { contrastive } from './contrastive.ts';
import { likeStart } from './likeStart.ts';
import { type MaskableText, maskedTokens } from './maskedTokens.ts';

/** What a model may be adapted by, and of which terms that is made: each with its weight beside the first. */
export const adaptingObjectives = {
  masked: { words: 1 },
  contrastive: { views: 1 },
  keep: { words: 1, start: 1 },
  mixed: { words: 1, start: 1, views: 1 },
} as const satisfies Readonly<Record<string, Weights>>;

export type AdaptingObjective = keyof typeof adaptingObjectives;

interface Weights {
  /** Of masked words. */
  readonly words?: number;
  /** Of keeping to the vectors of the start. */
  readonly start?: number;
  /** Of telling texts apart. */
  readonly views?: number;
}

/** Temperatures of the terms on vectors. */
const viewsTemperature = 0.05;
const startTemperature = 0.05;

/**
 * What `adapt` learns from texts without labels: masked words, keeping to the start's vectors, telling texts apart, or
 * several of them. A text's vector weighs as much as its masked words together.
 */
export function adapting(
  name: AdaptingObjective,
  masking: MaskingOptions,
  weights: Weights = adaptingObjectives[name],
): Objective<MaskableText> {
  const words = maskedTokens(masking);
  if (name === 'masked') return words;
  const masks = weights.words !== undefined;
  const terms: Record<string, Term> = {};
  if (masks) Object.assign(terms, words.terms);
  if (weights.views !== undefined) terms.views = contrastive(viewsTemperature);
  if (weights.start !== undefined) terms.start = likeStart(startTemperature);
  return {
    name: `adapt ${name}`,
    metric: words.metric,
    terms,
    givesWhole: masks,
    comparesWithStart: weights.start !== undefined,
    read(text, number, epoch) {
      const number31 = numberOf(text.ids);
      const masked = masks ? words.read(text, number, epoch) : undefined;
      const share = masked?.asked.words?.places?.length ?? 1;
      const asked: Record<string, Asked> = { ...masked?.asked };
      if (weights.views !== undefined) asked.views = { targets: [number31], weight: weights.views * share };
      if (weights.start !== undefined) asked.start = { targets: [0], weight: weights.start * share };
      return masked ? { ids: masked.ids, whole: text.ids, asked } : { ids: text.ids, asked };
    },
    alsoMeasured: masks ? words.alsoMeasured : undefined,
  };
}

/** A number that texts of the same tokens share, from 0 to 2^31 - 1. */
function numberOf(ids: ArrayLike<number>): number {
  let hash = ids.length;
  for (let i = 0; i < ids.length; i++) {
    hash = Math.imul(hash ^ (ids[i] as number), 0x9e3779b1);
    hash ^= hash >>> 15;
  }
  return hash >>> 1;
}
