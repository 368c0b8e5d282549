import { join } from 'node:path';
import { InterruptedError } from '../../core/errors.ts';
import type { Message } from '../../core/message.ts';
import type { ParameterValues } from '../../nn/parameters.ts';
import { type FrozenSplit, frozenValues } from '../../tasks/text/frozen.ts';
import type { TrainingTask } from '../../train/task.ts';
import { Trainer } from '../../train/trainer.ts';
import { activity } from '../note.ts';
import { checkMemory, stopBeforeTraining } from '../training.ts';
import type { FinetuneRun } from './base.ts';

/** Training beside the run's own: a trial, or what the run starts from. */
export interface AsideRun {
  readonly run: Pick<FinetuneRun, 'given' | 'engine' | 'hooks'>;
  readonly task: TrainingTask & Pick<FrozenSplit, 'frozen'>;
  readonly steps: number;
  readonly learningRate: number;
  readonly schedule: FinetuneRun['given']['schedule'];
  /** Steps in which the learning rate rises; below 1, their share of all. */
  readonly warmup: number;
  /** What is shown while it goes on. */
  readonly shown: Message;
  /** Folder for what training needs, and the name of what it is for. */
  readonly folder: string;
  readonly name: string;
}

/**
 * Trains a task whose steps are of no use to a later run: nothing of them is kept.
 *
 * @returns the values of all of the task's parameters
 * @throws UsageError when there is not enough memory; InterruptedError when the signal was aborted
 */
export async function trainAside(aside: AsideRun): Promise<ParameterValues> {
  const { run, task, steps, learningRate, schedule, warmup, shown, folder, name } = aside;
  const { given, engine, hooks } = run;
  await checkMemory(task, 'finetune');
  const trainer = new Trainer({
    ...{ task, engine, steps, learningRate, schedule, signal: hooks.signal },
    ...{ weightDecay: given.weightDecay, maxGradientNorm: given.maxGradientNorm },
    warmupSteps: warmup < 1 ? Math.round(warmup * steps) : warmup,
    checkpoints: join(folder, name),
    ...{ evalSteps: 0, saveSteps: 0, keepCheckpoints: 1, patience: 0, resume: false, fingerprint: {} },
    callbacks: [
      {
        name: 'progress',
        onStep: ({ step }) => hooks.onEvent?.({ type: 'progress', ...activity(shown), done: step, total: steps }),
      },
    ],
  });
  const { parameters } = await trainer.run().catch((error: unknown) => {
    if (error instanceof InterruptedError) stopBeforeTraining(hooks);
    throw error;
  });
  return new Map([...frozenValues(task.frozen), ...parameters]);
}
