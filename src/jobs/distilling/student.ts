import { UsageError } from '../../core/errors.ts';
import { say, setting } from '../../core/message.ts';
import { plainSettings, type SentenceSettings } from '../../hub/sentenceFolder.ts';
import { inspectText } from '../../hub/textFolder.ts';
import type { HubConfig } from '../../models/text/config.ts';
import type { HeadName } from '../../models/text/heads/table.ts';
import { defaultLabels } from '../../models/text/hubLabels.ts';
import { partsOfAll, type TextModel } from '../../models/text/model.ts';
import { pooledBy } from '../../models/text/sentence/pooling.ts';
import { type SentenceHead, sentenceHead } from '../../models/text/sentence/sentence.ts';
import { initialValue, type ParameterValues } from '../../nn/parameters.ts';
import type { Resolved } from '../../settings/options.ts';
import type { TextTokenizer } from '../../text/textTokenizer.ts';
import { loadTokenizer } from '../../text/tokenizer.ts';
import { type BaseFacts, baseFacts } from '../baseFacts.ts';
import { type FoundModel, findModel, readFound } from '../findModel.ts';
import { readModelShape } from '../modelShape.ts';
import { note } from '../note.ts';
import { checkTokenizer, readModel } from '../textModel.ts';
import type { JobHooks } from '../types.ts';
import type { Teacher } from './teacher.ts';

/** The model that is to learn from a teacher. */
export interface Student {
  /** As messages name it. */
  readonly name: string;
  /** The folder that it starts from; absent of a shape alone. */
  readonly found?: FoundModel;
  readonly model: TextModel;
  readonly raw: HubConfig;
  readonly tokenizer: TextTokenizer;
  /** Of all that is trained. */
  readonly values: ParameterValues;
  /** The base's pooler, which is kept beside a model that has none. */
  readonly pooler?: ParameterValues;
  readonly sentence: SentenceSettings | null;
  /** Whether it knows nothing yet: of a shape alone. */
  readonly isNew: boolean;
  /** Whether its classifier knows nothing yet. */
  readonly isNewClassifier: boolean;
  /** Whether it guesses masked words, too. */
  readonly hasWords: boolean;
  readonly base?: BaseFacts;
}

type Given = Resolved<'distill'> & { readonly maskedWeight: number };

/**
 * The student as it is before it learns: a folder's model, or a new one of a shape, with what its teacher's answers need
 * behind it.
 *
 * @throws UsageError for a model that cannot learn from this teacher, or none
 */
export async function readStudent(given: Given, teacher: Teacher, hooks: JobHooks): Promise<Student> {
  if (given.model !== undefined) return readBase(given, given.model, teacher, hooks);
  const { modelConfig, tokenizer } = given;
  if (modelConfig === undefined || tokenizer === undefined) {
    throw new UsageError(
      say`distill needs the student: ${setting('model')}, or ${setting('modelConfig')} and ${setting('tokenizer')} for a new one`,
    );
  }
  return makeNew(given, modelConfig, tokenizer, teacher, hooks);
}

async function readBase(given: Given, name: string, teacher: Teacher, hooks: JobHooks): Promise<Student> {
  const { tokenizer, seed, offline, maskedWeight } = given;
  if (tokenizer !== undefined) {
    throw new UsageError(
      say`${setting('tokenizer')} is for a new student (${setting('modelConfig')}): ${setting('model')} has its own`,
    );
  }
  const found = await findModel(name, { offline }, hooks);
  const { model: stored, present } = await readFound(found, inspectText);
  const isClassifier = teacher.match === 'labels' && present.includes('classifier');
  if (isClassifier) checkLabels(stored.config.labels ?? defaultLabels(2), teacher, name);
  const hasWords = maskedWeight > 0 && present.includes('mlmHead');
  const own = stored.sentence !== null || isClassifier;
  const loaded = await readModel(
    found,
    {
      head: headsOf(teacher, hasWords),
      beside: ['pooler'],
      labels: teacher.match === 'labels' ? teacher.labels : undefined,
      reads: own ? undefined : pooledBy('mean'),
      isFitted: true,
      seed,
    },
    (line) => note(hooks, line),
  );
  const { raw, values, beside, atRandom, present: parts } = loaded;
  return {
    ...{
      name,
      found,
      raw,
      values,
      hasWords,
      tokenizer: loaded.tokenizer,
      model: loaded.model,
      sentence: loaded.sentence,
    },
    pooler: parts.includes('pooler') ? beside : undefined,
    isNew: false,
    isNewClassifier: atRandom.includes('classifier'),
    base: await baseFacts(found, hooks),
  };
}

async function makeNew(
  { maskedWeight, seed, offline }: Given,
  shape: string,
  folder: string,
  teacher: Teacher,
  hooks: JobHooks,
): Promise<Student> {
  const onNote = (line: string) => note(hooks, line);
  const read = (path: string, hears: (text: string) => void) => readModelShape(path, 'maskedLm', hears);
  const { model: bare, raw } = await readFound(await findModel(shape, { offline }, hooks), read, onNote);
  const open = async (path: string, hears: (text: string) => void) => loadTokenizer(path, { onNote: hears });
  const tokenizer = await readFound(await findModel(folder, { offline }, hooks), open, onNote);
  checkTokenizer(tokenizer, bare, shape);
  const sentenced = bare.withSentence(sentenceHead(pooledBy('mean')));
  const model = teacher.match === 'labels' ? sentenced.withLabels(teacher.labels) : sentenced;
  const hasWords = maskedWeight > 0;
  const specs = model.parameters(partsOfAll(model, headsOf(teacher, hasWords)));
  const { initializerRange } = model.config;
  return {
    ...{ name: shape, model, raw, tokenizer, hasWords, sentence: null, isNew: true, isNewClassifier: true },
    values: new Map(specs.map((spec) => [spec.name, initialValue(spec, initializerRange, seed)])),
  };
}

/** The heads that are trained, the teacher's own first. */
export function headsOf({ match }: Pick<Teacher, 'match'>, hasWords: boolean): [HeadName, ...HeadName[]] {
  return [match === 'labels' ? 'oneLabel' : 'pooled', ...(hasWords ? (['maskedLm'] as const) : [])];
}

/** What the saved folder says of the student's vectors: lengths as the teacher's, and how they are compared. */
export function savedAs(
  { model, sentence }: Student,
  { match }: Teacher,
  isNormalized: boolean,
): { readonly model: TextModel; readonly settings: SentenceSettings } {
  const settings = sentence ?? plainSettings;
  const head = model.sentence;
  if (match === 'labels' || head === null) return { model, settings };
  const cosines = { ...settings, similarity: settings.similarity ?? 'cosine' };
  return { model: isNormalized ? model.withSentence(normalizing(head)) : model, settings: cosines };
}

/** The same with vectors of length 1. */
function normalizing(head: SentenceHead): SentenceHead {
  const { modules, classifier } = head;
  if (modules.at(-1)?.type === 'Normalize') return head;
  const number = modules.length + 2;
  return {
    ...head,
    modules: [...modules, { type: 'Normalize', path: `${number}_Normalize` }],
    classifier: classifier === null ? null : `${number + 1}_Dense`,
  };
}

/** @throws UsageError for a classifier of other labels */
function checkLabels(own: readonly string[], teacher: Teacher, name: string): void {
  const { labels } = teacher;
  if (own.length === labels.length && own.every((label, i) => label === labels[i])) return;
  const other = own.find((label, i) => label !== labels[i]) ?? own.at(-1);
  throw new UsageError(
    say`${setting('model')} ${name} is a classifier of other labels than its teacher ${teacher.name} (such as ${other}): give a student without a classifier, or one of the same labels in the same order`,
  );
}
