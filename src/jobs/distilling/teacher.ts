import { mkdirSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { cacheFolder } from '../../core/cachePath.ts';
import { alone, ofEach, rowsOfAll } from '../../core/collective.ts';
import { BertuneError, messageOf, UsageError } from '../../core/errors.ts';
import { say, setting } from '../../core/message.ts';
import { CacheFolder, sha256 } from '../../data/cacheFolder.ts';
import { versions } from '../../data/tokenCache.ts';
import { heads } from '../../models/text/heads/table.ts';
import type { Resolved } from '../../settings/options.ts';
import { type FoundModel, findModel } from '../findModel.ts';
import { openModel } from '../model.ts';
import { digestOfFolder } from '../modelDigest.ts';
import { activity, note } from '../note.ts';
import type { OpenModel } from '../openModel.ts';
import type { JobHooks } from '../types.ts';
import { Answers, AnswersWriter } from './answers.ts';
import type { WholeTexts } from './texts.ts';

/** What a student learns of a teacher. */
export type Match = NonNullable<Resolved<'distill'>['match']>;

/** A model that is asked about texts: any that embeds or classifies. */
export interface Teacher {
  /** As messages name it. */
  readonly name: string;
  readonly found: FoundModel;
  readonly match: Match;
  /** Class names; empty where vectors are learned. */
  readonly labels: readonly string[];
  /** Numbers of an answer. */
  readonly size: number;
  /** Digest of everything that decides what its answers are. */
  readonly digest: string;
  /** Vectors, or logarithms of the labels' probabilities [size] of each text. */
  answer(texts: readonly string[]): Promise<Float32Array[]>;
  /** Frees its memory; it answers no more. */
  close(): Promise<void>;
}

/**
 * Opens the model that a student is to learn from.
 *
 * @throws UsageError when it is not there or has no classifier, where labels are to be learned
 */
export async function openTeacher(
  { teacher: name, match: asked, threads, device, offline }: Resolved<'distill'>,
  hooks: JobHooks,
): Promise<Teacher> {
  const found = await findModel(name, { offline }, hooks);
  const { onEvent, signal, collective } = hooks;
  const onNote = (text: string) => note(hooks, `the teacher: ${text}`);
  const hears: typeof onEvent = (event) => (event.type === 'note' ? onNote(event.text) : onEvent?.(event));
  const using = { threads, device, offline, signal, onNote, onEvent: hears };
  let model: OpenModel | undefined = await openModel(found, using, collective);
  if (model.pairs && asked !== 'vectors') {
    throw new UsageError(
      say`${setting('teacher')} ${name} labels pairs of texts, and ${setting('corpus')} holds single ones; choose another teacher`,
    );
  }
  const match = asked ?? (model.kind ? 'labels' : 'vectors');
  const labels = match === 'labels' ? labelsOf(model, name) : [];
  if (match === 'vectors' && model.dimensions.kept === 0) {
    throw new UsageError(
      say`${setting('teacher')} ${name} has no encoder, which ${setting('match')} vectors needs; it can teach ${setting('match')} labels`,
    );
  }
  const answered = { match, labels, dimensions: model.dimensions.kept };
  const digest = sha256(JSON.stringify([answered, await digestOfFolder(found.folder)]));
  return {
    ...{ name, found, match, labels, digest },
    size: match === 'labels' ? labels.length : model.dimensions.kept,
    async answer(texts) {
      if (!model) throw new Error(`internal: ${name} is closed`);
      return match === 'labels' ? logProbabilities(model, labels, texts) : model.embed(texts);
    },
    async close() {
      const closing = model;
      // Nothing is to hold its weights while a student trains.
      model = undefined;
      await closing?.dispose();
    },
  };
}

function labelsOf({ labels, kind }: OpenModel, name: string): readonly string[] {
  if (labels && kind === 'oneLabel') return labels;
  throw new UsageError(
    say`${setting('teacher')} ${name} has no ${heads.oneLabel.title}, which ${setting('match')} labels needs; it can teach ${setting('match')} vectors`,
  );
}

/** Least logarithm of a probability: a softmax tells smaller ones from 0 no more. */
const leastLog = -80;

async function logProbabilities(
  model: OpenModel,
  labels: readonly string[],
  texts: readonly string[],
): Promise<Float32Array[]> {
  const places = new Map(labels.map((label, i) => [label, i]));
  return (await model.scores(texts)).map((scores) => {
    const row = new Float32Array(labels.length);
    for (const { label, score } of scores) row[places.get(label) ?? 0] = Math.max(leastLog, Math.log(score));
    return row;
  });
}

/** Most bytes of all answers together that are kept. */
const mostBytes = 20e9;
/** Changes with what is in the files of answers. */
const format = 1;
/** Answers of one file: an interrupted run begins at most these anew. */
const rowsOfFile = 1 << 16;
/** Texts that the teacher is asked about together. */
const chunk = 2048;
const answerFile = 'answers.f16';

export interface AnswersOptions {
  /** Folder that keeps answers for later runs; false: none. */
  readonly cache: string | false | undefined;
  /** Where they go when they are not kept. */
  readonly folder: string;
  readonly hooks: JobHooks;
}

/**
 * The teacher's answers to texts: those that an earlier run left on disk, and the others made now and left there.
 *
 * @returns also how many texts an earlier run had the answers of
 * @throws BertuneError for answers that hold no numbers; InterruptedError when the signal was aborted
 */
export async function answersOf(
  teacher: Teacher,
  texts: WholeTexts,
  { cache, folder, hooks }: AnswersOptions,
): Promise<{ answers: Answers; found: number }> {
  const { collective = alone } = hooks;
  const place = cacheFolder(cache);
  const entries = place === undefined ? undefined : new CacheFolder(join(place, 'answers'), mostBytes, format);
  const total = texts.counts.texts;
  const paths: string[] = [];
  let [done, found] = [0, 0];
  const report = (answered: number) =>
    hooks.onEvent?.({ type: 'progress', ...activity(say`asking the teacher`), done: answered, total });
  for await (const part of texts.batches(rowsOfFile)) {
    const key = sha256(JSON.stringify([format, versions(), teacher.digest, part]));
    const there = await entries?.find(key);
    // What one of several processes has not got, all of them make.
    const kept = (await ofEach(collective, there !== undefined)).every(Boolean) ? there : undefined;
    if (kept) found += part.length;
    paths.push(join(kept?.folder ?? (await made(part, key)), answerFile));
    done += part.length;
  }
  report(total);
  return { answers: new Answers(paths, rowsOfFile, total, teacher.size), found };

  /** The folder of answers that were made now: an entry where it can be kept. */
  async function made(part: readonly string[], key: string): Promise<string> {
    const own = join(folder, String(paths.length));
    const target = (await entries?.begin(key).catch(unkept)) ?? own;
    mkdirSync(target, { recursive: true });
    try {
      const writer = new AnswersWriter(join(target, answerFile));
      try {
        const atOnce = chunk * collective.size;
        for (let from = 0; from < part.length; from += atOnce) {
          report(done + from);
          const asked = part.slice(from, from + atOnce);
          const answers = await rowsOfAll(collective, asked, chunk, (some) => teacher.answer(some));
          writer.add(checked(answers, teacher));
        }
      } finally {
        writer.close();
      }
      if (!entries || target === own) return own;
      return (await entries.finish(key, target, { rows: part.length })).folder;
    } catch (error) {
      if (target !== own) await rm(target, { recursive: true, force: true });
      throw error;
    }
  }

  function unkept(error: unknown): undefined {
    note(
      hooks,
      say`the teacher's answers are not kept for later runs (${messageOf(error)}); ${setting('cache')} chooses where they are`,
    );
  }
}

function checked(answers: Float32Array[], { name }: Teacher): Float32Array[] {
  if (answers.every((row) => row.every(Number.isFinite))) return answers;
  throw new BertuneError(`${name} gives answers that hold no numbers: its weights are damaged`);
}
