import { alone, onFirst } from '../core/collective.ts';
import { counted, defined, UsageError } from '../core/errors.ts';
import { joined, say, setting } from '../core/message.ts';
import type { Engine } from '../engine/engine.ts';
import { asTensors } from '../nn/parameters.ts';
import { cleared } from '../remote/address.ts';
import { countingSettings, isOfTheRun } from '../settings/identity.ts';
import type { JobName } from '../settings/jobs.ts';
import { badMetric, notFiniteAtStart } from '../train/divergence.ts';
import type { OptimizerOptions } from '../train/optimizers/optimizers.ts';
import type { Metrics, TrainingTask } from '../train/task.ts';
import type { TrainingOutcome } from '../train/trainer.ts';
import { type HeldOutAnswers, writeAnswers } from './heldOutAnswers.ts';
import { checkHooks } from './hooks.ts';
import { note } from './note.ts';
import { type OpenedEngine, openEngine } from './openEngine.ts';
import { reportOfRun } from './report.ts';
import { RunFolder } from './runFolder.ts';
import type { BaseFacts, ModelFacts } from './runRecord.ts';
import { refuseOtherData, refuseOtherEngine, refuseOtherStart } from './sameEverywhere.ts';
import {
  checkMemory,
  digestOfStart,
  noteBeginning,
  type ResolvedTraining,
  stopBeforeTraining,
  type TrainedBy,
  totalSteps,
  train,
} from './training.ts';
import type { JobEvent, JobHooks } from './types.ts';

/** A training run of some kind. What is not here is the same for all of them, and stands in `runTraining`. */
export interface TrainingJob<Result extends object> {
  /** The job in the table of settings, and what its record calls it. */
  readonly job: JobName;
  readonly command: string;
  /** Options as they were given, and as `resolve` filled them in. */
  readonly options: object;
  readonly settings: Pick<
    ResolvedTraining,
    'output' | 'resume' | 'overwrite' | 'fastMath' | 'threads' | 'reduce' | 'device'
  > & {
    /** Whether a page that shows the run is written at its end, and whether texts held out may be in it. */
    readonly report?: boolean;
    readonly reportTexts?: boolean;
  };
  /** Folders that the run reads: none of them may be its output. */
  readonly inputs?: readonly string[];
  /** Reads what the run starts from and trains on. Nothing is in the output folder yet. */
  read(reading: Reading): Promise<Plan<Result> | Fit<Result>>;
}

/** What reading works with. */
export interface Reading {
  readonly hooks: JobHooks;
  /** The engine of the run. */
  readonly engine: Engine;
  /** An empty folder that goes when the run ends. */
  work(): string;
  /** Takes care that something is closed when the run ends, the last one first. */
  keep<T extends { close(): unknown }>(opened: T): T;
}

/** A run that is ready to begin. */
export interface Plan<Result extends object> {
  readonly task: TrainingTask;
  /** The settings with what depends on data and model filled in. */
  readonly settings: TrainedBy;
  /** Passes over the data where neither passes nor steps were asked for. */
  readonly epochs?: number;
  readonly optimizer?: OptimizerOptions;
  /** For its record, beside options and settings. */
  readonly configuration?: object;
  /** What another run has to share to go on with its checkpoints, beside the weights that it starts from. */
  readonly identity: Readonly<Record<string, unknown>>;
  /** Leaves in the output folder what a run that goes on needs beside checkpoints; it is set up by then. */
  onBegun?(): Promise<void>;
  /** Hears how the start does on what is held out; null where nothing is. Without it the start is not measured. */
  onStartMeasured?(metrics: Metrics | null): void;
  /** Hears what the run reports, before the caller does. */
  onEvent?(event: JobEvent): void;
  /** Saves the model and says what came of the run. @param before how the start did, where it was measured */
  finish(outcome: TrainingOutcome, before: Metrics | null): Promise<Finished<Result>>;
}

/** A run that is ready to begin and has no steps: what it looks for is found at once. */
export interface Fit<Result extends object> {
  /** As for a plan. */
  readonly settings: object;
  /** For its record, beside options and settings. */
  readonly configuration?: object;
  /** Fits, saves the model and says what came of the run. */
  fit(): Promise<Finished<Result>>;
}

/** What a run leaves behind. */
export interface Finished<Result extends object> {
  readonly result: Result;
  /** Counts of the data, for the record. */
  readonly data: object;
  /** What a model card says beside the result, for models that get one. */
  readonly card?: { readonly about: ModelFacts; readonly base?: BaseFacts };
  /** What the model answered to texts held out; they are kept beside the record. */
  readonly answers?: HeldOutAnswers;
}

/**
 * The one way in which a training job goes: it claims its folder, reads, checks the memory, measures the start, trains or
 * fits, saves, and writes down what came of it. Several processes all read, measure and train; the first one does the rest
 * and tells the others what came of it.
 *
 * @throws UsageError for a folder, data or settings to change; BertuneError for what cannot be used; InterruptedError
 * after saving, when the signal was aborted
 */
export async function runTraining<Result extends object>(
  { job, command, options, settings, inputs = [], read }: TrainingJob<Result>,
  hooks: JobHooks,
): Promise<Result> {
  checkHooks(hooks);
  const { collective = alone } = hooks;
  await refuseOtherStart(collective, { command, settings });
  const claim = { ...settings, command, inputs };
  let own: RunFolder | undefined;
  const earlier = await onFirst(collective, () => {
    own = RunFolder.claim(settings.output, claim);
    return finishedResult<Result>(own, options, hooks);
  });
  if (earlier) return earlier;
  const folder = own ?? RunFolder.heldByOther(settings.output, claim);
  const opened: { close(): unknown }[] = [];
  let computing: OpenedEngine | undefined;
  const reading: Reading = {
    hooks,
    get engine() {
      return defined(computing, 'the engine').engine;
    },
    work: () => folder.work(),
    keep(one) {
      opened.push(one);
      return one;
    },
  };
  try {
    computing = await openEngine(settings, hooks);
    await refuseOtherEngine(collective, computing);
    const plan = await read(reading);
    return await ('task' in plan ? trained(plan) : fitted(plan));
  } finally {
    try {
      for (const one of opened.reverse()) await one.close();
    } finally {
      folder.release();
    }
  }

  async function trained(plan: Plan<Result>): Promise<Result> {
    const { task, optimizer } = plan;
    const { reduce } = settings;
    const estimatedMemoryBytes = await checkMemory(task, job, { optimizer, reduction: reduce, collective });
    const steps = totalSteps(task, plan.settings, plan.epochs);
    await refuseOtherData(collective, { ...plan.identity, ...{ startWeights: digestOfStart(task), steps } });
    if (collective.size > 1) await noteIdle(task, collective.size, hooks);
    const before = plan.onStartMeasured ? await measureStart(task, hooks) : null;
    plan.onStartMeasured?.(before);
    const outcome = await train({
      ...{ task, folder, optimizer, settings: plan.settings, identity: plan.identity, engine: reading.engine },
      configuration: { ...recorded(plan.settings), ...plan.configuration, estimatedMemoryBytes },
      ...{ steps, reduce, onBegun: plan.onBegun },
      hooks: plan.onEvent ? listened(hooks, (event) => plan.onEvent?.(event)) : hooks,
    });
    return onFirst(collective, async () => finished(await plan.finish(outcome, before)));
  }

  function fitted(plan: Fit<Result>): Promise<Result> {
    return onFirst(collective, async () => {
      stopBeforeTraining(hooks);
      if (folder.holdsCheckpoints()) {
        throw new UsageError(
          say`${folder.path} holds checkpoints of a run in steps, which this one has none of; replace it with ${setting('overwrite')}, or choose another ${setting('output')}`,
        );
      }
      if (collective.size > 1) note(hooks, 'there are no steps to share out: process 0 fits the model');
      await folder.begin({ ...recorded(plan.settings), ...plan.configuration });
      if (settings.resume) noteBeginning(folder, false, hooks);
      return finished(await plan.fit());
    });
  }

  /** Writes down what came of the run. */
  async function finished({ result, data, card, answers }: Finished<Result>): Promise<Result> {
    const { report = false, reportTexts = false } = settings;
    if (answers && answers.texts.length > 0) await writeAnswers(folder.path, answers, reportTexts);
    if (card) noteKeptCard(await folder.finishWithCard(result, data, card.about, card.base), hooks);
    else await folder.finish(result, data);
    if (report) await reportOfRun(folder.path, reportTexts, hooks);
    return result;
  }

  /** What the run's record holds of its options. */
  function recorded(counting: object): object {
    const { device, runtime } = defined(computing, 'the engine');
    return cleared({ ...options, ...countingSettings(job, counting), device, runtime });
  }
}

/** What a finished run that is resumed has to show; says which of the settings given now it was not made with. */
function finishedResult<T>({ finished, path }: RunFolder, options: object, hooks: JobHooks): T | undefined {
  if (!finished?.result) return undefined;
  const made = finished.configuration as Readonly<Record<string, unknown>>;
  const different = Object.entries(cleared(options)).filter(
    ([name, value]) => isOfTheRun(name) && value !== undefined && JSON.stringify(value) !== JSON.stringify(made[name]),
  );
  const list = different.map(([name]) => say`${setting(name)} (${JSON.stringify(made[name]) ?? 'its default'})`);
  const kept = different.length > 0 ? say` with the settings it was made with: ${joined(list, ', ')}` : '';
  note(hooks, say`the run in ${path} is finished; this is its result${kept}`);
  return finished.result as T;
}

async function measureStart(task: TrainingTask, hooks: JobHooks): Promise<Metrics | null> {
  if (!task.evaluate) return null;
  const start = asTensors(task.startValues, [...task.parameters, ...(task.states ?? [])]);
  const { signal, collective = alone } = hooks;
  // Of several processes none may stop without the others.
  const heard = collective.size === 1 ? signal : undefined;
  const metrics = await task.evaluate(start, heard, collective).catch((error: unknown) => {
    stopBeforeTraining(hooks);
    throw error;
  });
  const bad = badMetric(metrics);
  if (bad !== undefined) throw notFiniteAtStart(bad);
  hooks.onEvent?.({ type: 'evaluation', step: 0, metrics });
  return metrics;
}

/** Says when there are more processes than micro-batches of an update. */
async function noteIdle(task: TrainingTask, processes: number, hooks: JobHooks): Promise<void> {
  let batches = 0;
  for await (const _ of task.update({ epoch: 0, index: 0 }).microBatches) batches++;
  if (batches >= processes) return;
  const [one, idle] = [counted(batches, 'micro-batch', 'micro-batches'), processes - batches];
  note(
    hooks,
    say`an update has ${one}, so ${idle} of ${processes} processes ${idle === 1 ? 'has' : 'have'} nothing to train on; ${setting('accumulationSteps')} ${processes} cuts it into as many`,
  );
}

function listened(hooks: JobHooks, listen: (event: JobEvent) => void): JobHooks {
  return {
    ...hooks,
    onEvent(event) {
      hooks.onEvent?.(event);
      listen(event);
    },
  };
}

/** Says that a card was left alone. */
function noteKeptCard(isKept: boolean, hooks: JobHooks): void {
  if (!isKept) return;
  note(hooks, say`README.md was edited and is left alone; bertune card ${setting('overwrite')} replaces it`);
}
