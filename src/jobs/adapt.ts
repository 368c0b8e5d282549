import { join } from 'node:path';
import { cacheFolder } from '../core/cachePath.ts';
import { counted, UsageError } from '../core/errors.ts';
import { type Message, say, setting } from '../core/message.ts';
import { prepareCorpus } from '../data/corpus.ts';
import type { SentenceSettings } from '../hub/sentenceFolder.ts';
import { inspectText, saveText } from '../hub/textFolder.ts';
import type { HubConfig } from '../models/text/config.ts';
import type { HeadName } from '../models/text/heads/table.ts';
import type { TextModel } from '../models/text/model.ts';
import type { ParameterValues } from '../nn/parameters.ts';
import { identityOf } from '../settings/identity.ts';
import type { Resolved } from '../settings/options.ts';
import { resolve } from '../settings/resolve.ts';
import { CorpusTask } from '../tasks/text/corpusTask.ts';
import { frozenValues } from '../tasks/text/frozen.ts';
import { type AdaptingObjective, type AdaptingTerms, adapting, termsOf } from '../tasks/text/objectives/adapting.ts';
import { maskingVocabulary } from '../text/masking.ts';
import type { TextTokenizer } from '../text/textTokenizer.ts';
import { loadTokenizer } from '../text/tokenizer.ts';
import type { Metrics } from '../train/task.ts';
import type { TrainingOutcome } from '../train/trainer.ts';
import { type BaseFacts, baseFacts, modelFacts } from './baseFacts.ts';
import { fewPredictions } from './cards/maskedLm.ts';
import { corpusNotes, noteRepeated } from './corpusNotes.ts';
import { findModel, readFound } from './findModel.ts';
import { readModelShape } from './modelShape.ts';
import { activity, fetching, note } from './note.ts';
import { isSentAway, sentAway } from './remoteOutput.ts';
import { type Reading, runTraining } from './run.ts';
import { agreement, corpusVectors, drawnSequences, spread } from './startVectors.ts';
import { checkTokenizer, randomValues, readModel, sequenceLength } from './textModel.ts';
import { frozenBy, stopBeforeTraining, throttled } from './training.ts';
import type { AdaptOptions, AdaptResult, DataOptions, JobHooks, PretrainOptions } from './types.ts';

/**
 * Continues the pretraining of a model on unlabeled text and writes the adapted model, a Hugging Face folder, to
 * `output`: by masked words, or of a sentence encoder in ways that its vectors gain by.
 *
 * @throws UsageError for options, paths or columns to change; BertuneError for data or weights that cannot be used;
 * InterruptedError after saving, when the signal was aborted
 */
export async function adapt(options: AdaptOptions, hooks: JobHooks = {}): Promise<AdaptResult> {
  if (isSentAway(options)) return sentAway(options, hooks, (local) => adapt(local, hooks));
  const settings = resolve('adapt', options);
  const asked = { job: 'adapt', options, settings, inputs: [options.model] } as const;
  return trainMaskedLm(asked, hooks, async () => {
    const found = await findModel(options.model, options, hooks);
    const onNote = (line: string | Message) => note(hooks, line);
    const facts = await readFound(found, (folder) => inspectText(folder));
    // A sentence encoder is adapted by what its vectors gain by.
    const objective = settings.objective ?? (facts.model.sentence ? 'neighbours' : 'masked');
    const terms = termsOf(objective, facts.present.includes('mlmHead'));
    checkMasking(options, objective, terms);
    const heads = headsOf(terms);
    const head = heads[0];
    const beside = ['pooler', 'sentence', ...(head === 'pooled' ? (['mlmHead'] as const) : [])] as const;
    const loaded = await readModel(found, { head: heads, beside, seed: settings.seed }, onNote);
    // The base's pooler is kept beside the adapted model, which has none, for fine-tuning.
    const pooler = loaded.present.includes('pooler') ? loaded.beside : undefined;
    // A head that is not trained stays what it is.
    const kept = loaded.present.includes('mlmHead') ? 'maskedLm' : head;
    if (objective === 'masked' && loaded.model.sentence) note(hooks, masksAlone);
    if (objective === 'contrastive' && settings.accumulationSteps > 1) note(hooks, fewerTexts);
    return {
      ...loaded,
      name: options.model,
      head: kept,
      objective,
      terms,
      pooler,
      base: await baseFacts(found, hooks),
    };
  });
}

/** Pretrains a model of a given shape from a random start; takes every option of `adapt`. Throws what it throws. */
export async function pretrain(options: PretrainOptions, hooks: JobHooks = {}): Promise<AdaptResult> {
  if (isSentAway(options)) return sentAway(options, hooks, (local) => pretrain(local, hooks));
  const settings = resolve('pretrain', options);
  const { modelConfig, tokenizer: folder, ...rest } = options;
  const said = { ...rest, model: modelConfig, tokenizer: folder };
  const asked = { job: 'pretrain', options: said, settings, inputs: [folder] } as const;
  return trainMaskedLm(asked, hooks, async () => {
    const shape = await findModel(modelConfig, options, hooks);
    const read = (path: string, onNote: (text: string) => void) => readModelShape(path, head, onNote);
    const { model, raw } = await readFound(shape, read, (line) => note(hooks, line));
    const open = async (path: string, onNote: (text: string) => void) => loadTokenizer(path, { onNote });
    const tokenizer = await readFound(await findModel(folder, options, hooks), open, (line) => note(hooks, line));
    checkTokenizer(tokenizer, model, modelConfig);
    const values = randomValues(model, head, settings.seed);
    return { name: modelConfig, model, raw, tokenizer, head, objective: 'masked', terms: termsOf('masked'), values };
  });
}

/** @throws UsageError for settings of masking where nothing is masked */
function checkMasking(options: AdaptOptions, objective: AdaptingObjective, terms: AdaptingTerms): void {
  if (terms.words !== undefined) return;
  for (const name of ['maskProbability', 'wholeWord'] as const) {
    if (options[name] === undefined || options[name] === false) continue;
    throw new UsageError(
      say`${setting(name)} is of masked words, which ${setting('objective')} ${objective} does not learn; leave it out, or choose another ${setting('objective')}`,
    );
  }
}

/** The heads that an objective trains, the one that the model is saved with first. */
function headsOf(terms: AdaptingTerms): readonly [HeadName, ...HeadName[]] {
  const { words, ...onVectors } = terms;
  if (words === undefined) return ['pooled'];
  return Object.keys(onVectors).length === 0 ? ['maskedLm'] : ['maskedLm', 'pooled'];
}

const masksAlone = say`masked words alone spoil the vectors of a sentence encoder; without ${setting('objective')} they are kept`;

const fewerTexts = say`each text is told from those of its micro-batch alone: more ${setting('accumulationSteps')}, fewer texts`;

/** The head of a masked language model. */
const head = 'maskedLm';

interface Asked {
  readonly job: 'adapt' | 'pretrain';
  readonly options: AdaptOptions;
  readonly settings: Omit<Resolved<'adapt'>, 'model' | 'objective'>;
  readonly inputs: readonly string[];
}

interface Start {
  /** As messages name it. */
  readonly name: string;
  readonly model: TextModel;
  readonly raw: HubConfig;
  readonly values: ParameterValues;
  readonly tokenizer: TextTokenizer;
  readonly pooler?: ParameterValues;
  /** Values of a sentence encoder's modules, and what its folder says beside them. */
  readonly beside?: ParameterValues;
  readonly sentence?: SentenceSettings | null;
  /** What is known of the model that the run starts from; absent for a random start. */
  readonly base?: BaseFacts;
  readonly objective: AdaptingObjective;
  readonly terms: AdaptingTerms;
  /** The head that the saved folder has. */
  readonly head: HeadName;
}

function trainMaskedLm(asked: Asked, hooks: JobHooks, loadStart: () => Promise<Start>): Promise<AdaptResult> {
  const { job, options } = asked;
  return runTraining<AdaptResult>(
    {
      ...{ ...asked, command: job },
      async read(reading) {
        const start = await loadStart();
        const { tokenizer } = start;
        const model = start.model.withDropout(options.dropout);
        const settings = settled(asked.settings, start);
        const { training, evaluation, heldOut } = await readCorpora(settings, options, tokenizer, reading);
        const { seed, accumulationSteps, recompute } = settings;
        const measured = start.base ? spread(heldOut.sequences, mostMeasured) : [];
        const encoder = { engine: reading.engine, model: start.model, frame: tokenizer.frame, hooks };
        const valuesBefore = new Map([...(start.beside ?? []), ...start.values]);
        const vectorsBefore = await corpusVectors(encoder, valuesBefore, heldOut.store, measured);
        const drawn = start.terms.neighbours
          ? drawnSequences(training.store, training.excluded, mostNeighbours, seed)
          : [];
        const { data, size } = await corpusVectors(encoder, valuesBefore, training.store, drawn);
        const task = new CorpusTask({
          model,
          objective: adapting(start.objective, start.terms, {
            masking: start.terms.words === undefined ? undefined : maskingOf(settings, tokenizer),
            neighbourhood: { dtype: 'float32', shape: [drawn.length, size], data },
          }),
          startValues: start.values,
          frozen: frozenBy(settings, model),
          frame: tokenizer.frame,
          ...{ training, heldOut, seed, accumulationSteps, recompute, engine: reading.engine },
          ...{ rows: settings.rows, width: settings.maxLength },
        });
        return {
          ...{ task, settings: { ...settings, objective: start.objective } },
          configuration: { learned: Object.keys(start.terms) },
          identity: {
            ...identityOf(job, { ...settings, objective: start.objective, dropout: model.config.hiddenDropout }),
            corpus: training.digest,
            ...(evaluation ? {} : { heldOut: training.heldOut.length }),
          },
          onStartMeasured: (metrics) => noteStart(metrics, start.terms, hooks),
          async finish(outcome, before) {
            const { raw, pooler, base, head, sentence = null, beside = new Map() } = start;
            const values = new Map([...beside, ...frozenValues(task.frozen), ...outcome.parameters]);
            // A sentence encoder goes on reading as much of a text as its folder says.
            const maxLength = sentence ? undefined : settings.maxLength;
            const saved = { model: start.model, head, raw, values, pooler, sentence, maxLength } as const;
            await saveText(options.output, { ...saved, tokenizerFiles: tokenizer.files() });
            const about = {
              ...modelFacts(model, head, start.sentence),
              ...{ before: before ?? undefined, after: outcome.metrics ?? undefined },
            };
            // The other processes have done their part.
            const byItself = { ...encoder, hooks: { ...hooks, collective: undefined } };
            const vectorsAfter = await corpusVectors(byItself, values, heldOut.store, measured);
            return {
              result: { ...resultOf(outcome, before, options.output), vectors: agreement(vectorsBefore, vectorsAfter) },
              data: { corpus: training.counts, evaluation: evaluation?.counts },
              card: { about, base },
            };
          },
        };
      },
    },
    hooks,
  );
}

/** Texts whose vectors are compared with those of the start. */
const mostMeasured = 1000;
/** Texts of the corpus among which neighbours are looked for. */
const mostNeighbours = 16_384;

function maskingOf({ maskProbability: probability, wholeWord, seed }: Settled, tokenizer: TextTokenizer) {
  const { vocabularySize, specialIds } = tokenizer;
  const vocabulary = maskingVocabulary(vocabularySize, tokenizer.idOfRole('mask'), specialIds);
  return { vocabulary, probability, wholeWord, seed };
}

function resultOf(outcome: TrainingOutcome, before: Metrics | null, output: string): Omit<AdaptResult, 'vectors'> {
  return {
    evalLossBefore: before?.loss ?? null,
    evalLossAfter: outcome.metrics?.loss ?? null,
    perplexityBefore: before?.perplexity ?? null,
    perplexityAfter: outcome.metrics?.perplexity ?? null,
    steps: outcome.steps,
    tokens: outcome.units,
    tokensPerSecond: Math.round(outcome.unitsPerSecond),
    output,
  };
}

type Settled = ReturnType<typeof settled>;

/** The texts to train on and those to measure on, tokenized. */
async function readCorpora(
  settings: Settled,
  options: AdaptOptions,
  tokenizer: TextTokenizer,
  { hooks, work, keep }: Reading,
) {
  const folder = work();
  const prepare = async (key: 'corpus' | 'eval', data: DataOptions, heldOutFraction: number, limit?: number) => {
    const flag = setting(key);
    const report = throttled((done) =>
      hooks.onEvent?.({ type: 'progress', ...activity(say`tokenizing ${flag}`), done }),
    );
    const corpus = await prepareCorpus({
      records: { ...data, flag, limit, onNote: (line) => note(hooks, line), onFetch: fetching(hooks) },
      tokenizer,
      mostTokens: settings.maxLength - tokenizer.frame.size,
      // Evaluation counts every token once.
      overlap: key === 'corpus' ? settings.overlap : 0,
      ...{ threads: settings.threads, collective: hooks.collective },
      cache: cacheFolder(options.cache),
      folder: join(folder, key),
      heldOutFraction,
      heldOutLimit: settings.evalLimit,
      seed: settings.seed,
      onProgress: (done) => {
        stopBeforeTraining(hooks);
        report(done);
      },
    });
    for (const line of corpusNotes(corpus, flag, settings.maxLength, tokenizer)) note(hooks, line);
    return keep(corpus);
  };
  // First, since it is read faster: what is wrong with it shows before the corpus is tokenized.
  const evaluation = options.eval && (await prepare('eval', options.eval, 0, options.evalLimit));
  const training = await prepare('corpus', options.corpus, options.eval ? 0 : settings.evalFraction);
  if (evaluation) noteRepeated(training, evaluation, hooks);
  const heldOut = evaluation
    ? { store: evaluation.store, sequences: Array.from({ length: evaluation.store.length }, (_, i) => i) }
    : { store: training.store, sequences: training.heldOut };
  return { training, evaluation, heldOut };
}

/** The settings with what depends on the model filled in. @throws UsageError for sizes that do not fit */
function settled(given: Asked['settings'], start: Start) {
  const { overlap, batchTokens, accumulationSteps } = given;
  const maxLength = sequenceLength(start, given.maxLength, start.name);
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

function noteStart(metrics: Metrics | null, terms: AdaptingTerms, hooks: JobHooks): void {
  const count = metrics?.count ?? 0;
  if (!metrics) note(hooks, 'nothing is held out: the loss before and after is not measured');
  if (!metrics || count >= fewPredictions || terms.words === undefined) return;
  note(
    hooks,
    say`only ${counted(count, 'masked token')} held out: the loss before and after is a rough guess; hold out more with ${setting('eval')} or ${setting('evalFraction')}`,
  );
}
