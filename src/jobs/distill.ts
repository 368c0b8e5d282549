import { performance } from 'node:perf_hooks';
import { UsageError } from '../core/errors.ts';
import { say, setting } from '../core/message.ts';
import { saveText } from '../hub/textFolder.ts';
import { identityOf } from '../settings/identity.ts';
import { resolve } from '../settings/resolve.ts';
import { frozenValues } from '../tasks/text/frozen.ts';
import type { Metrics } from '../train/task.ts';
import type { TrainingOutcome } from '../train/trainer.ts';
import { modelFacts } from './baseFacts.ts';
import { learnedByStudent } from './distilling/learned.ts';
import { type Lesson, readLesson } from './distilling/lesson.ts';
import { startingValues } from './distilling/start.ts';
import { readStudent, savedAs } from './distilling/student.ts';
import { distillTask } from './distilling/task.ts';
import { openTeacher, type Teacher } from './distilling/teacher.ts';
import { note } from './note.ts';
import { isSentAway, sentAway } from './remoteOutput.ts';
import { runTraining } from './run.ts';
import { sequenceLength } from './textModel.ts';
import { saveTrust } from './trust/trust.ts';
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
  if (isSentAway(options)) return sentAway(options, hooks, (local) => distill(local, hooks));
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
        const { texts, evaluation } = lesson;
        const model = student.model.withDropout(given.dropout);
        const settings = { ...given, maxLength, maskedWeight, match: teacher.match };
        const startValues = await startingValues({ teacher, student, lesson, model, engine, maxLength }, hooks);
        const task = distillTask({ settings, teacher, student, lesson, model, startValues, engine });
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
            const isOfLabels = teacher.match === 'labels';
            const head = isOfLabels ? 'oneLabel' : student.hasWords ? 'maskedLm' : 'pooled';
            const values = new Map([...frozenValues(task.frozen), ...outcome.parameters]);
            await saveText(options.output, {
              ...{ model: saved, head, raw, values, pooler, maxLength, tokenizerFiles: tokenizer.files() },
              sentence: saved.sentence && { ...sentence, maxLength },
            });
            await saveTrust(
              options.output,
              undefined,
              isOfLabels ? await learnedByStudent({ texts, teacher, student }) : undefined,
            );
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
      },
    },
    hooks,
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
