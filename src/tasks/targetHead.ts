import type { TargetLoss } from '../evaluation/linearTargets.ts';
import type { Rows } from '../evaluation/neighbours.ts';
import { engineProducts } from './featureProducts.ts';
import { learnedTargets } from './learned.ts';
import { centred, type LinearHead, type LinearHeadOptions, rounded, shifted } from './linearHead.ts';
import { fitByFolds } from './words/fitByFolds.ts';

export interface TargetHeadOptions
  extends Pick<LinearHeadOptions, 'engine' | 'features' | 'folds' | 'cs' | 'onProgress' | 'signal'> {
  /** [n, outputs] */
  readonly targets: Rows;
  readonly loss: TargetLoss;
}

/** Values of C that are tried, for features whose mean squared distance from their mean is 1. */
const grid = [0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30, 100];
/** C where there is nothing to choose it by. */
const usual = 1;
const finalTolerance = 1e-6;

/**
 * A linear layer over features that stay as they are, each output held against a target of its own: logistic regression of
 * labels against the rest, or ridge regression of a number. Its L2 penalty, one for all outputs, is chosen by the loss on
 * held-out folds.
 *
 * @returns with answers of texts held out: logits, or numbers
 * @throws InterruptedError when the signal was aborted
 */
export async function fitTargetHead(options: TargetHeadOptions): Promise<LinearHead> {
  const { engine, features, targets, loss, folds, onProgress, signal } = options;
  const { rows, mean, spread } = centred(features);
  const learned = learnedTargets(targets, loss);
  const products = await engineProducts(engine, rows, learned.outputs, signal);
  try {
    const cs = options.cs ?? grid.map((c) => rounded(c / spread));
    // The same products serve every fold: what is held out counts for nothing in its fit.
    const shared = { ...products, columnWeights: (weight: Float64Array) => weight, dispose: async () => {} };
    const byFolds =
      cs.length > 1
        ? await fitByFolds({
            ...{ learned, folds, cs, isQuick: true, onProgress, signal },
            problem: async () => ({ products: shared }),
          })
        : undefined;
    const c = byFolds?.c ?? (cs.length === 1 ? (cs[0] as number) : rounded(usual / spread));
    const fitted = await learned.fit(products, { c, start: byFolds?.start, tolerance: finalTolerance });
    const { iterations, converged } = fitted.fit;
    const held = byFolds?.held ?? new Float32Array(targets.data.length).fill(Number.NaN);
    return {
      ...shifted(fitted, mean, -1),
      ...{ c, scores: byFolds?.scores ?? [], scored: byFolds?.scored ?? 0, held, iterations, converged },
    };
  } finally {
    await products.dispose();
  }
}
