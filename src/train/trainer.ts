import { performance } from 'node:perf_hooks';
import { setImmediate } from 'node:timers/promises';
import { alone, type Collective, fromFirst, onFirst, shareOf, sumOf } from '../core/collective.ts';
import { BertuneError, InterruptedError } from '../core/errors.ts';
import { NotFiniteError } from '../core/finite.ts';
import { say, setting } from '../core/message.ts';
import { createTrainState } from '../engine/createTrainState.ts';
import type { Engine } from '../engine/engine.ts';
import { ProgramCache } from '../engine/programCache.ts';
import type { StepProgram, TrainState } from '../engine/trainState.ts';
import type { TrainerCallback } from './callbacks.ts';
import { Checkpoints } from './checkpoints/checkpoints.ts';
import { checkShared, type Reduction } from './collective.ts';
import { badMetric, notFiniteAtStart } from './divergence.ts';
import {
  type ChosenOptimizer,
  chooseOptimizer,
  defaultOptimizer,
  type OptimizerOptions,
} from './optimizers/optimizers.ts';
import { Pace } from './pace.ts';
import { stepOf } from './programs.ts';
import { evaluated, type RunState, startOf } from './runState.ts';
import { Saving } from './saving.ts';
import { learningRateAt, type ScheduleName } from './schedule.ts';
import type { Metrics, TrainingTask, Update } from './task.ts';

export interface TrainerOptions {
  readonly task: TrainingTask;
  readonly engine: Engine;
  /** Those of process 0 are the ones that are called. */
  readonly callbacks?: readonly TrainerCallback[];
  /** The processes that train together; this one alone when absent. They share the folder of checkpoints. */
  readonly collective?: Collective;
  /** How their gradients are added up; `exact`: to the bits of one process. `fast` when absent. */
  readonly reduction?: Reduction;
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
  /** Those among them that checkpoints of format 1 recorded otherwise. */
  readonly fingerprintInFormat1?: Readonly<Record<string, unknown>>;
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

/** The one training loop. What is trained is the task's; where it is held is the state's; who watches is a callback. */
export class Trainer {
  readonly #task: TrainingTask;
  readonly #options: TrainerOptions;
  readonly #collective: Collective;
  readonly #callbacks: readonly TrainerCallback[];
  readonly #optimizer: ChosenOptimizer;
  readonly #state: TrainState;
  readonly #programs: ProgramCache<StepProgram>;
  readonly #checkpoints: Checkpoints;
  readonly #saving: Saving;
  readonly #pace = new Pace();
  #run: RunState;

  /** @throws UsageError when the optimizer does not exist, or several processes cannot train the task together */
  constructor(options: TrainerOptions) {
    const { task, engine, callbacks = [], collective = alone, reduction, keepCheckpoints } = options;
    checkShared(task, collective);
    this.#task = task;
    this.#options = options;
    this.#collective = collective;
    const isWatched = collective.rank === 0;
    this.#callbacks = isWatched ? callbacks : [];
    this.#optimizer = chooseOptimizer(options.optimizer ?? defaultOptimizer);
    const { name, rule } = this.#optimizer;
    const trained = { parameters: task.parameters, states: task.states ?? [] };
    const isOrdered = reduction === 'exact' && collective.size > 1;
    this.#state = createTrainState(engine, { ...trained, rule, values: task.startValues, isOrdered });
    this.#programs = new ProgramCache((key) => this.#state.compile(stepOf(task.lossGraph(key))), 2);
    this.#checkpoints = new Checkpoints(options.checkpoints, { ...trained, optimizer: name, slots: rule.slots });
    const shared = { checkpoints: this.#checkpoints, state: this.#state, callbacks: this.#callbacks };
    this.#saving = new Saving({ ...shared, keep: keepCheckpoints, writes: isWatched });
    this.#run = startOf(options.fingerprint);
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
      const resumedFrom = await this.#start();
      if (this.#evaluationIsDue()) {
        // The run was stopped in it.
        metrics = await this.#evaluate();
        await this.#saveIfDue();
      }
      while (this.#run.step < steps && !(patience > 0 && this.#run.evaluationsWithoutBest >= patience)) {
        const norm = await this.#step();
        if (this.#evaluationIsDue()) metrics = await this.#evaluate();
        await this.#saveIfDue();
        await this.#stopIfAsked(norm);
      }
      if (this.#run.evaluatedStep !== this.#run.step) metrics = await this.#evaluate();
      return await this.#finish(resumedFrom, metrics);
    } finally {
      await this.#programs.dispose();
      await this.#state.dispose();
    }
  }

  /** Goes on from the newest checkpoint, if asked and there is one; returns its step. */
  async #start(): Promise<number | null> {
    const { resume, fingerprint, fingerprintInFormat1 = {} } = this.#options;
    const restored = resume ? await this.#saving.restore(fingerprint, fingerprintInFormat1) : undefined;
    this.#run = restored ?? this.#run;
    const resumedFrom = restored?.step ?? null;
    const damaged = resume ? this.#checkpoints.damaged() : [];
    for (const callback of this.#callbacks) await callback.onStart?.(resumedFrom, damaged);
    if (!resume) this.#saving.refuseForeign();
    for (const callback of this.#callbacks) callback.restore?.(this.#run.callbacks[callback.name]);
    const [sum] = await sumOf(this.#collective, this.#run.step);
    if (sum !== this.#collective.size * this.#run.step) {
      throw new BertuneError(
        `process ${this.#collective.rank} goes on from step ${this.#run.step} and others do not: all of them have to see the checkpoints in ${this.#options.checkpoints}`,
      );
    }
    return resumedFrom;
  }

  /** @returns the gradient's norm */
  async #step(): Promise<number> {
    const started = performance.now();
    const update = this.#task.update(this.#run.cursor);
    if (this.#run.step + 1 < this.#options.steps) this.#task.prepare?.(update.next);
    const { loss, weight, units } = await this.#accumulate(update);
    const norm = (await this.#state.norm('gradients')) / weight;
    const step = this.#run.step + 1;
    if (!Number.isFinite(loss)) this.#diverged(step, `the loss is ${loss}`);
    if (!Number.isFinite(norm)) this.#diverged(step, `the gradient's norm is ${norm}`);
    this.#saving.prune(this.#run);
    const learningRate = learningRateAt(this.#run.step, this.#options);
    const { maxGradientNorm, weightDecay, steps } = this.#options;
    const clip = maxGradientNorm > 0 ? Math.min(1, maxGradientNorm / (norm + 1e-6)) : 1;
    const gradientScale = clip / weight;
    await this.#state.apply((decays) =>
      this.#optimizer.scalars({ step, learningRate, gradientScale, weightDecay: decays ? weightDecay : 0 }),
    );
    const { epoch } = this.#run.cursor;
    this.#run = { ...this.#run, step, cursor: update.next, units: this.#run.units + units };
    this.#pace.add(started, units);
    const timing = { unitsPerSecond: this.#pace.unitsPerSecond, secondsLeft: this.#pace.secondsFor(steps - step) };
    const record = { step, steps, epoch, loss: loss / weight, learningRate, gradientNorm: norm, units, ...timing };
    for (const callback of this.#callbacks) callback.onStep?.(record);
    return norm;
  }

  /** Runs the update's micro-batches; afterwards the gradients hold the sum over all of them, those of other processes too. */
  async #accumulate({ microBatches }: Update): Promise<{ loss: number; weight: number; units: number }> {
    const own = { loss: 0, weight: 0, units: 0 };
    for await (const batch of shareOf(microBatches, this.#collective)) {
      const program = await this.#programs.get(batch.key);
      own.loss += await program.accumulate(batch.inputs);
      own.weight += batch.weight;
      own.units += batch.units;
    }
    await this.#state.reduce(this.#collective);
    const [loss = 0, weight = 0, units = 0] = await sumOf(this.#collective, own.loss, own.weight, own.units);
    return { loss, weight, units };
  }

  #evaluationIsDue(): boolean {
    const { step, evaluatedStep } = this.#run;
    const { evalSteps } = this.#options;
    return evalSteps > 0 && step > 0 && step % evalSteps === 0 && evaluatedStep !== step;
  }

  async #evaluate(): Promise<Metrics | null> {
    const metrics = await this.#measure(true);
    if (!metrics) return null;
    const { metric } = this.#task;
    for (const callback of this.#callbacks) callback.onEvaluation?.(this.#run.step, metrics);
    const value = await fromFirst(this.#collective, metrics[metric.name] ?? Number.NaN);
    this.#run = evaluated(this.#run, value, metric.goal === 'lower' ? 1 : -1);
    const { evalSteps, saveSteps, patience } = this.#options;
    const isBest = this.#run.best?.step === this.#run.step;
    if (isBest && evalSteps > 0 && (saveSteps > 0 || patience > 0)) await this.#saving.save(this.#run);
    return metrics;
  }

  /** What the task measures with the parameters as they are; the processes share it out, where the task knows how. */
  async #measure(mayStop: boolean): Promise<Metrics | null> {
    const { evaluate } = this.#task;
    if (!evaluate) return null;
    // Of several processes none may stop without the others.
    const signal = mayStop && this.#collective.size === 1 ? this.#options.signal : undefined;
    try {
      const metrics = await evaluate(await this.#state.values(), signal, this.#collective);
      const bad = badMetric(metrics);
      if (bad !== undefined) this.#diverged(this.#run.step + 1, bad);
      return metrics;
    } catch (error) {
      if (error instanceof NotFiniteError) this.#diverged(this.#run.step + 1, 'what the model answers is no number');
      // One of several that stops by itself has nothing saved, whatever it was that stopped it.
      if (error instanceof InterruptedError && signal) await this.#stop();
      throw error;
    }
  }

  async #saveIfDue(): Promise<void> {
    const { saveSteps } = this.#options;
    if (saveSteps > 0 && this.#run.step % saveSteps === 0) await this.#saving.save(this.#run);
  }

  /** @param norm of the gradient, which is the same in all processes */
  async #stopIfAsked(norm: number): Promise<void> {
    await setImmediate(); // lets signal handlers run between steps
    const isAborted = this.#options.signal?.aborted ?? false;
    const { rank } = this.#collective;
    const [asked = 0, first] = await sumOf(this.#collective, isAborted ? 1 : 0, rank === 0 ? norm : 0);
    if (first !== norm) {
      throw new BertuneError(
        `process ${rank} has other gradients than process 0 after step ${this.#run.step} (norm ${norm}, there ${first}): what adds them up does not give all processes the same; run with another MPI library`,
      );
    }
    if (asked > 0 && this.#run.step < this.#options.steps) await this.#stop();
  }

  async #stop(): Promise<never> {
    // None says so before the one that writes is done.
    const path = await onFirst(this.#collective, () => this.#saving.save(this.#run));
    throw new InterruptedError(
      say`stopped after step ${this.#run.step} of ${this.#options.steps}; saved ${path}; run the same command with ${setting('resume')} to go on`,
    );
  }

  async #finish(resumedFrom: number | null, measured: Metrics | null): Promise<TrainingOutcome> {
    const chosenStep = await this.#chooseParameters();
    // A run resumed after its last evaluation, too, measures once more: what it measured is not kept.
    const isMeasured = chosenStep === this.#run.step && measured !== null;
    const metrics = isMeasured ? measured : await this.#measure(false);
    await this.#checkOutcome();
    this.#saving.prune(this.#run);
    const values = Object.entries(await this.#state.values());
    return {
      steps: this.#run.step,
      units: this.#run.units,
      unitsPerSecond: this.#pace.unitsPerSecond,
      metrics,
      chosenStep,
      resumedFrom,
      parameters: new Map(values.map(([name, { data }]) => [name, data as Float32Array])),
    };
  }

  /** After early stopping was asked for, the parameters of the best evaluation; else those of the last step. */
  async #chooseParameters(): Promise<number> {
    const { best, step } = this.#run;
    if (this.#options.patience === 0 || !best || best.step === step) return step;
    await this.#saving.bringBack(best.step);
    return best.step;
  }

  /** The last step, too, may have been the one that diverged: no later loss shows it. */
  async #checkOutcome(): Promise<void> {
    const norm = await this.#state.norm('parameters');
    if (!Number.isFinite(norm)) this.#diverged(this.#run.step + 1, 'the parameters are no longer finite');
  }

  #diverged(step: number, sign: string): never {
    if (this.#run.step === 0) throw notFiniteAtStart(sign);
    // Its parameters are those that showed it.
    const path = this.#saving.drop(step - 1);
    const left = path ? `the last good checkpoint is ${path}` : 'no good checkpoint is left';
    throw new BertuneError(
      `training diverged at step ${step}: ${sign}; start anew with a learning rate below ${this.#options.learningRate}; ${left}`,
    );
  }
}
