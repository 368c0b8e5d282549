import type { AlignedText } from './alignedText.ts';

/** What a tokenizer makes of a text before it is cut into words. */
export interface Normalizer {
  normalize(text: string): string;
  /** The same, with where each character comes from. */
  align(text: AlignedText): AlignedText;
}

/** A change of every character on its own. */
export function characterwise(normalize: (text: string) => string): Normalizer {
  return { normalize, align: (text) => text.map(normalize) };
}
