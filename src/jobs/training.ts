import { createHash } from 'node:crypto';
import { performance } from 'node:perf_hooks';
import { counted, InterruptedError, UsageError } from '../core/errors.ts';
import { availableMemory, formatBytes as size } from '../core/memory.ts';
import type { Engine } from '../engine/engine.ts';
import { onnxEngine } from '../engine/onnx/engine.ts';
import type { TextModel } from '../models/text/model.ts';
import type { TrainerCallback } from '../train/callbacks.ts';
import { estimateMemory } from '../train/memory.ts';
import { metricsLog } from '../train/metricsLog.ts';
import type { OptimizerOptions } from '../train/optimizer.ts';
import type { TrainingTask } from '../train/task.ts';
import { Trainer, type TrainingOutcome } from '../train/trainer.ts';
import type { RunFolder } from './runFolder.ts';
import type { JobHooks, TrainingOptions } from './types.ts';

/** Training options with every default filled in. */
export type ResolvedTraining = Required<
  Omit<TrainingOptions, 'epochs' | 'maxSteps' | 'dropout' | 'freeze' | 'evalSteps' | 'threads' | 'output' | 'offline'>
> &
  Pick<TrainingOptions, 'epochs' | 'maxSteps' | 'dropout' | 'freeze' | 'evalSteps' | 'threads' | 'output'>;

export function resolveTraining(options: TrainingOptions, defaults: { warmup: number }): ResolvedTraining {
  return {
    output: options.output,
    epochs: options.epochs,
    maxSteps: options.maxSteps,
    learningRate: options.learningRate ?? 5e-5,
    schedule: options.schedule ?? 'linear',
    warmup: options.warmup ?? defaults.warmup,
    weightDecay: options.weightDecay ?? 0.01,
    maxGradientNorm: options.maxGradientNorm ?? 1,
    accumulationSteps: options.accumulationSteps ?? 1,
    dropout: options.dropout,
    freeze: options.freeze,
    freezeLayers: options.freezeLayers ?? 0,
    recompute: options.recompute ?? false,
    fastMath: options.fastMath ?? false,
    evalSteps: options.evalSteps,
    saveSteps: options.saveSteps ?? 500,
    keepCheckpoints: options.keepCheckpoints ?? 2,
    patience: options.patience ?? 0,
    resume: options.resume ?? false,
    overwrite: options.overwrite ?? false,
    seed: options.seed ?? 0,
    threads: options.threads,
  };
}

/** Names of what is not to be trained. @throws UsageError when the model has fewer layers */
export function frozenBy({ freeze, freezeLayers = 0 }: TrainingOptions, model: TextModel): Set<string> {
  const { layers } = model.config;
  if (freezeLayers > layers) {
    throw new UsageError(`--freeze-layers ${freezeLayers} is more than the model's ${counted(layers, 'layer')}`);
  }
  return freeze || freezeLayers > 0 ? model.frozen(freezeLayers) : new Set();
}

export function createEngine(threads: number | undefined): Engine {
  return onnxEngine({ threads });
}

/** The engine of a training run; says when fast math has nothing to work with. */
export function trainingEngine({ threads, fastMath }: ResolvedTraining, { onEvent }: JobHooks): Engine {
  if (fastMath && !process.arch.startsWith('arm')) {
    onEvent?.({ type: 'note', text: `--fast-math does nothing on this processor (${process.arch}); it is for Arm` });
  }
  return onnxEngine({ threads, fastMath });
}

/** Counts the steps of a run. */
export function totalSteps(task: TrainingTask, { epochs, maxSteps }: TrainingOptions, defaultEpochs: number): number {
  if (maxSteps !== undefined) return maxSteps;
  let steps = 0;
  for (let epoch = 0; epoch < (epochs ?? defaultEpochs); epoch++) steps += task.stepsInEpoch(epoch);
  return steps;
}

/** @throws InterruptedError when the caller wants to stop before there is anything to save */
export function stopBeforeTraining({ signal }: JobHooks): void {
  if (signal?.aborted) throw new InterruptedError('stopped before the first step; there was nothing to save yet');
}

/** What a finished run that is resumed has to show; says which of the settings given now it was not made with. */
export function finishedResult<T>(
  { finished, path }: RunFolder,
  options: TrainingOptions,
  { onEvent }: JobHooks,
): T | undefined {
  if (!finished?.result) return undefined;
  const made = finished.configuration as Readonly<Record<string, unknown>>;
  const different = Object.entries(options).filter(
    ([name, value]) =>
      !notOfTheRun.has(name) && value !== undefined && JSON.stringify(value) !== JSON.stringify(made[name]),
  );
  const list = different.map(([name]) => `${name} (${JSON.stringify(made[name]) ?? 'its default'})`);
  const kept = different.length > 0 ? ` with the settings it was made with: ${list.join(', ')}` : '';
  onEvent?.({ type: 'note', text: `the run in ${path} is finished; this is its result${kept}` });
  return finished.result as T;
}

/** Options that say how to go about a run rather than what it is. */
const notOfTheRun = new Set(['output', 'resume', 'overwrite', 'threads', 'cache', 'recompute', 'offline']);

/** Digest of what the run starts from: the first numbers of every parameter. */
function digestOfStart(task: TrainingTask): string {
  const hash = createHash('sha256');
  for (const { name } of task.parameters) {
    const values = task.startValues.get(name)?.subarray(0, 256);
    hash.update(name).update(values ?? '');
  }
  return hash.digest('hex').slice(0, 16);
}

/** Trains a task in a run's folder, which is set up once nothing speaks against the run, and reports to the hooks. */
export async function train(
  task: TrainingTask,
  engine: Engine,
  folder: RunFolder,
  options: ResolvedTraining,
  /** For `run.json`: every setting of the command. */
  configuration: object,
  steps: number,
  fingerprint: Record<string, unknown>,
  hooks: JobHooks,
  optimizer?: OptimizerOptions,
): Promise<TrainingOutcome> {
  const { schedule, learningRate, warmup, weightDecay, maxGradientNorm, patience, seed, accumulationSteps } = options;
  stopBeforeTraining(hooks);
  const trainer = new Trainer(
    task,
    engine,
    {
      checkpoints: folder.checkpoints,
      steps,
      learningRate,
      schedule,
      warmupSteps: warmup < 1 ? Math.round(warmup * steps) : warmup,
      weightDecay,
      optimizer,
      maxGradientNorm,
      evalSteps: options.evalSteps ?? (patience > 0 ? Math.max(1, task.stepsInEpoch(0)) : 0),
      saveSteps: options.saveSteps,
      keepCheckpoints: options.keepCheckpoints,
      patience,
      resume: options.resume,
      fingerprint: {
        ...fingerprint,
        startWeights: digestOfStart(task),
        task: task.name,
        ...(options.freeze || options.freezeLayers > 0
          ? { freeze: options.freeze, freezeLayers: options.freezeLayers }
          : {}),
        ...(options.fastMath ? { fastMath: true } : {}),
        steps,
        ...{ schedule, learningRate, warmup, weightDecay, maxGradientNorm, seed, accumulationSteps, patience },
        ...(patience > 0 ? { evalSteps: options.evalSteps ?? null } : {}),
        ...(optimizer ? { optimizer } : {}),
      },
      signal: hooks.signal,
    },
    [beginning(folder, configuration, options, hooks), metricsLog(folder.metrics), reporter(task, hooks)],
  );
  return trainer.run();
}

/** What the process holds beside the numbers of a run: Node, the engine's code, buffers of reading. */
const processBytes = 150e6;

/**
 * Bytes that the process is going to take when it trains, from the graph of a step; nothing is run for it.
 *
 * @throws UsageError when that is more than there is
 */
export async function checkMemory(task: TrainingTask, available = availableMemory()): Promise<number> {
  const { state, step, recomputed } = await estimateMemory(task).catch(batchError);
  const held = [...task.startValues.values()].reduce((sum, { byteLength }) => sum + byteLength, 0);
  const needed = state + step - held;
  if (needed > available) {
    const less = recomputed();
    const saving = less < step ? `--recompute (${size(state + less - held)}), ` : '';
    throw new UsageError(
      `training needs about ${size(needed)} of memory more than it holds now, and ${size(available)} are available: use ${saving}smaller batches, more --accumulation-steps or a smaller model`,
    );
  }
  return state + step + processBytes;
}

/** @throws UsageError when the arrays of a batch cannot even be made */
function batchError(error: unknown): never {
  if (!(error instanceof RangeError && /\barray\b/i.test(error.message))) throw error;
  throw new UsageError('one batch is more than there is memory for: use smaller batches or more --accumulation-steps');
}

/** Writes the run down and says where it starts. */
function beginning(
  folder: RunFolder,
  configuration: object,
  { resume }: ResolvedTraining,
  { onEvent }: JobHooks,
): TrainerCallback {
  return {
    name: 'beginning',
    async onStart(resumedFrom, damaged) {
      await folder.begin(configuration);
      if (!resume) return;
      const note = (text: string) => onEvent?.({ type: 'note', text });
      for (const path of damaged) note(`the checkpoint ${path} is damaged and left out`);
      if (resumedFrom !== null) return note(`resumed after step ${resumedFrom}`);
      const readable = damaged.length > 0 ? ' that can be read' : '';
      note(`--resume: ${folder.path} holds no checkpoint${readable}, so the run starts from the beginning`);
    },
  };
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
