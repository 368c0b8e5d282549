import { join } from 'node:path';
import { InterruptedError, UsageError } from '../../core/errors.ts';
import { throwIfAborted } from '../../core/interrupt.ts';
import { say, setting } from '../../core/message.ts';
import type { ParameterValues } from '../../nn/parameters.ts';
import type { CorpusTask } from '../../tasks/text/corpusTask.ts';
import { frozenValues } from '../../tasks/text/frozen.ts';
import type { TrainerCallback } from '../../train/callbacks.ts';
import type { Metrics } from '../../train/task.ts';
import { Trainer } from '../../train/trainer.ts';
import { activity } from '../note.ts';
import type { TrainedBy } from '../training.ts';
import type { JobHooks } from '../types.ts';

/** A run of fewer steps, and what it came to. */
export interface Rehearsal {
  readonly steps: number;
  /** Non-padding tokens trained on. */
  readonly tokens: number;
  readonly metrics: Metrics;
  readonly tokensPerSecond: number;
}

export interface RehearsalOptions {
  /** A task from the start, of its own for each. */
  task(): CorpusTask;
  /** The settings of the whole run. */
  readonly settings: Pick<TrainedBy, 'learningRate' | 'schedule' | 'warmup' | 'weightDecay' | 'maxGradientNorm'>;
  readonly engine: ConstructorParameters<typeof Trainer>[0]['engine'];
  /** Steps of the whole run. */
  readonly steps: number;
  /** Seconds that all of them may take together. */
  readonly seconds: number;
  /** An empty folder. */
  readonly folder: string;
  readonly hooks: JobHooks;
  /** Hears of each when it is done, with the values of all that its model has. */
  onDone(rehearsal: Rehearsal, values: ParameterValues): Promise<void>;
}

/** Steps of the first one. */
const fewestSteps = 4;
/** Another one is worth its time where it has so many times the steps of the last. */
const leastGrowth = 1.4;
/** The longest is at most this part of the whole run. */
const mostOfWhole = 0.5;

/**
 * Runs of 4, 8, 16 … steps with the settings of the whole run, each from the start and with all of its schedule, so that
 * each ends as the whole run ends: with its learning rate gone down. They go on as long as there is time, and see the texts
 * that the whole run sees first.
 *
 * @throws UsageError when the whole run is shorter than what would tell of it, or the time is not enough for any;
 * InterruptedError when the signal was aborted
 */
export async function rehearse(options: RehearsalOptions): Promise<void> {
  const { steps, seconds } = options;
  const most = Math.floor(steps * mostOfWhole);
  if (most < 2 * fewestSteps) {
    throw new UsageError(
      say`the whole run has ${steps} steps: there is nothing to try out beforehand; run it, or give it more with ${setting('epochs')} or ${setting('maxSteps')}`,
    );
  }
  const ended = performance.now() + 1000 * seconds;
  const done: Timed[] = [];
  for (let next = fewestSteps; next <= most; ) {
    done.push(await rehearsal(options, next));
    next = affordable(done, (ended - performance.now()) / 1000, most);
    if (next === 0) break;
  }
}

/** Steps of one, and the time from its start to what was made of it. */
interface Timed {
  readonly steps: number;
  readonly seconds: number;
}

/** Steps of the next one: twice those of the last, or fewer where the time is short; 0 where it is too short. */
function affordable(done: readonly Timed[], left: number, most: number): number {
  const [before, last] = [done.at(-2), done.at(-1)];
  if (!last) return 0;
  // Beside its steps, each compiles graphs and measures.
  const perStep = before
    ? Math.max(0, last.seconds - before.seconds) / (last.steps - before.steps)
    : last.seconds / last.steps;
  const aside = Math.max(0, last.seconds - perStep * last.steps);
  const steps = Math.min(2 * last.steps, most, Math.floor((left - aside) / Math.max(perStep, 1e-6)));
  return steps >= leastGrowth * last.steps ? steps : 0;
}

async function rehearsal(options: RehearsalOptions, steps: number): Promise<Timed> {
  const { settings, engine, folder, hooks, onDone } = options;
  const began = performance.now();
  const task = options.task();
  const { learningRate, schedule, warmup, weightDecay, maxGradientNorm } = settings;
  const share = warmup < 1 ? warmup : warmup / options.steps;
  const trainer = new Trainer({
    ...{ task, engine, steps, learningRate, schedule, weightDecay, maxGradientNorm },
    callbacks: [stopping(hooks, options.steps)],
    checkpoints: join(folder, 'checkpoints'),
    warmupSteps: Math.round(share * steps),
    ...{ evalSteps: 0, saveSteps: 0, keepCheckpoints: 1, patience: 0, resume: false, fingerprint: {} },
  });
  const { units, unitsPerSecond, metrics, parameters } = await trainer.run();
  throwIfAborted(hooks.signal);
  const done = { steps, tokens: units, metrics: metrics ?? {}, tokensPerSecond: unitsPerSecond };
  await onDone(done, new Map([...frozenValues(task.frozen), ...parameters]));
  return { ...done, seconds: (performance.now() - began) / 1000 };
}

/** Says how far it is, and ends it at once when it is to stop: there is nothing to save. */
function stopping({ onEvent, signal }: JobHooks, whole: number): TrainerCallback {
  return {
    name: 'stopping',
    onStep({ step, steps }) {
      if (signal?.aborted) throw new InterruptedError('stopped; nothing of the estimate is kept');
      onEvent?.({
        type: 'progress',
        ...activity(say`trying ${steps} of ${whole} steps`),
        ...{ done: step, total: steps },
      });
    },
  };
}
