import { counted } from '../core/errors.ts';
import { say, setting } from '../core/message.ts';
import { saveText } from '../hub/textFolder.ts';
import { identityOf } from '../settings/identity.ts';
import type { Resolved } from '../settings/options.ts';
import { resolve } from '../settings/resolve.ts';
import { frozenValues } from '../tasks/text/frozen.ts';
import { type AdaptingTerms, termsOf } from '../tasks/text/objectives/adapting.ts';
import { loadTokenizer } from '../text/tokenizer.ts';
import type { Metrics } from '../train/task.ts';
import type { TrainingOutcome } from '../train/trainer.ts';
import { type AdaptSettings, readCorpora, settled } from './adapting/corpora.ts';
import { type AdaptStart, adaptStart } from './adapting/start.ts';
import { adaptingTask, neighbourhoodOf } from './adapting/task.ts';
import { modelFacts } from './baseFacts.ts';
import { fewPredictions } from './cards/maskedLm.ts';
import { findModel, readFound } from './findModel.ts';
import { readModelShape } from './modelShape.ts';
import { note } from './note.ts';
import { isSentAway, sentAway } from './remoteOutput.ts';
import { runTraining } from './run.ts';
import { agreement, corpusVectors, spread } from './startVectors.ts';
import { checkTokenizer, randomValues } from './textModel.ts';
import type { AdaptOptions, AdaptResult, JobEvent, JobHooks, PretrainOptions } from './types.ts';

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
  return trainMaskedLm(asked, hooks, () => adaptStart(options, settings, hooks));
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

/** The head of a masked language model. */
const head = 'maskedLm';

interface Asked {
  readonly job: 'adapt' | 'pretrain';
  readonly options: AdaptOptions;
  readonly settings: AdaptSettings & Pick<Resolved<'adapt'>, 'output'>;
  readonly inputs: readonly string[];
}

function trainMaskedLm(asked: Asked, hooks: JobHooks, loadStart: () => Promise<AdaptStart>): Promise<AdaptResult> {
  const { job, options } = asked;
  return runTraining<AdaptResult>(
    {
      ...{ ...asked, command: job },
      async read(reading) {
        const start = await loadStart();
        const { tokenizer } = start;
        const model = start.model.withDropout(options.dropout);
        const settings = settled(asked.settings, start);
        const corpora = await readCorpora(settings, options, tokenizer, reading);
        const { training, evaluation, heldOut } = corpora;
        const measured = start.base ? spread(heldOut.sequences, mostMeasured) : [];
        const encoder = { engine: reading.engine, model: start.model, frame: tokenizer.frame, hooks };
        const valuesBefore = new Map([...(start.beside ?? []), ...start.values]);
        const vectorsBefore = await corpusVectors(encoder, valuesBefore, heldOut.store, measured);
        const neighbourhood = await neighbourhoodOf(encoder, valuesBefore, start, corpora, settings.seed);
        const { engine } = reading;
        const task = adaptingTask({
          ...{ start, model, settings, corpora, neighbourhood, engine, startValues: start.values },
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
          onEvent: job === 'adapt' ? longRunNote(hooks) : undefined,
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

/** Seconds from which on a run is long, and steps that tell how long one is. */
const [longRun, tellingSteps] = [1800, 8] as const;

/** Says once of a run that is going to be long how to know beforehand what comes of it. */
function longRunNote(hooks: JobHooks): (event: JobEvent) => void {
  let seen = 0;
  return (event) => {
    if (event.type !== 'step' || ++seen !== tellingSteps || event.secondsLeft < longRun) return;
    const hours = (event.secondsLeft / 3600).toFixed(1);
    note(
      hooks,
      say`about ${hours} hours to go; bertune estimate with the same settings tells in minutes what such a run should bring`,
    );
  };
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
