import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { counted, UsageError } from '../core/errors.ts';
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
import type { Answers } from './distilling/answers.ts';
import { turnedTo } from './distilling/rotation.ts';
import { startingClassifier } from './distilling/start.ts';
import { readStudent, type Student, savedAs } from './distilling/student.ts';
import { answersOf, openTeacher, type Teacher } from './distilling/teacher.ts';
import { readWholeTexts, type WholeTexts, wholeTextNotes } from './distilling/texts.ts';
import type { FrozenEncoder } from './frozenVectors.ts';
import { activity, note } from './note.ts';
import { type Reading, runTraining } from './run.ts';
import { TextCutter } from './textCutter.ts';
import { promptOf, sequenceLength } from './textModel.ts';
import { frozenBy, stopBeforeTraining, throttled } from './training.ts';
import type { DataOptions, DistillOptions, DistillResult, JobHooks } from './types.ts';

/** Updates that a run makes at least, by default, as far as the most epochs give them. */
const leastSteps = 2000;
const mostDefaultEpochs = 30;

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
      inputs: [name, ...((base ?? tokenizer) ? [(base ?? tokenizer) as string] : [])],
      async read(reading) {
        const { engine } = reading;
        const teacher = reading.keep(await openTeacher(given, hooks));
        const student = await readStudent(given, teacher, hooks);
        const maxLength = sequenceLength(student, given.maxLength, student.name);
        const lesson = await readLesson({ given, options, teacher, student, maxLength, reading });
        const { texts, evaluation, prompt, promptTokens, answers, heldOutAnswers } = lesson;
        const model = student.model.withDropout(given.dropout);
        const measured = evaluation ?? texts;
        const width = rowWidth([texts, measured], maxLength, student);
        const settings = { ...given, maxLength };
        const { maskProbability: probability, maskedWeight: weight, wholeWord, seed, temperature } = settings;
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
            words: words && { objective: words, weight },
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
          configuration: { match: teacher.match },
          identity: {
            ...identityOf('distill', { ...settings, match: teacher.match }),
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
            const seconds = { teacher: lesson.seconds, training: (performance.now() - startedAt) / 1000 };
            return {
              result: resultOf(outcome, before, { options, teacher, lesson, seconds }),
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

interface LessonOptions {
  readonly given: Resolved<'distill'>;
  readonly options: DistillOptions;
  readonly teacher: Teacher;
  readonly student: Student;
  readonly maxLength: number;
  readonly reading: Reading;
}

/** The texts of a run, and what its teacher says of them. */
interface Lesson {
  readonly texts: WholeTexts;
  /** Texts of their own to measure on. */
  readonly evaluation: WholeTexts | undefined;
  readonly answers: Answers;
  readonly heldOutAnswers: Answers;
  /** Texts whose answers an earlier run had left. */
  readonly found: number;
  /** Share of the squared length of the teacher's vectors that a student of their width or less can learn. */
  readonly energy: number;
  /** Whether all of the teacher's vectors are of length 1. */
  readonly isNormalized: boolean;
  /** What every text begins with for the student, and its tokens, special ones before them included. */
  readonly prompt: string;
  readonly promptTokens: number;
  /** What asking the teacher took. */
  readonly seconds: number;
}

/** Reads the texts and asks the teacher about them, who then is no longer needed. */
async function readLesson(asked: LessonOptions): Promise<Lesson> {
  const { given, options, teacher, student, maxLength, reading } = asked;
  const { hooks } = reading;
  const { tokenizer } = student;
  const folder = reading.work();
  const prompt = promptOf(student.sentence, {}, student.name);
  const read = async (key: 'corpus' | 'eval', data: DataOptions, heldOutFraction: number, limit?: number) => {
    const flag = setting(key);
    const report = throttled((done) => hooks.onEvent?.({ type: 'progress', ...activity(say`reading ${flag}`), done }));
    const texts = await readWholeTexts({
      ...{ records: { ...data, flag, limit }, tokenizer, maxLength, prompt, folder: join(folder, key) },
      ...{ heldOutFraction, heldOutLimit: given.evalLimit, seed: given.seed },
      onProgress(done) {
        stopBeforeTraining(hooks);
        report(done);
      },
    });
    for (const line of wholeTextNotes(texts.counts, flag, maxLength)) note(hooks, line);
    return reading.keep(texts);
  };
  const own = options.eval && (await read('eval', options.eval, 0, options.evalLimit));
  const texts = await read('corpus', options.corpus, options.eval ? 0 : given.evalFraction);
  const evaluation = own && { ...own, heldOut: Array.from({ length: own.store.length }, (_, i) => i) };
  const startedAt = performance.now();
  const keeping = { cache: given.cache, hooks };
  const asking = async (about: WholeTexts, name: string) => {
    const found = await answersOf(teacher, about, { ...keeping, folder: join(folder, name) });
    reading.keep(found.answers);
    return found;
  };
  const [trained, held] = [await asking(texts, 'answers'), evaluation && (await asking(evaluation, 'evalAnswers'))];
  const seconds = (performance.now() - startedAt) / 1000;
  const found = trained.found + (held?.found ?? 0);
  if (found > 0) note(hooks, `the teacher's answers to ${counted(found, 'text')} as given before`);
  const { promptTokens } = new TextCutter(tokenizer, maxLength, prompt);
  const about = { texts, evaluation, found, prompt, promptTokens, seconds };
  if (teacher.match === 'labels') {
    return {
      ...about,
      answers: trained.answers,
      heldOutAnswers: (held ?? trained).answers,
      energy: 1,
      isNormalized: false,
    };
  }
  const size = student.model.outputSize('pooled');
  const turned = await turnedTo(trained.answers, held?.answers, size, folder, hooks.signal);
  if (teacher.size !== size) for (const one of new Set([turned.answers, turned.heldOut])) reading.keep(one);
  if (turned.energy < 1) {
    note(
      hooks,
      `the teacher's vectors of ${teacher.size} numbers are turned into the student's ${size}: ${(100 * turned.energy).toFixed(1)} % of their squared length is kept`,
    );
  }
  return {
    ...about,
    answers: turned.answers,
    heldOutAnswers: turned.heldOut,
    energy: turned.energy,
    isNormalized: turned.isNormalized,
  };
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
    readonly seconds: DistillResult['seconds'];
  },
): DistillResult {
  const { options, teacher, lesson, seconds } = about;
  const of = (name: string) => ({ before: before?.[name] ?? null, after: metrics?.[name] ?? null });
  const [loss, cosine, agrees] = [of('loss'), of('cosine'), of('agreement')];
  const both =
    teacher.match === 'labels'
      ? { agreementBefore: agrees.before, agreementAfter: agrees.after, labels: teacher.labels }
      : { cosineBefore: cosine.before, cosineAfter: cosine.after, energy: lesson.energy };
  return {
    ...{ match: teacher.match, lossBefore: loss.before, lossAfter: loss.after, ...both },
    ...{ texts: lesson.texts.counts.texts, answersFound: lesson.found, seconds },
    ...{ steps, tokens: units, tokensPerSecond: Math.round(unitsPerSecond), output: options.output },
  };
}
