import { createHash } from 'node:crypto';
import { performance } from 'node:perf_hooks';
import { alone, type Collective } from '../core/collective.ts';
import { counted, InterruptedError, UsageError } from '../core/errors.ts';
import { availableMemory, formatBytes as size } from '../core/memory.ts';
import { say, setting } from '../core/message.ts';
import type { Engine } from '../engine/engine.ts';
import type { TextModel } from '../models/text/model.ts';
import { takenBy } from '../settings/check.ts';
import type { JobName } from '../settings/jobs.ts';
import type { ResolvedFrom } from '../settings/options.ts';
import type { textTraining, training } from '../settings/takes.ts';
import type { TrainerCallback } from '../train/callbacks.ts';
import type { Reduction } from '../train/collective.ts';
import { estimateMemory } from '../train/memory.ts';
import { metricsLog } from '../train/metricsLog.ts';
import type { OptimizerOptions } from '../train/optimizers/optimizers.ts';
import type { TrainingTask } from '../train/task.ts';
import { Trainer, type TrainingOutcome } from '../train/trainer.ts';
import { note } from './note.ts';
import type { RunFolder } from './runFolder.ts';
import { readableRecord } from './runRecord.ts';
import type { JobHooks } from './types.ts';

/** The settings that every training job has, with every default filled in that is a value. */
export type ResolvedTraining = ResolvedFrom<typeof training>;

/** Names of what is not to be trained. @throws UsageError when the model has fewer layers */
export function frozenBy(
  { freeze, freezeLayers }: Pick<ResolvedFrom<typeof textTraining>, 'freezeLayers'> & { readonly freeze?: string },
  model: TextModel,
): Set<string> {
  const { layers } = model.config;
  if (freezeLayers > layers) {
    throw new UsageError(
      say`${setting('freezeLayers')} ${freezeLayers} is more than the model's ${counted(layers, 'layer')}`,
    );
  }
  return freeze || freezeLayers > 0 ? model.frozen(freezeLayers) : new Set();
}

/** Counts the steps of a run; the job says how many epochs it has where that is worked out. */
export function totalSteps(
  task: TrainingTask,
  { epochs, maxSteps }: Pick<ResolvedTraining, 'epochs' | 'maxSteps'>,
  usualEpochs = 1,
): number {
  if (maxSteps !== undefined) return maxSteps;
  let steps = 0;
  for (let epoch = 0; epoch < (epochs ?? usualEpochs); epoch++) steps += task.stepsInEpoch(epoch);
  return steps;
}

/** @throws InterruptedError when the caller wants to stop before there is anything to save */
export function stopBeforeTraining({ signal }: JobHooks): void {
  if (signal?.aborted) throw new InterruptedError('stopped before the first step; there was nothing to save yet');
}

/** What a run on columns of numbers has to share to go on, beside its settings. */
export function seriesIdentity(config: object, values: Float32Array) {
  // Its steps never had several micro-batches, and its first runs wrote that down.
  return { ...config, accumulationSteps: 1, values: createHash('sha256').update(values).digest('hex') };
}

/** Digest of what the run starts from: the first numbers of every parameter. */
export function digestOfStart(task: TrainingTask, order = (names: string[]) => names): string {
  const hash = createHash('sha256');
  for (const name of order(task.parameters.map((parameter) => parameter.name))) {
    const values = task.startValues.get(name)?.subarray(0, 256);
    hash.update(name).update(values ?? '');
  }
  return hash.digest('hex').slice(0, 16);
}

/** The settings that the trainer goes by, all of them settled. */
export type TrainedBy = Omit<ResolvedTraining, 'warmup'> & { readonly warmup: number };

/** What a training run is made of. */
export interface TrainingRun {
  readonly task: TrainingTask;
  readonly engine: Engine;
  readonly folder: RunFolder;
  readonly settings: TrainedBy;
  /** For `run.json`: every setting of the command. */
  readonly configuration: object;
  readonly steps: number;
  /** What a run has to share to go on with its checkpoints, beside what it starts from. */
  readonly identity: Readonly<Record<string, unknown>>;
  readonly optimizer?: OptimizerOptions;
  readonly reduce?: Reduction;
  /** Is called when the folder is set up. */
  readonly onBegun?: () => Promise<void>;
  readonly hooks: JobHooks;
}

/** Trains a task in a run's folder, which is set up once nothing speaks against the run, and reports to the hooks. */
export async function train(run: TrainingRun): Promise<TrainingOutcome> {
  const { task, engine, folder, settings, steps, identity, optimizer, reduce, hooks } = run;
  const { collective } = hooks;
  const { schedule, learningRate, warmup, weightDecay, maxGradientNorm, patience } = settings;
  stopBeforeTraining(hooks);
  const trainer = new Trainer({
    ...{ task, engine, collective, reduction: reduce },
    callbacks: [beginning(run), metricsLog(folder.metrics), reporter(task, hooks)],
    checkpoints: folder.checkpoints,
    steps,
    learningRate,
    schedule,
    warmupSteps: warmup < 1 ? Math.round(warmup * steps) : warmup,
    weightDecay,
    optimizer,
    maxGradientNorm,
    evalSteps: settings.evalSteps ?? (patience > 0 ? Math.max(1, task.stepsInEpoch(0)) : 0),
    saveSteps: settings.saveSteps,
    keepCheckpoints: settings.keepCheckpoints,
    patience,
    resume: settings.resume,
    fingerprint: {
      ...identity,
      ...{ startWeights: digestOfStart(task, (names) => names.sort()), task: task.name, steps },
      ...(optimizer ? { optimizer } : {}),
    },
    fingerprintInFormat1: { startWeights: digestOfStart(task) },
    signal: hooks.signal,
  });
  return trainer.run();
}

/** What the process holds beside the numbers of a run: Node, the engine's code, buffers of reading. */
const processBytes = 150e6;

/** What the memory of a run goes by beside its task. */
export interface MemoryOptions {
  readonly optimizer?: OptimizerOptions;
  readonly reduction?: Reduction;
  /** The processes that train together; those on one machine share its memory. */
  readonly collective?: Collective;
}

/**
 * Bytes that the process is going to take when it trains, from the graph of a step; nothing is run for it.
 *
 * @throws UsageError when that is more than there is
 */
export async function checkMemory(
  task: TrainingTask,
  job: JobName,
  { optimizer, reduction, collective = alone }: MemoryOptions = {},
  available = availableMemory() / (collective.beside ?? 1),
): Promise<number> {
  const shared = { optimizer, reduction, processes: collective.size };
  const { state, step, recomputed } = await estimateMemory(task, shared).catch(batchError);
  const held = [...task.startValues.values()].reduce((sum, { byteLength }) => sum + byteLength, 0);
  const needed = state + step - held;
  if (needed > available) {
    const less = recomputed();
    const smaller = takenBy(job).has('accumulationSteps') ? say`, more ${setting('accumulationSteps')} ` : ' ';
    const saving =
      less < step && takenBy(job).has('recompute') ? say`${setting('recompute')} (${size(state + less - held)}), ` : '';
    throw new UsageError(
      say`training needs about ${size(needed)} of memory more than it holds now, and ${size(available)} are available: use ${saving}smaller batches${smaller}or a smaller model`,
    );
  }
  return state + step + processBytes;
}

/** @throws UsageError when the arrays of a batch cannot even be made */
function batchError(error: unknown): never {
  if (!(error instanceof RangeError && /\barray\b/i.test(error.message))) throw error;
  throw new UsageError(
    say`one batch is more than there is memory for: use smaller batches or more ${setting('accumulationSteps')}`,
  );
}

/** Writes the run down, says where it starts and sees to it that the folder stays its own. */
function beginning({ folder, configuration, settings: { resume }, onBegun, hooks }: TrainingRun): TrainerCallback {
  return {
    name: 'beginning',
    async onStart(resumedFrom, damaged) {
      const earlier = computedBy(readableRecord(folder.path)?.configuration);
      await folder.begin(configuration);
      await onBegun?.();
      if (!resume) return;
      for (const path of damaged) note(hooks, `the checkpoint ${path} is damaged and left out`);
      if (resumedFrom !== null) {
        note(hooks, `resumed after step ${resumedFrom}`);
        noteOtherEngine(earlier, computedBy(configuration), hooks);
        return;
      }
      noteBeginning(folder, damaged.length > 0, hooks);
    },
    // Two runs in one folder would mix their checkpoints.
    onCheckpoint: () => folder.check(),
  };
}

/** What computed a run, from its record; those of versions that had one device do not name it. */
function computedBy(configuration: object | undefined): string {
  const { device = 'cpu', runtime = '' }: { device?: string; runtime?: string } = configuration ?? {};
  return device === 'cpu' ? 'cpu' : `${device}, ${runtime}`;
}

/** Says that a run goes on with another engine: its arithmetic rounds otherwise. */
function noteOtherEngine(earlier: string, now: string, hooks: JobHooks): void {
  if (earlier === now) return;
  note(
    hooks,
    say`the run began on ${setting('device')} ${earlier} and goes on with ${now}: the result is not to the last bit what it would have been`,
  );
}

/** Says that a run to be resumed has nothing to go on from. */
export function noteBeginning({ path }: RunFolder, areDamaged: boolean, hooks: JobHooks): void {
  const readable = areDamaged ? ' that can be read' : '';
  note(hooks, say`${setting('resume')}: ${path} holds no checkpoint${readable}, so the run starts from the beginning`);
}

function reporter({ unit }: TrainingTask, { onEvent }: JobHooks): TrainerCallback {
  return {
    name: 'reporter',
    onStep: ({ step, steps, epoch, loss, learningRate, unitsPerSecond, secondsLeft }) =>
      onEvent?.({ type: 'step', step, steps, epoch, loss, learningRate, unit, unitsPerSecond, secondsLeft }),
    onEvaluation: (step, metrics) => onEvent?.({ type: 'evaluation', step, metrics }),
    onCheckpoint: (step, path) => onEvent?.({ type: 'checkpoint', step, path }),
  };
}

/** Calls `report` at most every quarter of a second. */
export function throttled(report: (done: number) => void): (done: number) => void {
  let last = 0;
  return (done) => {
    if (performance.now() - last < 250) return;
    last = performance.now();
    report(done);
  };
}
