import type { FoundModel } from '../findModel.ts';
import { textHashes } from './textHashes.ts';
import { type Learned, readLearned } from './trust.ts';

/** Texts of a training, and those that the classifier that it began with had learned from. */
export async function learnedFrom(texts: readonly string[], start?: Start): Promise<Learned> {
  const own = textHashes(texts);
  if (!start) return { trained: own };
  const before = await readLearned(start.found);
  const isPart = before.isPart || (!start.isNew && before.trained.length === 0);
  const trained = Uint32Array.from(new Set([...before.trained, ...own])).sort();
  return { trained, ...(isPart ? { isPart } : {}) };
}

interface Start {
  readonly found: FoundModel;
  /** Whether it has no classifier yet. */
  readonly isNew: boolean;
}
