import { counted, UsageError } from '../core/errors.ts';
import { removeFolder, temporaryFolder } from '../core/files.ts';
import { throwIfAborted } from '../core/interrupt.ts';
import { formatBytes } from '../core/memory.ts';
import { say, setting } from '../core/message.ts';
import { asTensors, type ParameterValues } from '../nn/parameters.ts';
import type { OptionsOf, Resolved } from '../settings/options.ts';
import { resolve } from '../settings/resolve.ts';
import type { CorpusTask } from '../tasks/text/corpusTask.ts';
import type { AdaptingObjective } from '../tasks/text/objectives/adapting.ts';
import { badMetric, notFiniteAtStart } from '../train/divergence.ts';
import type { Metrics } from '../train/task.ts';
import { type AdaptCorpora, readCorpora, type Settled, settled } from './adapting/corpora.ts';
import { type AdaptStart, adaptStart } from './adapting/start.ts';
import { adaptingTask, neighbourhoodOf } from './adapting/task.ts';
import { type DiskUse, diskUse } from './estimating/cost.ts';
import {
  forecastOf,
  type GainForecast,
  leastRuns,
  type Measured,
  type Outcome,
  type WholeForecast,
} from './estimating/forecast.ts';
import { type LabelProbe, labelProbe } from './estimating/labeled.ts';
import { type Rehearsal, rehearse } from './estimating/rehearse.ts';
import { note } from './note.ts';
import { type OpenedEngine, openEngine } from './openEngine.ts';
import { spread } from './startVectors.ts';
import { checkMemory, totalSteps } from './training.ts';
import type { JobHooks } from './types.ts';

/** Options of `adapt`, with labeled texts as `train` and a `budget` in minutes. Nothing is written to `output`. */
export interface EstimateOptions extends OptionsOf<'estimate'> {}

export interface EstimateResult {
  readonly objective: AdaptingObjective;
  /** What was tried, from the start on; the last is the longest. */
  readonly start: TriedRun;
  readonly tried: readonly TriedRun[];
  /** Held-out texts that they were measured on, the same for all. */
  readonly texts: number;
  readonly whole: WholeRun;
  /** What the whole run should end with; null where what was tried tells nothing of it. */
  readonly forecast: WholeForecast | null;
  readonly outcome: Outcome;
  /** Of a linear classifier on the vectors of labeled texts; absent where none were given. */
  readonly labels?: {
    readonly texts: number;
    readonly classes: number;
    /** What the whole run should add to the accuracy; null where it is too early to say. */
    readonly gain: GainForecast | null;
  };
  /** From start to end. */
  readonly seconds: number;
}

/** A run of some steps, each with the whole of its schedule. */
export interface TriedRun {
  readonly steps: number;
  readonly tokens: number;
  readonly loss: number;
  /** Of masked words; absent where something else is learned. */
  readonly perplexity?: number;
  /** Of labeled texts, where some were given. */
  readonly accuracy?: number;
}

/** What the whole run takes. */
export interface WholeRun {
  readonly steps: number;
  /** Non-padding tokens, about. */
  readonly tokens: number;
  /** With this machine as busy as it is. */
  readonly seconds: number;
  readonly memoryBytes: number;
  readonly disk: DiskUse;
}

/**
 * What a run of `adapt` with these settings should bring, and what it takes, from a few minutes of short runs. Nothing is
 * kept of them but the tokenized corpus in the cache.
 *
 * @throws UsageError for options, paths or columns to change, and where nothing is held out; BertuneError for data or
 * weights that cannot be used; InterruptedError
 */
export async function estimate(options: EstimateOptions, hooks: JobHooks = {}): Promise<EstimateResult> {
  const began = performance.now();
  const given = resolve('estimate', options);
  const opened: { close(): unknown }[] = [];
  const folder = temporaryFolder();
  try {
    const engine = await openEngine(given, hooks);
    const start = await adaptStart(options, given, hooks);
    const settings = settled(given, start);
    const reading = {
      hooks,
      work: () => folder,
      keep<T extends { close(): unknown }>(one: T): T {
        opened.push(one);
        return one;
      },
    };
    const corpora = await readCorpora(settings, options, start.tokenizer, reading);
    if (corpora.heldOut.sequences.length === 0) {
      throw new UsageError(
        say`nothing is held out, so that there is nothing to measure by: give ${setting('eval')} or a larger ${setting('evalFraction')}`,
      );
    }
    const probe =
      given.train &&
      (await labelProbe({
        ...{ data: given.train, start, maxLength: settings.maxLength, seed: given.seed, engine: engine.engine, hooks },
      }));
    const result = await tried({ start, settings, corpora, probe, engine, folder, hooks });
    return { ...result, seconds: (performance.now() - began) / 1000 };
  } finally {
    for (const one of opened.reverse()) await one.close();
    removeFolder(folder);
  }
}

interface Ready {
  readonly start: AdaptStart;
  readonly settings: Settled<Resolved<'estimate'>>;
  readonly corpora: AdaptCorpora;
  readonly probe: LabelProbe | undefined;
  readonly engine: OpenedEngine;
  readonly folder: string;
  readonly hooks: JobHooks;
}

async function tried({ start, settings, corpora, probe, engine: { engine }, folder, hooks }: Ready) {
  const { seed, budget, dropout } = settings;
  const seconds = 60 * budget;
  const model = start.model.withDropout(dropout);
  const values = new Map([...(start.beside ?? []), ...start.values]);
  const encoder = { engine, model: start.model, frame: start.tokenizer.frame, hooks };
  const neighbourhood = await neighbourhoodOf(encoder, values, start, corpora, seed);
  const taskOn = (sequences: readonly number[]) =>
    adaptingTask({
      ...{ start, model, settings, neighbourhood, engine },
      corpora: { training: corpora.training, heldOut: { ...corpora.heldOut, sequences } },
      startValues: new Map([...start.values].map(([name, data]) => [name, Float32Array.from(data)])),
    });
  const all = corpora.heldOut.sequences;
  const first = taskOn(spread(all, fewestTexts));
  const memoryBytes = await checkMemory(first, 'adapt', {});
  const steps = totalSteps(first, settings);
  const { perText, texts } = await textsFor(first, all, shareOfMeasuring * seconds, hooks);
  const measure = async (metrics: Metrics, own: ParameterValues): Promise<Measured> => {
    throwIfAborted(hooks.signal);
    const { loss = Number.NaN, perplexity } = metrics;
    return { loss, ...(perplexity === undefined ? {} : { perplexity }), right: await probe?.right(own) };
  };
  const before = taskOn(texts);
  const at0 = await measure(await measured(before, hooks), values);
  const runs: (Measured & Rehearsal)[] = [];
  await rehearse({
    ...{ task: () => taskOn(texts), settings, engine, steps, seconds, folder, hooks },
    async onDone(run, trained) {
      runs.push({ ...run, ...(await measure(run.metrics, new Map([...values, ...trained]))) });
    },
  });
  const last = runs.at(-1);
  if (!last) throw new Error('internal: nothing was tried');
  const perStep = last.tokens / last.steps;
  const evaluations = 2 + (settings.evalSteps ? Math.floor(steps / settings.evalSteps) : 0);
  const whole: WholeRun = {
    ...{ steps, tokens: Math.round(steps * perStep), memoryBytes },
    seconds: (steps * perStep) / last.tokensPerSecond + evaluations * perText * all.length,
    disk: diskUse(
      { trained: before.parameters, all: start.model.parameters(start.model.partsOf(start.head)) },
      { ...settings, steps },
      settings.output,
    ),
  };
  noteDoubts(whole, { runs, texts: texts.length, settings, corpora }, hooks);
  const { forecast, outcome, gain } = forecastOf(at0, runs, whole.tokens, seed);
  return {
    objective: start.objective,
    start: shown({ steps: 0, tokens: 0, ...at0 }),
    tried: runs.map(shown),
    texts: texts.length,
    ...{ whole, forecast, outcome },
    ...(probe ? { labels: { texts: probe.texts, classes: probe.classes, gain } } : {}),
  };
}

/** Held-out texts that are measured on at the least, if there are so many. */
const fewestTexts = 64;
/** Part of the time that measuring once may take: it is done after each short run. */
const shareOfMeasuring = 0.05;

/** So many held-out texts, evenly among all, that measuring on them takes no longer than so many seconds. */
async function textsFor(task: CorpusTask, all: readonly number[], seconds: number, hooks: JobHooks) {
  await measured(task, hooks); // compiles the graph
  const began = performance.now();
  await measured(task, hooks);
  const perText = (performance.now() - began) / 1000 / Math.min(all.length, fewestTexts);
  return { perText, texts: spread(all, Math.max(fewestTexts, Math.floor(seconds / perText))) };
}

async function measured(task: CorpusTask, { signal }: JobHooks): Promise<Metrics> {
  const metrics = await task.evaluate?.(asTensors(task.startValues, task.parameters), signal);
  if (!metrics) throw new Error('internal: nothing is held out');
  const bad = badMetric(metrics);
  if (bad !== undefined) throw notFiniteAtStart(bad);
  return metrics;
}

function shown({ steps, tokens, loss, perplexity, right }: Measured & Pick<Rehearsal, 'steps' | 'tokens'>): TriedRun {
  const accuracy = right && right.reduce((sum, is) => sum + is, 0) / right.length;
  return {
    ...{ steps, tokens, loss },
    ...(perplexity === undefined ? {} : { perplexity }),
    ...(accuracy === undefined ? {} : { accuracy }),
  };
}

/** Says what the forecast cannot know, and what stands in the way of the run. */
function noteDoubts(
  { steps, disk: { model, checkpoints, free } }: WholeRun,
  {
    runs,
    texts,
    settings,
    corpora,
  }: Pick<Ready, 'settings' | 'corpora'> & { readonly runs: readonly Rehearsal[]; readonly texts: number },
  hooks: JobHooks,
): void {
  const longest = runs.at(-1)?.steps ?? 0;
  if (runs.length < leastRuns) {
    note(
      hooks,
      say`no more than ${counted(runs.length, 'short run')} in the time, too few to tell by; give more than ${settings.budget} minutes with ${setting('budget')}`,
    );
  } else if (steps > mostTimes * longest) {
    note(
      hooks,
      say`the longest short run had ${longest} of ${steps} steps: what is told of so much more is rough; more ${setting('budget')} tells more`,
    );
  }
  const { epochs = 1 } = settings;
  if (settings.maxSteps === undefined && epochs > 1) {
    note(
      hooks,
      say`${setting('epochs')} ${epochs}: short runs see each text once, and what seeing it again brings is less than what is told here`,
    );
  }
  if (texts < corpora.heldOut.sequences.length) {
    note(
      hooks,
      say`measured on ${texts} of ${corpora.heldOut.sequences.length} held-out texts, for the time that it takes`,
    );
  }
  if (free !== null && model + checkpoints > free) {
    note(
      hooks,
      say`the run writes up to ${formatBytes(model + checkpoints)}, and the disk of ${setting('output')} has ${formatBytes(free)} free`,
    );
  }
}

/** A run of so many times the steps of what was tried is far off. */
const mostTimes = 64;
