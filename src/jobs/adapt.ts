import { join } from 'node:path';
import { counted, UsageError } from '../core/errors.ts';
import { say, setting } from '../core/message.ts';
import { type Corpus, prepareCorpus } from '../data/corpus.ts';
import { cacheFolder } from '../data/tokenCache.ts';
import { type LoadedBert, loadBert, saveBert } from '../hub/folder.ts';
import type { BertConfig } from '../models/bert/config.ts';
import { initialValue, type ParameterValues } from '../nn/parameters.ts';
import { identityOf } from '../settings/identity.ts';
import type { Resolved } from '../settings/options.ts';
import { resolve } from '../settings/resolve.ts';
import { frozenValues } from '../tasks/frozen.ts';
import { maskedLmParts, partParameters } from '../tasks/losses.ts';
import { MaskedLmTask } from '../tasks/maskedLm.ts';
import { maskingVocabulary } from '../text/masking.ts';
import { type BertTokenizer, loadTokenizer } from '../text/tokenizer.ts';
import { type BaseFacts, baseFacts, modelFacts, noteKeptCard } from './baseFacts.ts';
import { fewPredictions } from './cardText.ts';
import { asTensors, checkTokenizer } from './classifier.ts';
import { corpusNotes, noteRepeated } from './corpusNotes.ts';
import { findModel, readFound } from './findModel.ts';
import { readModelShape } from './modelShape.ts';
import { activity, note } from './note.ts';
import { RunFolder } from './runFolder.ts';
import {
  checkMaxLength,
  checkMemory,
  defaultMaxLength,
  finishedResult,
  frozenBy,
  stopBeforeTraining,
  throttled,
  totalSteps,
  train,
  trainingEngine,
  withDropout,
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
    const read = async (folder: string, onNote: (text: string) => void) => {
      const loaded = await loadBert(folder, { parts: maskedLmParts, onNote, seed: options.seed });
      return { ...loaded, tokenizer: loadTokenizer(folder), pooler: await storedPooler(folder, loaded) };
    };
    return { ...(await readFound(found, read, (line) => note(hooks, line))), base: await baseFacts(found) };
  });
}

/** Pretrains a model of a given shape from a random start; takes every option of `adapt`. Throws what it throws. */
export async function pretrain(options: PretrainOptions, hooks: JobHooks = {}): Promise<AdaptResult> {
  const settings = resolve('pretrain', options);
  const { modelConfig, tokenizer: folder, ...rest } = options;
  const said = { ...rest, model: modelConfig, tokenizer: folder };
  return trainMaskedLm('pretrain', said, settings, [folder], hooks, async () => {
    const shape = await findModel(modelConfig, options, hooks);
    const { config, raw } = await readFound(shape, readModelShape, (line) => note(hooks, line));
    const specs = partParameters(config, maskedLmParts);
    const start = (spec: (typeof specs)[number]) => initialValue(spec, config.initializerRange, options.seed ?? 0);
    return {
      config,
      raw,
      tokenizer: await readFound(await findModel(folder, options, hooks), async (path) => loadTokenizer(path)),
      values: new Map(specs.map((spec) => [spec.name, start(spec)])),
    };
  });
}

interface Start {
  readonly config: BertConfig;
  readonly raw: LoadedBert['raw'];
  readonly values: ParameterValues;
  readonly tokenizer: BertTokenizer;
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
  const config = withDropout(start.config, options.dropout);
  const settings = settled(given, config, start.raw, options.model);
  checkTokenizer(tokenizer, config, options.model);
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
        mostTokens: settings.maxLength - 2,
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
    const task = new MaskedLmTask({
      config,
      startValues: start.values,
      frozen: frozenBy(settings, config),
      recompute: settings.recompute,
      tokenizer,
      training,
      heldOut,
      masking: {
        vocabulary: maskingVocabulary(tokenizer.vocabularySize, tokenizer.special.mask, tokenizer.specialIds),
        probability: settings.maskProbability,
        wholeWord: settings.wholeWord,
        seed: settings.seed,
      },
      rows: settings.rows,
      width: settings.maxLength,
      accumulationSteps: settings.accumulationSteps,
      engine,
    });
    const estimatedMemoryBytes = await checkMemory(task);
    const before = await evaluateStart(task, start.values, hooks);
    const steps = totalSteps(task, settings);
    const identity = {
      ...identityOf(command, { ...settings, dropout: config.hiddenDropout }),
      corpus: training.digest,
      ...(evaluation ? {} : { heldOut: training.heldOut.length }),
    };
    const configuration = { ...options, ...settings, estimatedMemoryBytes };
    const outcome = await train(task, engine, folder, settings, configuration, steps, identity, hooks);
    await saveBert(options.output, {
      config: start.config,
      raw: start.raw,
      values: new Map([...frozenValues(task.frozen), ...outcome.parameters]),
      architecture: 'BertForMaskedLM',
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
    const about = { ...modelFacts(config, maskedLmParts), before, after: outcome.metrics ?? undefined };
    const data = { corpus: training.counts, evaluation: evaluation?.counts };
    noteKeptCard(await folder.finishWithCard(result, data, about, start.base), hooks);
    return result;
  } finally {
    for (const corpus of opened) corpus.close();
    folder.release();
  }
}

/** The settings with what depends on the model filled in. @throws UsageError for sizes that do not fit */
function settled(given: Omit<Resolved<'adapt'>, 'model'>, config: BertConfig, raw: LoadedBert['raw'], model: string) {
  const { overlap, batchTokens, accumulationSteps } = given;
  const maxLength = given.maxLength ?? defaultMaxLength(config, raw);
  checkMaxLength(maxLength, config, model);
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

async function evaluateStart(task: MaskedLmTask, values: ParameterValues, hooks: JobHooks) {
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

/** The base's pooler, if it has one: kept beside the adapted model for fine-tuning. */
async function storedPooler(model: string, { present }: LoadedBert): Promise<ParameterValues | undefined> {
  if (!present.includes('pooler')) return undefined;
  return (await loadBert(model, { parts: ['encoder', 'pooler'] })).values;
}
