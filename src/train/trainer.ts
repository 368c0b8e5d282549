import { performance } from 'node:perf_hooks';
import { setImmediate } from 'node:timers/promises';
import { BertuneError, InterruptedError } from '../core/errors.ts';
import { say, setting } from '../core/message.ts';
import type { HostTensor } from '../core/tensor.ts';
import type { Engine } from '../engine/engine.ts';
import { ParameterArena } from './arena.ts';
import type { TrainerCallback } from './callbacks.ts';
import {
  checkpointPath,
  damagedCheckpoints,
  isWholeCheckpoint,
  latestCheckpoint,
  latestState,
  pruneCheckpoints,
  type RunArrays,
  type RunState,
  readCheckpoint,
  refuseOtherSettings,
  removeCheckpoint,
  writeCheckpoint,
} from './checkpoint.ts';
import { FlatArrays } from './flatArrays.ts';
import { createOptimizer, type Optimizer, type OptimizerOptions } from './optimizer.ts';
import { Pace } from './pace.ts';
import { compileStep, gradientOutput, lossOutput, ProgramCache, stateOutput } from './programs.ts';
import { learningRateAt, type ScheduleName } from './schedule.ts';
import type { Batch, Metrics, TrainingTask, Update } from './task.ts';

export interface TrainerOptions {
  /** Folder of the run's checkpoints. */
  readonly checkpoints: string;
  /** Optimizer steps of the whole run. */
  readonly steps: number;
  readonly learningRate: number;
  readonly schedule: ScheduleName;
  readonly warmupSteps: number;
  readonly weightDecay: number;
  /** AdamW when absent. */
  readonly optimizer?: OptimizerOptions;
  /** Largest global gradient norm; 0 turns clipping off. */
  readonly maxGradientNorm: number;
  /** Steps between evaluations; 0 evaluates at the end alone. */
  readonly evalSteps: number;
  /** Steps between checkpoints; 0 saves none but what an interruption or an evaluation asks for. */
  readonly saveSteps: number;
  /** Checkpoints kept beside the best one. */
  readonly keepCheckpoints: number;
  /** Evaluations without a better metric before the run stops; 0 never stops early. */
  readonly patience: number;
  /** Go on from the newest checkpoint when there is one. */
  readonly resume: boolean;
  /** Settings that a resumed run has to share with the run it goes on. */
  readonly fingerprint: Readonly<Record<string, unknown>>;
  readonly signal?: AbortSignal;
}

export interface TrainingOutcome {
  readonly steps: number;
  readonly units: number;
  /** Units per second of step time, optimizer included, the process's first step left out. */
  readonly unitsPerSecond: number;
  readonly metrics: Metrics | null;
  /** Step whose parameters the outcome holds: the best one's after early stopping was asked for, else the last. */
  readonly chosenStep: number;
  readonly resumedFrom: number | null;
  /** Values of the parameters and states, by name. */
  readonly parameters: ReadonlyMap<string, Float32Array>;
}

/** The one training loop. What is trained is the task's; who watches is a callback. */
export class Trainer {
  readonly #task: TrainingTask;
  readonly #options: TrainerOptions;
  readonly #callbacks: readonly TrainerCallback[];
  readonly #arena: ParameterArena;
  readonly #flat: FlatArrays;
  readonly #optimizer: Optimizer;
  readonly #programs: ProgramCache;
  readonly #parameters: Float32Array;
  readonly #gradients: Float32Array;
  readonly #states: Float32Array;
  /** What a micro-batch writes its new states to, before they take the place of the old ones. */
  readonly #newStates: Float32Array;
  readonly #newStateViews: Record<string, HostTensor>;
  /** The parameters and states as they are now. */
  readonly #values: Record<string, HostTensor>;
  #microGradients: Float32Array | undefined;
  #state: RunState;
  /** The state that the newest checkpoint holds. */
  #savedState: RunState | undefined;
  /** Whether older checkpoints wait for a finite loss to be removed. */
  #unpruned = false;
  readonly #pace = new Pace();

  constructor(task: TrainingTask, engine: Engine, options: TrainerOptions, callbacks: readonly TrainerCallback[] = []) {
    this.#task = task;
    this.#options = options;
    this.#callbacks = callbacks;
    this.#arena = new ParameterArena(task.parameters);
    this.#flat = new FlatArrays(this.#arena);
    this.#parameters = this.#arena.gather(task.startValues, this.#flat.array());
    const states = new ParameterArena((task.states ?? []).map((state) => ({ ...state, decay: false })));
    this.#states = states.gather(task.startValues);
    this.#newStates = new Float32Array(states.size);
    task.startValues.clear();
    this.#gradients = this.#flat.array();
    this.#values = { ...this.#arena.views(this.#parameters), ...states.views(this.#states) };
    this.#newStateViews = namedBy(stateOutput, states.views(this.#newStates));
    const { optimizer = { name: 'adamw' }, weightDecay } = options;
    this.#optimizer = createOptimizer(this.#flat, optimizer, weightDecay);
    this.#programs = new ProgramCache((key) => compileStep(engine, task.lossGraph(key)), 2);
    this.#state = {
      step: 0,
      cursor: { epoch: 0, index: 0 },
      units: 0,
      best: null,
      evaluatedStep: null,
      evaluationsWithoutBest: 0,
      fingerprint: options.fingerprint,
      callbacks: {},
    };
  }

  /**
   * Trains to the end.
   *
   * @throws InterruptedError after saving, when the signal was aborted
   * @throws BertuneError when the loss is no longer finite
   */
  async run(): Promise<TrainingOutcome> {
    const { steps, patience } = this.#options;
    let metrics: Metrics | null = null;
    try {
      const resumedFrom = this.#restore();
      await this.#start(resumedFrom);
      if (this.#evaluationIsDue()) {
        // The run was stopped in it.
        metrics = await this.#evaluate();
        this.#saveIfDue();
      }
      while (this.#state.step < steps && !(patience > 0 && this.#state.evaluationsWithoutBest >= patience)) {
        await this.#step();
        if (this.#evaluationIsDue()) metrics = await this.#evaluate();
        this.#saveIfDue();
        await this.#stopIfAsked();
      }
      if (this.#state.evaluatedStep !== this.#state.step) metrics = await this.#evaluate();
      const chosenStep = this.#chooseParameters();
      // A run resumed after its last evaluation, too, measures once more: what it measured is not kept.
      if (chosenStep !== this.#state.step || !metrics) {
        metrics = (await this.#task.evaluate?.(this.#values)) ?? null;
      }
      await this.#checkOutcome(metrics);
      this.#prune();
      return {
        steps: this.#state.step,
        units: this.#state.units,
        unitsPerSecond: this.#pace.unitsPerSecond,
        metrics,
        chosenStep,
        resumedFrom,
        parameters: new Map(Object.entries(this.#values).map(([name, { data }]) => [name, data as Float32Array])),
      };
    } finally {
      await this.#programs.dispose();
    }
  }

  async #step(): Promise<void> {
    const started = performance.now();
    const update = this.#task.update(this.#state.cursor);
    if (this.#state.step + 1 < this.#options.steps) this.#task.prepare?.(update.next);
    const { loss, weight, units } = await this.#accumulate(update);
    const norm = (await this.#flat.norm(this.#gradients)) / weight;
    const number = this.#state.step + 1;
    if (!Number.isFinite(loss)) this.#diverged(number, `the loss is ${loss}`);
    if (!Number.isFinite(norm)) this.#diverged(number, `the gradient's norm is ${norm}`);
    this.#prune();
    const learningRate = learningRateAt(this.#state.step, this.#options);
    const { maxGradientNorm } = this.#options;
    const clip = maxGradientNorm > 0 ? Math.min(1, maxGradientNorm / (norm + 1e-6)) : 1;
    await this.#optimizer.step({
      ...{ parameters: this.#parameters, gradients: this.#gradients, gradientScale: clip / weight },
      ...{ learningRate, step: number },
    });
    const { epoch } = this.#state.cursor;
    this.#state = { ...this.#state, step: number, cursor: update.next, units: this.#state.units + units };
    this.#pace.add(started, units);
    const record = { step: number, steps: this.#options.steps, epoch, loss: loss / weight, learningRate };
    const secondsLeft = this.#pace.secondsFor(this.#options.steps - number);
    const timing = { unitsPerSecond: this.#pace.unitsPerSecond, secondsLeft };
    for (const callback of this.#callbacks) callback.onStep?.({ ...record, ...timing, gradientNorm: norm, units });
  }

  /** Runs the update's micro-batches; afterwards the gradients hold the sum over all of them. */
  async #accumulate({ microBatches }: Update): Promise<{ loss: number; weight: number; units: number }> {
    const total = { loss: 0, weight: 0, units: 0 };
    let first = true;
    for await (const batch of microBatches) {
      if (!first) this.#microGradients ??= this.#flat.array();
      const target = first || !this.#microGradients ? this.#gradients : this.#microGradients;
      total.loss += await this.#runBatch(batch, target);
      if (target !== this.#gradients) await this.#flat.accumulate(this.#gradients, target);
      total.weight += batch.weight;
      total.units += batch.units;
      first = false;
    }
    return total;
  }

  async #runBatch(batch: Batch, gradients: Float32Array): Promise<number> {
    const program = await this.#programs.get(batch.key);
    const into = { ...namedBy(gradientOutput, this.#arena.views(gradients)), ...this.#newStateViews };
    const { [lossOutput]: loss } = await program.run({ ...this.#values, ...batch.inputs }, into);
    this.#states.set(this.#newStates);
    return Number(loss?.data[0]);
  }

  #evaluationIsDue(): boolean {
    const { step, evaluatedStep } = this.#state;
    const { evalSteps } = this.#options;
    return evalSteps > 0 && step > 0 && step % evalSteps === 0 && evaluatedStep !== step;
  }

  async #evaluate(): Promise<Metrics | null> {
    const { evaluate, metric } = this.#task;
    if (!evaluate) return null;
    const metrics = await evaluate(this.#values, this.#options.signal).catch((error: unknown) => {
      if (error instanceof InterruptedError) this.#stop();
      throw error;
    });
    const { step, best } = this.#state;
    for (const callback of this.#callbacks) callback.onEvaluation?.(step, metrics);
    const value = metrics[metric.name];
    const sign = metric.goal === 'lower' ? 1 : -1;
    const better = value !== undefined && Number.isFinite(value) && (!best || sign * value < sign * best.value);
    this.#state = better
      ? { ...this.#state, evaluatedStep: step, best: { step, value }, evaluationsWithoutBest: 0 }
      : { ...this.#state, evaluatedStep: step, evaluationsWithoutBest: this.#state.evaluationsWithoutBest + 1 };
    if (better && this.#options.evalSteps > 0 && (this.#options.saveSteps > 0 || this.#options.patience > 0))
      this.#save();
    return metrics;
  }

  /** After early stopping was asked for, the parameters of the best evaluation; else those of the last step. */
  #chooseParameters(): number {
    const { best, step } = this.#state;
    if (this.#options.patience === 0 || !best || best.step === step) return step;
    readCheckpoint(checkpointPath(this.#options.checkpoints, best.step), this.#valueArrays());
    return best.step;
  }

  #saveIfDue(): void {
    const { saveSteps } = this.#options;
    if (saveSteps > 0 && this.#state.step % saveSteps === 0) this.#save();
  }

  #save(): string {
    const { checkpoints } = this.#options;
    if (this.#savedState === this.#state) return checkpointPath(checkpoints, this.#state.step);
    const callbacks = Object.fromEntries(
      this.#callbacks.flatMap((callback) => (callback.state ? [[callback.name, callback.state()]] : [])),
    );
    const path = writeCheckpoint(checkpoints, { ...this.#state, callbacks }, this.#arrays());
    this.#savedState = this.#state;
    this.#unpruned = true;
    for (const callback of this.#callbacks) callback.onCheckpoint?.(this.#state.step, path);
    return path;
  }

  /** Goes on from the newest checkpoint, if asked and there is one; returns its step. */
  #restore(): number | null {
    const arrays = this.#arrays();
    const { resume, checkpoints, fingerprint } = this.#options;
    // Before the arrays are looked at: those of a run with other settings may have other sizes.
    const recorded = resume ? latestState(checkpoints) : undefined;
    if (recorded) refuseOtherSettings(recorded.state.fingerprint, fingerprint, recorded.path);
    const path = resume ? latestCheckpoint(checkpoints, arrays) : undefined;
    if (path) {
      const state = readCheckpoint(path, arrays);
      this.#state = this.#bestIsThere(state.best?.step) ? state : { ...state, best: null };
      this.#savedState = this.#state;
      this.#unpruned = true;
    }
    return path ? this.#state.step : null;
  }

  /** Whether the best parameters can be read again: a damaged checkpoint may have taken them along. */
  #bestIsThere(step: number | undefined): boolean {
    if (step === undefined) return true;
    return isWholeCheckpoint(checkpointPath(this.#options.checkpoints, step), this.#arrays());
  }

  async #start(resumedFrom: number | null): Promise<void> {
    const { resume, checkpoints } = this.#options;
    const damaged = resume ? damagedCheckpoints(checkpoints, this.#arrays()) : [];
    for (const callback of this.#callbacks) await callback.onStart?.(resumedFrom, damaged);
    for (const callback of this.#callbacks) callback.restore?.(this.#state.callbacks[callback.name]);
  }

  #arrays(): RunArrays {
    return { ...this.#valueArrays(), ...this.#optimizer.state };
  }

  #valueArrays(): RunArrays {
    return { parameters: this.#parameters, ...(this.#states.length > 0 ? { states: this.#states } : {}) };
  }

  async #stopIfAsked(): Promise<void> {
    await setImmediate(); // lets signal handlers run between steps
    if (this.#options.signal?.aborted && this.#state.step < this.#options.steps) this.#stop();
  }

  #stop(): never {
    const path = this.#save();
    throw new InterruptedError(
      say`stopped after step ${this.#state.step} of ${this.#options.steps}; saved ${path}; run the same command with ${setting('resume')} to go on`,
    );
  }

  /** Removes older checkpoints, once a finite loss has shown that the newest is good. */
  #prune(): void {
    if (!this.#unpruned) return;
    const { checkpoints, keepCheckpoints } = this.#options;
    const best = this.#state.best ? [this.#state.best.step] : [];
    pruneCheckpoints(checkpoints, keepCheckpoints, best, this.#arrays());
    this.#unpruned = false;
  }

  /** The last step, too, may have been the one that diverged: no later loss shows it. */
  async #checkOutcome(metrics: Metrics | null): Promise<void> {
    const norm = await this.#flat.norm(this.#parameters);
    const [bad] = Object.entries(metrics ?? {}).find(([, value]) => Number.isNaN(value)) ?? [];
    if (bad) this.#diverged(this.#state.step + 1, `the held-out ${bad} is NaN`);
    if (!Number.isFinite(norm)) this.#diverged(this.#state.step + 1, 'the parameters are no longer finite');
  }

  #diverged(step: number, sign: string): never {
    // Its parameters are those that showed it.
    removeCheckpoint(this.#options.checkpoints, step - 1);
    const path = latestCheckpoint(this.#options.checkpoints, this.#arrays());
    const left = path ? `the last good checkpoint is ${path}` : 'no good checkpoint is left';
    throw new BertuneError(
      `training diverged at step ${step}: ${sign}; start anew with a learning rate below ${this.#options.learningRate}; ${left}`,
    );
  }
}

function namedBy<T>(rename: (name: string) => string, values: Readonly<Record<string, T>>): Record<string, T> {
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [rename(name), value]));
}
