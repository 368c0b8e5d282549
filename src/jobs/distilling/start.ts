import { counted } from '../../core/errors.ts';
import type { Engine } from '../../engine/engine.ts';
import { argmax } from '../../evaluation/classification.ts';
import type { TextModel } from '../../models/text/model.ts';
import { readsVectors } from '../../models/text/sentence/sentence.ts';
import type { ParameterValues } from '../../nn/parameters.ts';
import { fitLinearHead } from '../../tasks/linearHead.ts';
import { frozenVectors } from '../frozenVectors.ts';
import { note } from '../note.ts';
import type { JobHooks } from '../types.ts';
import type { Lesson } from './lesson.ts';
import type { Student } from './student.ts';
import type { Teacher } from './teacher.ts';

/** Texts that are enough to start from: vectors of more would take memory that training itself does not. */
const mostTexts = 20_000;

export interface StartOptions {
  readonly teacher: Teacher;
  readonly student: Student;
  readonly lesson: Lesson;
  readonly model: TextModel;
  readonly engine: Engine;
  readonly maxLength: number;
}

/**
 * What training starts from. A classifier on vectors that is new is fitted to the labels that the teacher gives the texts,
 * so that what the encoder knows is not undone by a head that knows nothing (Kumar et al. 2022).
 *
 * @throws InterruptedError when the signal was aborted
 */
export async function startingValues(options: StartOptions, hooks: JobHooks): Promise<ParameterValues> {
  const { teacher, student, lesson, model, engine, maxLength } = options;
  const { values, tokenizer, sentence } = student;
  if (teacher.match !== 'labels' || !student.isNewClassifier || !readsVectors(model)) return values;
  const { texts, classes } = await someAnswers(lesson);
  // A teacher who gives all of them one label says nothing that could be fitted.
  if (new Set(classes).size < 2) return values;
  const features = await frozenVectors(
    {
      ...{ engine, model, values, tokenizer, maxLength, prompt: lesson.prompt, lowerCase: sentence?.lowerCase },
      // Kept vectors may differ in the last bit from those made together, and a run is to be repeated exactly.
      cache: false,
    },
    texts,
    hooks,
  );
  note(
    hooks,
    `training starts from a classifier that is fitted to the teacher's labels of ${counted(texts.length, 'text')}`,
  );
  const { weight, bias } = await fitLinearHead({
    ...{ engine, features, labels: classes, classes: teacher.labels.length, signal: hooks.signal },
    // Of one fold: its penalty is the usual one, which is good enough to start from.
    folds: new Int32Array(classes.length),
  });
  return new Map([
    ...values,
    ['classifier.weight', Float32Array.from(weight)],
    ['classifier.bias', Float32Array.from(bias)],
  ]);
}

/** Texts from all over the corpus, those held out left out, with the teacher's labels. */
async function someAnswers({ texts, answers }: Lesson) {
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
