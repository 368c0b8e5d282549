import { UsageError } from '../../core/errors.ts';
import { say, setting } from '../../core/message.ts';
import type { Engine } from '../../engine/engine.ts';
import type { TextModel } from '../../models/text/model.ts';
import type { ParameterValues } from '../../nn/parameters.ts';
import type { Resolved } from '../../settings/options.ts';
import { CorpusTask } from '../../tasks/text/corpusTask.ts';
import type { Objective } from '../../tasks/text/objective.ts';
import { likeProbabilities } from '../../tasks/text/objectives/likeProbabilities.ts';
import { likeTeacher } from '../../tasks/text/objectives/likeTeacher.ts';
import { likeVectors } from '../../tasks/text/objectives/likeVectors.ts';
import { type MaskableText, maskedTokens } from '../../tasks/text/objectives/maskedTokens.ts';
import { maskingVocabulary } from '../../text/masking.ts';
import type { TrainingTask } from '../../train/task.ts';
import { frozenBy } from '../training.ts';
import { agreement } from './agreement.ts';
import type { Lesson } from './lesson.ts';
import type { Student } from './student.ts';
import type { Teacher } from './teacher.ts';

/** The settings of a run, with what goes by teacher and student filled in. */
export type Settled = Resolved<'distill'> & { readonly maxLength: number; readonly maskedWeight: number };

export interface DistillTaskOptions {
  readonly settings: Settled;
  readonly teacher: Teacher;
  readonly student: Student;
  readonly lesson: Lesson;
  /** The student's, with the dropout of the run. */
  readonly model: TextModel;
  readonly startValues: ParameterValues;
  readonly engine: Engine;
}

/** A student that learns its lesson. @throws UsageError for batches that are too small */
export function distillTask(options: DistillTaskOptions): CorpusTask {
  const { settings, teacher, student, lesson, model, startValues, engine } = options;
  const { texts, promptTokens, heldOutAnswers: answers } = lesson;
  const { seed, accumulationSteps, recompute, temperature } = settings;
  const { frame } = student.tokenizer;
  const measured = lesson.evaluation ?? texts;
  const heldOut = { store: measured.store, sequences: measured.heldOut };
  const width = rowWidth(Math.max(texts.longest, measured.longest) + frame.size, settings.maxLength);
  const reading = { engine, model, frame, promptTokens, heldOut };
  const evaluate: TrainingTask['evaluate'] = (values, signal, collective) =>
    agreement({ ...reading, values, answers, temperature, signal, collective });
  return new CorpusTask({
    ...{ ...reading, startValues, frozen: frozenBy(settings, model), training: texts },
    ...{ objective: objectiveOf(options), rows: rowsOf(settings, width), width, seed, accumulationSteps, recompute },
    evaluate: teacher.match === 'labels' ? evaluate : undefined,
  });
}

function objectiveOf({ settings, teacher, student, lesson }: DistillTaskOptions): Objective<MaskableText> {
  const { answers, heldOutAnswers } = lesson;
  const isOfLabels = teacher.match === 'labels';
  return likeTeacher({
    term: isOfLabels ? likeProbabilities(teacher.labels.length, settings.temperature) : likeVectors(answers.size),
    answer: (number) => answers.read(number),
    heldOutAnswer: (number) => heldOutAnswers.read(number),
    words: student.hasWords ? { objective: wordsOf(settings, student), weight: settings.maskedWeight } : undefined,
    alsoMeasured: isOfLabels ? undefined : (loss) => ({ cosine: 1 - loss }),
  });
}

function wordsOf({ maskProbability: probability, wholeWord, seed }: Settled, { tokenizer }: Student) {
  const { vocabularySize, specialIds } = tokenizer;
  const vocabulary = maskingVocabulary(vocabularySize, tokenizer.idOfRole('mask'), specialIds);
  return maskedTokens({ vocabulary, probability, wholeWord, seed });
}

/** Tokens of a row: the longest text, or a little more for packing when texts are short. */
function rowWidth(longest: number, maxLength: number): number {
  return Math.min(maxLength, Math.max(64, Math.ceil(longest / 8) * 8));
}

/** Rows of a micro-batch. @throws UsageError when a batch does not hold one */
function rowsOf({ batchTokens, accumulationSteps }: Settled, width: number): number {
  const rows = Math.floor(batchTokens / accumulationSteps / width);
  if (rows >= 1) return rows;
  throw new UsageError(
    say`${setting('batchTokens')} ${batchTokens} holds no row of ${width} tokens in each of ${accumulationSteps} micro-batches; use at least ${width * accumulationSteps}`,
  );
}
