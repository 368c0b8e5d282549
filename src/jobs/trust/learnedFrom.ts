import type { FoundModel } from '../findModel.ts';
import { textHashes } from './textHashes.ts';
import { type Learned, readLearned } from './trust.ts';

/** Texts of a training, and those that the classifier that it began with had learned from. */
export function learnedFrom(texts: readonly string[], start?: Start): Promise<Learned> {
  return learnedAfter(textHashes(texts), start ? [start] : []);
}

/** The same of texts by their hashes, ascending, and of several models that a training began with or asked. */
export async function learnedAfter(own: Uint32Array, starts: readonly Start[]): Promise<Learned> {
  const all = new Set(own);
  let isPart = false;
  for (const { found, isNew } of starts) {
    const before = await readLearned(found);
    if (before.isPart || (!isNew && before.trained.length === 0)) isPart = true;
    for (const hash of before.trained) all.add(hash);
  }
  return { trained: Uint32Array.from(all).sort(), ...(isPart ? { isPart } : {}) };
}

export interface Start {
  readonly found: FoundModel;
  /** Whether it has no classifier yet. */
  readonly isNew: boolean;
}
