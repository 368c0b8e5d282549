import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { counted } from '../../core/errors.ts';
import { type Message, say, setting } from '../../core/message.ts';
import type { Resolved } from '../../settings/options.ts';
import { noteRepeated } from '../corpusNotes.ts';
import { frozenVectors } from '../frozenVectors.ts';
import { activity, fetching, note } from '../note.ts';
import type { Reading } from '../run.ts';
import { TextCutter } from '../textCutter.ts';
import { promptOf } from '../textModel.ts';
import { stopBeforeTraining, throttled } from '../training.ts';
import type { DataOptions, DistillOptions } from '../types.ts';
import type { Answers } from './answers.ts';
import { turnedTo } from './rotation.ts';
import type { Student } from './student.ts';
import { answersOf, type Teacher } from './teacher.ts';
import { readWholeTexts, type WholeTexts, wholeTextNotes } from './texts.ts';

export interface LessonOptions {
  readonly given: Resolved<'distill'>;
  readonly options: DistillOptions;
  readonly teacher: Teacher;
  readonly student: Student;
  readonly maxLength: number;
  readonly reading: Reading;
}

/** The texts of a run, and what its teacher says of them. */
export interface Lesson {
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
export async function readLesson(asked: LessonOptions): Promise<Lesson> {
  const { given, options, teacher, student, maxLength, reading } = asked;
  const { hooks } = reading;
  const { tokenizer } = student;
  const folder = reading.work();
  const prompt = promptOf(student.sentence, {}, student.name);
  const read = async (key: 'corpus' | 'eval', data: DataOptions, heldOutFraction: number, limit?: number) => {
    const flag = setting(key);
    const onNote = (line: Message) => note(hooks, line);
    const report = throttled((done) => hooks.onEvent?.({ type: 'progress', ...activity(say`reading ${flag}`), done }));
    const texts = await readWholeTexts({
      ...{
        records: { ...data, flag, limit, onNote, onFetch: fetching(hooks) },
        tokenizer,
        maxLength,
        prompt,
        folder: join(folder, key),
      },
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
  if (own) noteRepeated(texts, own, hooks);
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
  await teacher.close();
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
  const turned = await turnedTo({
    ...{ answers: trained.answers, heldOut: held?.answers, size, folder, signal: hooks.signal },
    own: student.isNew ? undefined : (numbers) => vectorsOf(asked, texts, numbers, prompt),
  });
  for (const one of new Set([turned.answers, turned.heldOut])) {
    if (one !== trained.answers && one !== held?.answers) reading.keep(one);
  }
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

/** What a student makes of some texts, by their ascending numbers, before it learns. */
async function vectorsOf(
  { student, maxLength, reading }: LessonOptions,
  texts: WholeTexts,
  numbers: readonly number[],
  prompt: string,
): Promise<Float32Array[]> {
  const wanted = new Set(numbers);
  const chosen: string[] = [];
  let number = 0;
  for await (const batch of texts.batches(4096)) {
    for (const text of batch) if (wanted.has(number++)) chosen.push(text);
  }
  const { model, values, tokenizer, sentence } = student;
  const { data, size } = await frozenVectors(
    {
      ...{ engine: reading.engine, model, values, tokenizer, maxLength, prompt, lowerCase: sentence?.lowerCase },
      // Kept vectors may differ in the last bit from those made together, and a run is to be repeated exactly.
      cache: false,
    },
    chosen,
    reading.hooks,
  );
  return chosen.map((_, i) => data.subarray(i * size, (i + 1) * size));
}
