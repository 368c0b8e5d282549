import { join } from 'node:path';
import { counted, UsageError } from '../core/errors.ts';
import { say, setting } from '../core/message.ts';
import { type Corpus, prepareCorpus } from '../data/corpus.ts';
import { cacheFolder } from '../data/tokenCache.ts';
import { saveText } from '../hub/textFolder.ts';
import type { HubConfig } from '../models/text/config.ts';
import type { TextModel } from '../models/text/model.ts';
import { asTensors, initialValue, type ParameterValues } from '../nn/parameters.ts';
import { identityOf } from '../settings/identity.ts';
import type { Resolved } from '../settings/options.ts';
import { resolve } from '../settings/resolve.ts';
import { CorpusTask } from '../tasks/text/corpusTask.ts';
import { frozenValues } from '../tasks/text/frozen.ts';
import { maskedTokens } from '../tasks/text/objectives/maskedTokens.ts';
import { maskingVocabulary } from '../text/masking.ts';
import { loadTokenizer, type TextTokenizer } from '../text/tokenizer.ts';
import { type BaseFacts, baseFacts, modelFacts, noteKeptCard } from './baseFacts.ts';
import { fewPredictions } from './cards/maskedLm.ts';
import { corpusNotes, noteRepeated } from './corpusNotes.ts';
import { findModel, readFound } from './findModel.ts';
import { readModelShape } from './modelShape.ts';
import { activity, note } from './note.ts';
import { RunFolder } from './runFolder.ts';
import { checkTokenizer, readModel, sequenceLength } from './textModel.ts';
import {
  checkMemory,
  finishedResult,
  frozenBy,
  stopBeforeTraining,
  throttled,
  totalSteps,
  train,
  trainingEngine,
} from './training.ts';
import type { AdaptOptions, AdaptResult, DataOptions, JobHooks, PretrainOptions } from './types.ts';

/**
 * Continues masked-language-model pretraining of a model on unlabeled text and writes the adapted model, a Hugging
 * Face folder, to `output`.
 *
 * @throws UsageError for options, paths or columns to change; BertuneError for data or weights that cannot be used;
 * InterruptedError after saving, when the signal was aborted
 */
export async function adapt(options: AdaptOptions, hooks: JobHooks = {}): Promise<AdaptResult> {
  const settings = resolve('adapt', options);
  return trainMaskedLm('adapt', options, settings, [options.model], hooks, async () => {
    const found = await findModel(options.model, options, hooks);
    const loaded = await readModel(found, { head, beside: ['pooler'], seed: settings.seed }, (line) =>
      note(hooks, line),
    );
    // The base's pooler is kept beside the adapted model, which has none, for fine-tuning.
    const pooler = loaded.beside.size > 0 ? loaded.beside : undefined;
    return { ...loaded, pooler, base: await baseFacts(found, hooks) };
  });
}

/** Pretrains a model of a given shape from a random start; takes every option of `adapt`. Throws what it throws. */
export async function pretrain(options: PretrainOptions, hooks: JobHooks = {}): Promise<AdaptResult> {
  const settings = resolve('pretrain', options);
  const { modelConfig, tokenizer: folder, ...rest } = options;
  const said = { ...rest, model: modelConfig, tokenizer: folder };
  return trainMaskedLm('pretrain', said, settings, [folder], hooks, async () => {
    const shape = await findModel(modelConfig, options, hooks);
    const read = (path: string, onNote: (text: string) => void) => readModelShape(path, head, onNote);
    const { model, raw } = await readFound(shape, read, (line) => note(hooks, line));
    const specs = model.parameters(model.partsOf(head));
    const { initializerRange } = model.config;
    const start = (spec: (typeof specs)[number]) => initialValue(spec, initializerRange, settings.seed);
    const tokenizer = await readFound(await findModel(folder, options, hooks), async (path) => loadTokenizer(path));
    checkTokenizer(tokenizer, model, modelConfig);
    return {
      ...{ model, raw, tokenizer },
      values: new Map(specs.map((spec) => [spec.name, start(spec)])),
    };
  });
}

/** The head that a masked language model trains. */
const head = 'maskedLm';

interface Start {
  readonly model: TextModel;
  readonly raw: HubConfig;
  readonly values: ParameterValues;
  readonly tokenizer: TextTokenizer;
  readonly pooler?: ParameterValues;
  /** What is known of the model that the run starts from. */
  readonly base?: BaseFacts;
}

async function trainMaskedLm(
  command: 'adapt' | 'pretrain',
  options: AdaptOptions & { tokenizer?: string },
  given: Omit<Resolved<'adapt'>, 'model'>,
  inputs: readonly string[],
  hooks: JobHooks,
  loadStart: () => Promise<Start>,
): Promise<AdaptResult> {
  const folder = RunFolder.claim(options.output, { ...options, command, inputs });
  const finished = finishedResult<AdaptResult>(folder, options, hooks);
  if (finished) return finished;
  const start = await loadStart();
  const { tokenizer } = start;
  const model = start.model.withDropout(options.dropout);
  const settings = settled(given, start, options.model);
  const corpora = folder.work();
  const opened: Corpus[] = [];
  try {
    const prepare = async (
      data: DataOptions,
      key: 'corpus' | 'eval',
      name: string,
      heldOutFraction: number,
      limit?: number,
    ) => {
      const flag = setting(key);
      const report = throttled((done) =>
        hooks.onEvent?.({ type: 'progress', ...activity(say`tokenizing ${flag}`), done }),
      );
      const corpus = await prepareCorpus({
        records: { ...data, flag, limit },
        tokenizer,
        mostTokens: settings.maxLength - tokenizer.frame.size,
        // Evaluation counts every token once.
        overlap: key === 'corpus' ? settings.overlap : 0,
        threads: settings.threads,
        cache: cacheFolder(options.cache),
        folder: join(corpora, name),
        heldOutFraction,
        heldOutLimit: settings.evalLimit,
        seed: settings.seed,
        onProgress: (done) => {
          stopBeforeTraining(hooks);
          report(done);
        },
      });
      opened.push(corpus);
      for (const line of corpusNotes(corpus, flag, settings.maxLength)) note(hooks, line);
      return corpus;
    };
    // First, since it is read faster: what is wrong with it shows before the corpus is tokenized.
    const evaluation = options.eval && (await prepare(options.eval, 'eval', 'evaluation', 0, options.evalLimit));
    const training = await prepare(options.corpus, 'corpus', 'training', options.eval ? 0 : settings.evalFraction);
    if (evaluation) noteRepeated(training, evaluation, hooks);
    const heldOut = evaluation
      ? { store: evaluation.store, sequences: Array.from({ length: evaluation.store.length }, (_, i) => i) }
      : { store: training.store, sequences: training.heldOut };
    const engine = trainingEngine(settings, hooks);
    const task = new CorpusTask({
      model,
      objective: maskedTokens({
        vocabulary: maskingVocabulary(tokenizer.vocabularySize, tokenizer.special.mask, tokenizer.specialIds),
        probability: settings.maskProbability,
        wholeWord: settings.wholeWord,
        seed: settings.seed,
      }),
      startValues: start.values,
      frozen: frozenBy(settings, model),
      recompute: settings.recompute,
      frame: tokenizer.frame,
      training,
      heldOut,
      seed: settings.seed,
      rows: settings.rows,
      width: settings.maxLength,
      accumulationSteps: settings.accumulationSteps,
      engine,
    });
    const estimatedMemoryBytes = await checkMemory(task);
    const before = await evaluateStart(task, start.values, hooks);
    const steps = totalSteps(task, settings);
    const identity = {
      ...identityOf(command, { ...settings, dropout: model.config.hiddenDropout }),
      corpus: training.digest,
      ...(evaluation ? {} : { heldOut: training.heldOut.length }),
    };
    const configuration = { ...options, ...settings, estimatedMemoryBytes };
    const outcome = await train(task, engine, folder, settings, configuration, steps, identity, hooks);
    await saveText(options.output, {
      model: start.model,
      head,
      raw: start.raw,
      values: new Map([...frozenValues(task.frozen), ...outcome.parameters]),
      tokenizerFiles: tokenizer.files(),
      maxLength: settings.maxLength,
      pooler: start.pooler,
    });
    const result: AdaptResult = {
      evalLossBefore: before?.loss ?? null,
      evalLossAfter: outcome.metrics?.loss ?? null,
      perplexityBefore: before?.perplexity ?? null,
      perplexityAfter: outcome.metrics?.perplexity ?? null,
      steps: outcome.steps,
      tokens: outcome.units,
      tokensPerSecond: Math.round(outcome.unitsPerSecond),
      output: options.output,
    };
    const about = { ...modelFacts(model, head), before, after: outcome.metrics ?? undefined };
    const data = { corpus: training.counts, evaluation: evaluation?.counts };
    noteKeptCard(await folder.finishWithCard(result, data, about, start.base), hooks);
    return result;
  } finally {
    for (const corpus of opened) corpus.close();
    folder.release();
  }
}

/** The settings with what depends on the model filled in. @throws UsageError for sizes that do not fit */
function settled(given: Omit<Resolved<'adapt'>, 'model'>, start: Start, model: string) {
  const { overlap, batchTokens, accumulationSteps } = given;
  const maxLength = sequenceLength(start, given.maxLength, model);
  if (overlap >= maxLength / 2) {
    const most = Math.ceil(maxLength / 2) - 1;
    throw new UsageError(
      say`${setting('overlap')} ${overlap} is not below half of ${setting('maxLength')} ${maxLength}; use at most ${most}`,
    );
  }
  const rows = Math.floor(batchTokens / accumulationSteps / maxLength);
  if (rows < 1) {
    throw new UsageError(
      say`${setting('batchTokens')} ${batchTokens} holds no sequence of ${setting('maxLength')} ${maxLength} in each of ${accumulationSteps} micro-batches; use at least ${maxLength * accumulationSteps}`,
    );
  }
  return { ...given, maxLength, rows };
}

async function evaluateStart(task: CorpusTask, values: ParameterValues, hooks: JobHooks) {
  if (!task.evaluate) {
    hooks.onEvent?.({ type: 'note', text: 'nothing is held out: the loss before and after is not measured' });
    return undefined;
  }
  const { signal } = hooks;
  const metrics = await task.evaluate(asTensors(values, task.parameters), signal).catch((error: unknown) => {
    stopBeforeTraining(hooks);
    throw error;
  });
  hooks.onEvent?.({ type: 'evaluation', step: 0, metrics });
  if ((metrics.count ?? 0) < fewPredictions) {
    const line = say`only ${counted(metrics.count ?? 0, 'masked token')} held out: the loss before and after is a rough guess; hold out more with ${setting('eval')} or ${setting('evalFraction')}`;
    note(hooks, line);
  }
  return metrics;
}
