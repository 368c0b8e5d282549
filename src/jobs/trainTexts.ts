import { createHash } from 'node:crypto';
import { BertuneError, counted, UsageError } from '../core/errors.ts';
import { saveText } from '../hub/textFolder.ts';
import type { TextConfig } from '../models/text/config.ts';
import { type HeadName, heads } from '../models/text/heads/table.ts';
import { initialValue, type ParameterSpec } from '../nn/parameters.ts';
import { identityOf } from '../settings/identity.ts';
import type { OptionsOf } from '../settings/options.ts';
import { resolve } from '../settings/resolve.ts';
import { checkedObjective } from '../tasks/text/checkedObjective.ts';
import { ExamplesTask } from '../tasks/text/examplesTask.ts';
import { frozenValues } from '../tasks/text/frozen.ts';
import { objectiveParameters } from '../tasks/text/graph.ts';
import type { Objective } from '../tasks/text/objective.ts';
import { type MaskingVocabulary, maskingVocabulary } from '../text/masking.ts';
import type { TextTokenizer } from '../text/textTokenizer.ts';
import { unitStarts } from '../text/words.ts';
import { baseFacts } from './baseFacts.ts';
import { findModel } from './findModel.ts';
import { note } from './note.ts';
import { runTraining } from './run.ts';
import { readModel, sequenceLength } from './textModel.ts';
import { frozenBy } from './training.ts';
import type { JobHooks } from './types.ts';

/** Options of `trainTexts`. */
export interface TrainTextsOptions extends OptionsOf<'trainTexts'> {}

/** What is learned, and from which texts. An example is a text and whatever else its objective knows of it. */
export interface TextLesson<Example extends { readonly text: string }> {
  readonly examples: readonly Example[];
  /** Examples whose loss is measured, before training and as `evalSteps` says. */
  readonly heldOut?: readonly Example[];
  /** The heads that are trained; the model is saved as one with the first of them. */
  readonly heads: readonly [HeadName, ...HeadName[]];
  /** Class names, for heads that have classes. */
  readonly labels?: readonly string[];
  /** Makes the objective once the model is known. */
  objective(about: LessonModel): Objective<Example & TokenizedText>;
}

/** An example's text as tokens, without the special ones around them. */
export interface TokenizedText {
  readonly ids: Int32Array;
  /** 1 where a token starts a word [ids.length]. */
  readonly starts: Uint8Array;
}

/** What an objective may go by. */
export interface LessonModel {
  readonly config: TextConfig;
  /** For masking. */
  readonly vocabulary: MaskingVocabulary;
  readonly seed: number;
}

export interface TrainTextsResult {
  /** Mean loss of what is held out; null where nothing is. */
  readonly lossBefore: number | null;
  readonly lossAfter: number | null;
  readonly steps: number;
  /** Non-padding tokens trained on. */
  readonly tokens: number;
  readonly tokensPerSecond: number;
  readonly output: string;
}

/**
 * Trains a model of text on an objective of the caller's own and writes it, a Hugging Face folder, to `output`: with
 * the checkpoints, the resuming and the checks of every other training job.
 *
 * @throws UsageError for options to change; BertuneError for examples or weights that cannot be used; InterruptedError
 * after saving, when the signal was aborted
 */
export async function trainTexts<Example extends { readonly text: string }>(
  options: TrainTextsOptions,
  lesson: TextLesson<Example>,
  hooks: JobHooks = {},
): Promise<TrainTextsResult> {
  const given = resolve('trainTexts', options);
  checkLesson(lesson);
  const [head] = lesson.heads;
  return runTraining<TrainTextsResult>(
    {
      ...{ job: 'trainTexts', command: 'trainTexts', options, settings: given, inputs: [options.model] },
      async read({ engine }) {
        const found = await findModel(options.model, options, hooks);
        const { labels } = lesson;
        const wanted = { head: lesson.heads, labels, beside: ['pooler'], seed: given.seed } as const;
        const loaded = await readModel(found, wanted, (line) => note(hooks, line));
        const { tokenizer, beside } = loaded;
        const model = loaded.model.withDropout(options.dropout);
        const settings = { ...given, maxLength: sequenceLength(loaded, given.maxLength, options.model) };
        const { batchSize, accumulationSteps, recompute, seed, maxLength } = settings;
        const own = lesson.objective({
          config: model.config,
          seed,
          // Only who masks needs a mask token.
          get vocabulary() {
            return maskingVocabulary(tokenizer.vocabularySize, tokenizer.idOfRole('mask'), tokenizer.specialIds);
          },
        });
        const objective = checkedObjective(own, model, lesson.heads);
        const tokenize = tokenizing(tokenizer, maxLength, hooks);
        const examples = tokenize(lesson.examples);
        const heldOut = tokenize(lesson.heldOut ?? []);
        if (examples.length === 0) throw new BertuneError('examples holds no text to train on');
        const longest = [...examples, ...heldOut].reduce((most, { ids }) => Math.max(most, ids.length), 0);
        const start = (spec: ParameterSpec) =>
          loaded.values.get(spec.name) ?? initialValue(spec, model.config.initializerRange, seed);
        const specs = objectiveParameters(model, objective);
        const task = new ExamplesTask({
          ...{ model, objective, examples, batchSize, accumulationSteps, recompute, seed },
          startValues: new Map(specs.map((spec) => [spec.name, start(spec)])),
          frozen: frozenBy(settings, model),
          frame: tokenizer.frame,
          width: Math.max(64, longest + tokenizer.frame.size),
          heldOut: { examples: heldOut, engine },
        });
        return {
          ...{ task, settings, configuration: { objective: objective.name } },
          identity: {
            ...identityOf('trainTexts', { ...settings, dropout: model.config.hiddenDropout }),
            ...{ objective: objective.name, examples: examples.length, texts: digestOf(examples) },
          },
          onStartMeasured() {},
          async finish({ parameters, metrics, steps, units, unitsPerSecond }, before) {
            // Of a head that is not trained the values are the base's.
            const values = new Map([...beside, ...loaded.values, ...frozenValues(task.frozen), ...parameters]);
            const pooler = loaded.present.includes('pooler') ? beside : undefined;
            const { sentence, raw } = loaded;
            const settings = sentence && { ...sentence, maxLength };
            const saved = { model: loaded.model, head, raw, values, pooler, maxLength, sentence: settings } as const;
            await saveText(options.output, { ...saved, tokenizerFiles: tokenizer.files() });
            return {
              result: {
                ...{ lossBefore: before?.loss ?? null, lossAfter: metrics?.loss ?? null, steps, tokens: units },
                ...{ tokensPerSecond: Math.round(unitsPerSecond), output: options.output },
              },
              data: { examples: examples.length, heldOut: heldOut.length, base: await baseFacts(found, hooks) },
            };
          },
        };
      },
    },
    hooks,
  );
}

/** @throws UsageError for a lesson with something missing, misspelt or of another kind */
function checkLesson<Example extends { readonly text: string }>(lesson: TextLesson<Example>): void {
  const { examples, heldOut = [], heads: trained, labels: _, objective, ...others } = lesson;
  const [other] = Object.keys(others);
  if (other !== undefined) {
    throw new UsageError(`lesson: no ${other}; it has examples, heldOut, heads, labels and objective`);
  }
  for (const [name, list] of Object.entries({ examples, heldOut })) {
    const isList = Array.isArray(list);
    const wrong = isList ? list.findIndex((example: { text?: unknown }) => typeof example?.text !== 'string') : 0;
    if (!isList || wrong >= 0)
      throw new UsageError(`lesson: ${name} must be objects with a text; number ${wrong} is not`);
  }
  if (!Array.isArray(trained) || trained.length === 0 || !trained.every((head) => Object.hasOwn(heads, head))) {
    throw new UsageError(`lesson: heads must be a list of ${Object.keys(heads).join(', ')}`);
  }
  if (typeof objective !== 'function') throw new UsageError('lesson: objective must be a function that makes one');
}

function tokenizing(tokenizer: TextTokenizer, maxLength: number, hooks: JobHooks) {
  const most = maxLength - tokenizer.frame.size;
  return <Example extends { readonly text: string }>(examples: readonly Example[]): (Example & TokenizedText)[] => {
    let truncated = 0;
    const tokenized = examples.map((example) => {
      const encoding = tokenizer.encode(example.text);
      const over = Math.max(encoding.ids.length - most, 0);
      if (over > 0) truncated++;
      const from = tokenizer.truncationSide === 'left' ? over : 0;
      const ids = Int32Array.from(encoding.ids.slice(from, from + most));
      return { ...example, ids, starts: unitStarts(encoding).subarray(from, from + most) };
    });
    if (truncated > 0) note(hooks, `${counted(truncated, 'text')} longer than ${maxLength} tokens truncated`);
    return tokenized;
  };
}

/** Changes when the examples, their order or what else they hold does. */
function digestOf(examples: readonly object[]): string {
  const hash = createHash('sha256');
  for (const example of examples) {
    for (const [key, value] of Object.entries(example)) {
      hash.update(` ${key} `).update(bytesOf(value));
    }
  }
  return hash.digest('hex');
}

function bytesOf(value: unknown): Uint8Array | string {
  if (!ArrayBuffer.isView(value)) return JSON.stringify(value) ?? '';
  return new Uint8Array(value.buffer, value.byteOffset, value.byteLength);
}
