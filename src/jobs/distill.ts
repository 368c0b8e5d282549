import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { UsageError } from '../core/errors.ts';
import { say, setting } from '../core/message.ts';
import { saveText } from '../hub/textFolder.ts';
import { readsVectors } from '../models/text/sentence/sentence.ts';
import { identityOf } from '../settings/identity.ts';
import type { Resolved } from '../settings/options.ts';
import { resolve } from '../settings/resolve.ts';
import { CorpusTask } from '../tasks/text/corpusTask.ts';
import { frozenValues } from '../tasks/text/frozen.ts';
import { likeProbabilities } from '../tasks/text/objectives/likeProbabilities.ts';
import { likeTeacher } from '../tasks/text/objectives/likeTeacher.ts';
import { likeVectors } from '../tasks/text/objectives/likeVectors.ts';
import { maskedTokens } from '../tasks/text/objectives/maskedTokens.ts';
import { maskingVocabulary } from '../text/masking.ts';
import type { Metrics } from '../train/task.ts';
import type { TrainingOutcome } from '../train/trainer.ts';
import { modelFacts } from './baseFacts.ts';
import { agreement } from './distilling/agreement.ts';
import { startingClassifier } from './distilling/start.ts';
import { type Lesson, readLesson } from './distilling/lesson.ts';
import { readStudent, type Student, savedAs } from './distilling/student.ts';
import { openTeacher, type Teacher } from './distilling/teacher.ts';
import type { WholeTexts } from './distilling/texts.ts';
import type { FrozenEncoder } from './frozenVectors.ts';
import { note } from './note.ts';
import { runTraining } from './run.ts';
import { sequenceLength } from './textModel.ts';
import { frozenBy } from './training.ts';
import type { DistillOptions, DistillResult, JobHooks } from './types.ts';

/** Updates that a run makes at least, by default, as far as the most epochs give them. */
const leastSteps = 2000;
const mostDefaultEpochs = 30;

/** Of a classifier, the head for masked words is not kept. */
const usualMaskedWeight = { vectors: 0.05, labels: 0 } as const;

/**
 * Teaches a student what a larger model says of unlabeled texts: a sentence encoder's vectors, or a classifier's
 * probabilities (Hinton et al. 2015). The student, a Hugging Face folder of the same kind as its teacher, goes to
 * `output`.
 *
 * @throws UsageError for options, paths or columns to change; BertuneError for data or weights that cannot be used;
 * InterruptedError after saving, when the signal was aborted
 */
export async function distill(options: DistillOptions, hooks: JobHooks = {}): Promise<DistillResult> {
  const given = resolve('distill', options);
  const { teacher: name, model: base, tokenizer } = given;
  if (name === base) {
    throw new UsageError(
      say`${setting('teacher')} and ${setting('model')} are both ${name}: a student learns from another model`,
    );
  }
  return runTraining<DistillResult>(
    {
      ...{ job: 'distill', command: 'distill', options, settings: given },
      inputs: [name, base, tokenizer].filter((path) => path !== undefined),
      async read(reading) {
        const { engine } = reading;
        const teacher = reading.keep(await openTeacher(given, hooks));
        const maskedWeight = given.maskedWeight ?? usualMaskedWeight[teacher.match];
        const student = await readStudent({ ...given, maskedWeight }, teacher, hooks);
        const maxLength = sequenceLength(student, given.maxLength, student.name);
        const lesson = await readLesson({ given, options, teacher, student, maxLength, reading });
        const { texts, evaluation, prompt, promptTokens, answers, heldOutAnswers } = lesson;
        const model = student.model.withDropout(given.dropout);
        const measured = evaluation ?? texts;
        const width = rowWidth([texts, measured], maxLength, student);
        const settings = { ...given, maxLength, maskedWeight, match: teacher.match };
        const { maskProbability: probability, wholeWord, seed, temperature } = settings;
        const { vocabularySize, specialIds, frame } = student.tokenizer;
        const words = student.hasWords
          ? maskedTokens({
              vocabulary: maskingVocabulary(vocabularySize, student.tokenizer.idOfRole('mask'), specialIds),
              ...{ probability, wholeWord, seed },
            })
          : undefined;
        const isOfLabels = teacher.match === 'labels';
        const startValues = await startOf();
        const heldOut = { store: measured.store, sequences: measured.heldOut };
        const task = new CorpusTask({
          ...{ model, startValues, frozen: frozenBy(settings, model), frame, promptTokens, training: texts, heldOut },
          objective: likeTeacher({
            term: isOfLabels ? likeProbabilities(teacher.labels.length, temperature) : likeVectors(answers.size),
            answer: (number) => answers.read(number),
            heldOutAnswer: (number) => heldOutAnswers.read(number),
            words: words && { objective: words, weight: maskedWeight },
            alsoMeasured: isOfLabels ? undefined : (loss) => ({ cosine: 1 - loss }),
          }),
          ...{ rows: rowsOf(settings, width), width, engine, seed },
          ...{ accumulationSteps: settings.accumulationSteps, recompute: settings.recompute },
          evaluate: isOfLabels
            ? (values, signal) =>
                agreement({
                  engine,
                  model,
                  frame,
                  values,
                  heldOut,
                  answers: heldOutAnswers,
                  temperature,
                  signal,
                  promptTokens,
                })
            : undefined,
        });
        const startedAt = performance.now();
        return {
          ...{ task, settings },
          epochs: Math.min(mostDefaultEpochs, Math.max(2, Math.ceil(leastSteps / task.stepsInEpoch(0)))),
          identity: {
            ...identityOf('distill', settings),
            ...{ teacher: teacher.digest, texts: texts.digest, hasWords: student.hasWords },
          },
          onStartMeasured: (metrics) => {
            if (!metrics) note(hooks, 'nothing is held out: how near the student is to its teacher is not measured');
          },
          async finish(outcome, before) {
            const { raw, tokenizer, pooler } = student;
            const { model: saved, settings: sentence } = savedAs(student, teacher, lesson.isNormalized);
            const head = isOfLabels ? 'oneLabel' : student.hasWords ? 'maskedLm' : 'pooled';
            const values = new Map([...frozenValues(task.frozen), ...outcome.parameters]);
            await saveText(options.output, {
              ...{ model: saved, head, raw, values, pooler, maxLength, tokenizerFiles: tokenizer.files() },
              sentence: saved.sentence && { ...sentence, maxLength },
            });
            const trainingSeconds = (performance.now() - startedAt) / 1000;
            return {
              result: resultOf(outcome, before, { options, teacher, lesson, trainingSeconds }),
              data: { corpus: texts.counts, evaluation: evaluation?.counts },
              card: {
                about: {
                  ...modelFacts(saved, isOfLabels ? 'oneLabel' : 'pooled', { ...sentence, maxLength }),
                  ...{ before: before ?? undefined, after: outcome.metrics ?? undefined },
                },
                base: student.base,
              },
            };
          },
        };

        /** What training starts from: where a classifier on vectors is new, with one that is fitted to the teacher's labels. */
        async function startOf() {
          if (!isOfLabels || !student.isNewClassifier || !readsVectors(model)) return student.values;
          const encoder: FrozenEncoder = {
            ...{ engine, model, values: student.values, tokenizer: student.tokenizer, maxLength, prompt },
            // Kept vectors may differ in the last bit from those made together, and a run is to be repeated exactly.
            ...{ cache: false, lowerCase: student.sentence?.lowerCase },
          };
          return startingClassifier(encoder, { texts, answers, labels: teacher.labels.length, seed }, hooks);
        }
      },
    },
    hooks,
  );
}

/** Tokens of a row: the longest text, or a little more for packing when texts are short. */
function rowWidth(texts: readonly WholeTexts[], maxLength: number, { tokenizer }: Student): number {
  const longest = Math.max(...texts.map((one) => one.longest + tokenizer.frame.size));
  return Math.min(maxLength, Math.max(64, Math.ceil(longest / 8) * 8));
}

/** Rows of a micro-batch. @throws UsageError when a batch does not hold one */
function rowsOf({ batchTokens, accumulationSteps }: Resolved<'distill'>, width: number): number {
  const rows = Math.floor(batchTokens / accumulationSteps / width);
  if (rows >= 1) return rows;
  throw new UsageError(
    say`${setting('batchTokens')} ${batchTokens} holds no row of ${width} tokens in each of ${accumulationSteps} micro-batches; use at least ${width * accumulationSteps}`,
  );
}

function resultOf(
  { metrics, steps, units, unitsPerSecond }: TrainingOutcome,
  before: Metrics | null,
  about: {
    readonly options: DistillOptions;
    readonly teacher: Teacher;
    readonly lesson: Lesson;
    readonly trainingSeconds: number;
  },
): DistillResult {
  const { options, teacher, lesson, trainingSeconds } = about;
  const of = (name: string) => ({ before: before?.[name] ?? null, after: metrics?.[name] ?? null });
  const [loss, cosine, agrees] = [of('loss'), of('cosine'), of('agreement')];
  const both =
    teacher.match === 'labels'
      ? { agreementBefore: agrees.before, agreementAfter: agrees.after, labels: teacher.labels }
      : { cosineBefore: cosine.before, cosineAfter: cosine.after, energy: lesson.energy };
  return {
    ...{ match: teacher.match, lossBefore: loss.before, lossAfter: loss.after, ...both },
    ...{ texts: lesson.texts.counts.texts, answersFound: lesson.found },
    ...{ teacherSeconds: lesson.seconds, trainingSeconds },
    ...{ steps, tokens: units, tokensPerSecond: Math.round(unitsPerSecond), output: options.output },
  };
}
