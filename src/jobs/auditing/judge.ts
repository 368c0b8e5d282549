import { say } from '../../core/message.ts';
import { type WrongLabels, wrongLabels } from '../../evaluation/wrongLabels.ts';
import type { Examples, Learner } from '../../tasks/learner.ts';
import { foldsInOrder, foldsOfExamples, outOfFold } from '../../tasks/outOfFold.ts';
import { activity } from '../note.ts';
import type { JobHooks } from '../types.ts';

/** What a learner says of the labels of examples. */
export interface Judged {
  /** ln p [n, classes] of what each text was held out of. */
  readonly logProbabilities: Float32Array;
  readonly found: WrongLabels;
  readonly accuracy: number;
  readonly unjudged: number;
  /** Numbers of the texts that `found` numbers anew. */
  readonly places: readonly number[];
}

/**
 * Twice: labels that the first time speaks against are left out of the second, so that they do not teach what they are to
 * be judged by; where wrong ones lie in runs, what lies together is judged together then. Every text is judged, by fits that
 * have not seen it.
 */
export async function judge(
  learner: Learner,
  examples: Examples,
  seed: number,
  groups?: readonly string[],
  hooks: JobHooks = {},
): Promise<Judged> {
  const { labels, classes } = examples;
  const folds = foldsOfExamples(examples, learner.texts, seed, groups);
  const report = (round: number) => (done: number, total: number) =>
    hooks.onEvent?.({
      ...{ type: 'progress', ...activity(say`judging the labels`), done: round * total + done, total: 2 * total },
    });
  report(0)(0, 1);
  const c = await learner.chooseC(examples, seed);
  const fit = { learner, examples, folds, c };
  const first = looked(await outOfFold({ ...fit, onProgress: report(0) }));
  const without = new Set(first.found.flagged.map((i) => first.places[i] as number));
  const inOrder = first.found.runLength !== undefined && !groups;
  const again = inOrder ? foldsInOrder(examples, learner.texts) : folds;
  return looked(await outOfFold({ ...fit, folds: again, without, onProgress: report(1) }));

  function looked({ logProbabilities }: { readonly logProbabilities: Float32Array }): Judged {
    const places = Array.from({ length: labels.length }, (_, i) => i).filter(
      (i) => !Number.isNaN(logProbabilities[i * classes]),
    );
    const data = new Float64Array(places.length * classes);
    for (const [at, i] of places.entries()) {
      for (let k = 0; k < classes; k++) data[at * classes + k] = Math.exp(logProbabilities[i * classes + k] as number);
    }
    const own = places.map((i) => labels[i] as number);
    const found = wrongLabels({ data, classes }, own, seed);
    const right = own.filter((label, at) => found.likely[at] === label).length;
    const unjudged = labels.length - places.length;
    return { logProbabilities, found, accuracy: right / Math.max(1, places.length), unjudged, places };
  }
}
