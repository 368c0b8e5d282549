import { argmax } from '../../evaluation/classification.ts';
import type { ParameterValues } from '../../nn/parameters.ts';
import { fittedHead } from '../finetuneFrozen.ts';
import type { FrozenEncoder } from '../frozenVectors.ts';
import type { JobHooks } from '../types.ts';
import type { Answers } from './answers.ts';
import type { WholeTexts } from './texts.ts';

/** Texts that are enough to start from: vectors of more would take memory that training itself does not. */
const mostTexts = 20_000;

/**
 * What a student trains from whose classifier knows nothing: the one that fits its vectors, as they are, to the labels
 * that the teacher gives the texts.
 *
 * @returns the student's values, with those of the classifier among them
 */
export async function startingClassifier(
  encoder: FrozenEncoder,
  about: {
    readonly texts: WholeTexts;
    readonly answers: Answers;
    readonly labels: number;
    readonly seed: number;
  },
  hooks: JobHooks,
): Promise<ParameterValues> {
  const { labels, seed } = about;
  const { texts, classes } = await someAnswers(about);
  // A teacher who gives all of them one label says nothing that could be fitted.
  if (new Set(classes).size < 2) return encoder.values;
  const classWeights = new Array<number>(labels).fill(1);
  const head = await fittedHead(encoder, { texts, classes, labels, classWeights, seed }, hooks);
  return new Map([...encoder.values, ...head]);
}

/** Texts from all over the corpus, those held out left out, with the teacher's labels. */
async function someAnswers({ texts, answers }: { readonly texts: WholeTexts; readonly answers: Answers }) {
  const left = new Set(texts.excluded);
  const share = Math.min(1, mostTexts / Math.max(1, texts.counts.texts - left.size));
  const chosen: string[] = [];
  const classes: number[] = [];
  let [number, taken] = [0, 0];
  for await (const batch of texts.batches(4096)) {
    for (const text of batch) {
      const own = number++;
      if (left.has(own)) continue;
      // So many of those so far as is their share: evenly, and the same every time.
      if (Math.floor(++taken * share) === Math.floor((taken - 1) * share)) continue;
      chosen.push(text);
      classes.push(argmax(answers.read(own)));
    }
  }
  return { texts: chosen, classes: Int32Array.from(classes) };
}
