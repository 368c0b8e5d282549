import { breathe } from '../../core/interrupt.ts';
import type { LinearClassifier } from '../../evaluation/logisticRegression.ts';
import type { LinearLearned } from '../learned.ts';
import type { FoldScore } from '../linearHead.ts';
import type { WordsProducts } from './wordsProducts.ts';

/** What is fitted to the texts that one fold leaves. */
export interface FoldProblem {
  /** Of all texts: those of the fold are measured. */
  readonly products: WordsProducts;
}

export interface FitByFoldsOptions {
  readonly learned: LinearLearned;
  readonly folds: ArrayLike<number>;
  /** Values of C to choose from, ascending; the middle one is tried first. */
  readonly cs: readonly number[];
  readonly problem: (isFitted: (text: number) => boolean) => Promise<FoldProblem>;
  /** Whether all folds are measured; if not, as many as hold enough texts. */
  readonly isQuick: boolean;
  readonly onProgress?: (done: number, total: number) => void;
  readonly signal?: AbortSignal;
}

export interface FitByFolds {
  readonly c: number;
  readonly scores: readonly FoldScore[];
  readonly scored: number;
  /** What is said of each text [n, outputs] at `c`, such as ln p; NaN for texts that were not held out. */
  readonly held: Float32Array;
  /** The first fold's classifier, near the minimum: a start for a fit to all texts. */
  readonly start: LinearClassifier;
}

/** Held-out texts that are enough to choose by where a fit takes long. */
const enoughScored = 1500;
/** Gradient at which the fit of a fold ends: its loss is then right to about a hundredth, and tells penalties apart. */
const foldTolerance = 1e-3;

/**
 * Chooses C by the loss on held-out folds, which falls towards the best C from either side.
 *
 * @returns undefined where the folds say nothing
 */
export async function fitByFolds(options: FitByFoldsOptions): Promise<FitByFolds | undefined> {
  const { learned, cs, onProgress, signal } = options;
  const parts = scoredFolds(options);
  if (parts.length === 0) return undefined;
  const folds: Fold[] = [];
  try {
    for (const part of parts) {
      await breathe(signal);
      const problem = await options.problem((text) => part.kept[text] === 1);
      folds.push({ ...problem, ...part });
    }
    const tried: FoldScore[] = [];
    const tryOne = async (c: number): Promise<Tried> => {
      const held = new Float32Array(learned.count * learned.outputs).fill(Number.NaN);
      for (const fold of folds) {
        await breathe(signal);
        // Each fit begins at that of the C before.
        const { products, kept, latest: start } = fold;
        fold.latest = await learned.fit(products, { c, kept, start, tolerance: foldTolerance });
        const { weight, bias } = fold.latest;
        learned.answer(await products.logits(weight, learned.outputs), bias, fold.held, held);
        onProgress?.(tried.length * folds.length + folds.indexOf(fold) + 1, cs.length * folds.length + 1);
      }
      const [{ latest: start } = {}] = folds;
      if (!start) throw new Error('internal: no fold was fitted');
      const one = { score: learned.score(c, held), held, start };
      tried.push(one.score);
      return one;
    };
    const { score, held, start } = await lowest(cs, tryOne);
    const scores = tried.sort((one, other) => one.c - other.c);
    return { start, c: score.c, scores, scored: folds.reduce((sum, fold) => sum + fold.held.length, 0), held };
  } finally {
    for (const { products } of folds) await products.dispose();
  }
}

/** What the folds said of a C. */
interface Tried {
  readonly score: FoldScore;
  readonly held: Float32Array;
  /** The first fold's classifier. */
  readonly start: LinearClassifier;
}

/** Goes from the middle C towards weaker penalties while that helps, or else towards stronger ones. */
async function lowest(cs: readonly number[], tryOne: (c: number) => Promise<Tried>): Promise<Tried> {
  const middle = cs.length >> 1;
  const first = await tryOne(cs[middle] as number);
  let best = first;
  for (const c of cs.slice(middle + 1)) {
    const next = await tryOne(c);
    if (next.score.loss >= best.score.loss) break;
    best = next;
  }
  if (best !== first) return best;
  for (const c of cs.slice(0, middle).reverse()) {
    const next = await tryOne(c);
    // Of equal ones the strongest penalty.
    if (next.score.loss > best.score.loss) break;
    best = next;
  }
  return best;
}

interface Fold extends FoldProblem, ScoredFold {
  latest?: LinearClassifier;
}

interface ScoredFold {
  /** 1 for the texts that are fitted [n], 0 for the fold. */
  readonly kept: Uint8Array;
  /** The fold's texts that the fit can measure. */
  readonly held: readonly number[];
}

/** The folds that say something, as many as are enough. */
function scoredFolds({ learned, folds, isQuick }: FitByFoldsOptions): ScoredFold[] {
  const all = Array.from({ length: learned.count }, (_, i) => i);
  const count = all.reduce((most, i) => Math.max(most, (folds[i] as number) + 1), 0);
  const result: ScoredFold[] = [];
  let scored = 0;
  for (let fold = 0; fold < count && (isQuick || scored < enoughScored); fold++) {
    const kept = Uint8Array.from(all, (i) => Number(folds[i] !== fold));
    const held = learned.measurable(kept);
    if (held.length === 0) continue;
    result.push({ kept, held });
    scored += held.length;
  }
  return result;
}
