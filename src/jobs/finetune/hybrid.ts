import { counted } from '../../core/errors.ts';
import { say } from '../../core/message.ts';
import { LabelCount, type LabelMeasure } from '../../tasks/text/objectives/oneLabel.ts';
import { type FittedWords, fitWords } from '../../tasks/words/fitWords.ts';
import { latentSpace } from '../../tasks/words/latentSpace.ts';
import { fitWordsBeside } from '../../tasks/words/wordsBeside.ts';
import { logSoftmax } from '../../tasks/words/wordsModel.ts';
import type { HeldOutLabels } from '../heldOutAnswers.ts';
import { activity, note } from '../note.ts';
import { joinedLogits, type WordsBeside } from '../wordsPart.ts';
import type { FinetuneRun } from './base.ts';
import type { Labeled } from './labeled.ts';

/** Weights of the words' log-probabilities beside those of the vectors that are tried. */
const weights = [0.25, 0.5, 0.75, 1, 1.5] as const;

/** Classifiers on words that were fitted, by their data: the ladder's is the one that is saved. */
const fittedOnce = new WeakMap<Labeled, Promise<FittedWords>>();

/**
 * The classifier on words of the training texts: where there are texts without labels, the one that borrows meaning from
 * them if it does better on folds.
 */
export function wordsOf(run: FinetuneRun): Promise<FittedWords> {
  const known = fittedOnce.get(run.data);
  if (known) return known;
  const fitted = fitWordsOf(run);
  fittedOnce.set(run.data, fitted);
  return fitted;
}

async function fitWordsOf({ data, engine, hooks, given }: FinetuneRun): Promise<FittedWords> {
  const { texts, classes, labels, classWeights, folds, unlabeled } = data;
  const options = {
    ...{ engine, texts, labels: classes, classes: labels.length, classWeights, folds, signal: hooks.signal },
    onProgress: (done: number, total: number) =>
      hooks.onEvent?.({ type: 'progress', ...activity(say`fitting the classifier on words`), done, total }),
  };
  if (!unlabeled) return fitWords(options);
  hooks.onEvent?.({ type: 'progress', ...activity(say`reading texts without labels`), done: 0 });
  const space = await latentSpace({ unlabeled, classes: labels.length, seed: given.seed, signal: hooks.signal });
  const { fitted, losses } = await fitWordsBeside({ ...options, space });
  const said = `cross-entropy of words on folds ${losses.plain.toFixed(3)}, with ${counted(space.texts.length, 'text')} without labels ${losses.latent.toFixed(3)}`;
  note(hooks, `${said}, so these are ${losses.latent < losses.plain ? 'used' : 'not used'}`);
  return fitted;
}

/** What is answered to the texts that are held out: a network's logits, with the words beside it. */
export function heldAnswers(
  { labels, held }: Labeled,
  logits: readonly ArrayLike<number>[],
  words: WordsBeside | undefined,
): HeldOutLabels {
  return { kind: 'one-label', labels, ...held, logits: words ? joinedLogits(words, held.texts, logits) : logits };
}

/** How answers do. */
export function measureHeld({ labels, classes, logits }: HeldOutLabels): LabelMeasure {
  const count = new LabelCount(classes, labels);
  for (const row of logits) count.add(row);
  return count.measure();
}

/** Two classifiers' answers as one. */
export interface Blend {
  /** Of the second one's log-probabilities. */
  readonly weight: number;
  /** Log-probabilities [n, labels]; NaN where either has none. */
  readonly held: Float32Array;
}

/**
 * log softmax(log p + w · log q), by the weight w that has the least cross-entropy on the texts that both answered.
 *
 * @param p logits or log-probabilities [n, labels] of a network @param q log-probabilities of the words
 */
export function blend(p: Float32Array, q: Float32Array, classes: Int32Array, labels: number): Blend {
  let best: (Blend & { loss: number }) | undefined;
  for (const weight of weights) {
    const held = new Float32Array(p.length);
    let [loss, count] = [0, 0];
    for (let i = 0, from = 0; i < classes.length; i++, from += labels) {
      const row = logSoftmax(
        Float64Array.from({ length: labels }, (_, c) => (p[from + c] as number) + weight * (q[from + c] as number)),
      );
      held.set(row, from);
      const own = row[classes[i] as number] as number;
      if (Number.isNaN(own)) continue;
      loss -= own;
      count++;
    }
    const mean = count > 0 ? loss / count : 0;
    if (!best || mean < best.loss) best = { weight, held, loss: mean };
  }
  if (!best) throw new Error('internal: no weight to try');
  return { weight: best.weight, held: best.held };
}
