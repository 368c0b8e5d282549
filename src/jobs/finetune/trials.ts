import { performance } from 'node:perf_hooks';
import { counted, UsageError } from '../../core/errors.ts';
import { say, setting } from '../../core/message.ts';
import type { Rows } from '../../evaluation/neighbours.ts';
import { note } from '../note.ts';
import type { Base, FinetuneRun } from './base.ts';
import { answersOfFold } from './foldRuns.ts';
import { foldCount } from './labeled.ts';
import { type Recipe, recipeOf, type TrainedMethod } from './recipe.ts';
import { compared, rightOf, type Tried } from './rungs.ts';

/** What the trained methods start from. */
export interface Start {
  readonly base: Base;
  /** Vectors of the texts, and the penalty that suits them. */
  readonly features: Rows;
  readonly c: number;
  /** Time that the vectors took. */
  readonly seconds: number;
}

/** Passes over some texts. */
export interface Passes {
  readonly texts: number;
  readonly epochs: number;
}

/** Training on a text takes about this many times as long as making its vector. */
const trainingPerVector = 4.5;
/** Minutes that a run may take at least, and how often it may train where training once takes long. */
const [leastMinutes, timesTrained] = [4.5, 3];

/** Trials of the trained methods within the time that the run has. */
export class Trials {
  readonly #run: FinetuneRun;
  readonly #began: number;
  #start: Start;
  readonly #folder: string;
  /** Share of the texts that trials see. */
  readonly #share: number;
  /** Seconds that training on all texts takes, as far as it is known. */
  readonly #estimates: Map<TrainedMethod, number>;
  readonly #recipes: ReadonlyMap<TrainedMethod, Recipe>;
  readonly #budget: number;
  readonly #adaptingSeconds: number;

  /**
   * @param sampled the run with the texts that trials see
   * @param began when the run began, as `performance.now()` tells it
   * @param adapting passes over texts without labels, of so many, that may come before
   */
  constructor(run: FinetuneRun, sampled: FinetuneRun, start: Start, began: number, adapting: Passes) {
    const { given, data } = run;
    const { base } = start;
    this.#run = sampled;
    this.#began = began;
    this.#start = start;
    this.#folder = run.work();
    this.#share = sampled.data.texts.length / data.texts.length;
    const names = ['finetune', 'contrastive'] as const;
    this.#recipes = new Map(names.map((name) => [name, recipeOf(name, run, base, base.sequences(data.texts))]));
    const seconds = (name: TrainedMethod) => {
      const { epochs: usual, settings } = this.#recipe(name);
      const { maxSteps, epochs = usual } = given;
      const passes = maxSteps === undefined ? epochs : maxSteps * Math.min(1, settings.batchSize / data.texts.length);
      return (start.seconds / this.#share) * trainingPerVector * passes;
    };
    this.#estimates = new Map(names.map((name) => [name, seconds(name)]));
    const perText = start.seconds / sampled.data.texts.length;
    this.#adaptingSeconds = perText * adapting.texts * (1 + trainingPerVector * adapting.epochs);
    const usual = this.#adaptingSeconds + Math.max(leastMinutes * 60, timesTrained * this.#dearest());
    this.#budget = given.budget === undefined ? usual : given.budget * 60;
    this.announce = () =>
      note(
        run.hooks,
        say`chooses the method on folds of the training texts and trains, in about ${timeOf(this.#budget)} (${setting('budget')})`,
      );
  }

  /** Says how long it all may take. */
  readonly announce: () => void;

  /** Why there is no time to adapt the encoder first; undefined where there is. */
  get noTimeToAdapt(): string | undefined {
    if (this.#spent() + this.#adaptingSeconds + this.#dearest() <= this.#budget) return undefined;
    return `adapting takes about ${timeOf(this.#adaptingSeconds)}, and the budget is ${timeOf(this.#budget)}`;
  }

  /** Has the methods start from another encoder of the same size. */
  startFrom(start: Start): void {
    this.#start = start;
  }

  /**
   * Logits of a method [n, labels] for the folds that there was time for, NaN for the others; a reason where there was
   * none.
   *
   * @param best the method that it has to beat
   */
  async answers(
    method: TrainedMethod,
    best: Tried,
  ): Promise<{ readonly answers: Float32Array; readonly seconds: number } | string> {
    const { classes, labels } = this.#run.data;
    const answers = new Float32Array(classes.length * labels.length).fill(Number.NaN);
    let seconds = 0;
    for (let fold = 0; fold < foldCount; fold++) {
      if (!this.#hasTime(method, fold)) break;
      const { base, features, c } = this.#start;
      const recipe = this.#recipe(method);
      const trial = { run: this.#run, base, recipe, features, c, fold, folder: this.#folder };
      let result: Awaited<ReturnType<typeof answersOfFold>>;
      try {
        result = await answersOfFold(trial);
      } catch (error) {
        // More than there is memory for: the methods that take less are still to be had.
        if (error instanceof UsageError && seconds === 0) return String(error.line);
        throw error;
      }
      seconds += result.seconds;
      this.#estimates.set(method, (seconds / (fold + 1) / trainedShare) * (1 / this.#share));
      for (const [i, text] of result.texts.entries()) answers.set(result.logits[i] ?? [], text * labels.length);
      const { mean, standardError } = compared(best, { right: rightOf(answers, classes, labels.length) });
      if (mean + 2 * standardError < 0) break;
    }
    if (seconds > 0) return { answers, seconds };
    return `training takes about ${timeOf(this.#estimates.get(method) ?? 0)}, and the budget is ${timeOf(this.#budget)}`;
  }

  /** Whether a fold fits into what is left before the training itself, the other method to have as many. */
  #hasTime(method: TrainedMethod, fold: number): boolean {
    const perFold = (name: TrainedMethod) => trainedShare * this.#share * (this.#estimates.get(name) ?? 0);
    const others = method === 'finetune' && fold > 0 ? (fold + 1) * perFold('contrastive') : 0;
    return this.#spent() + perFold(method) + others + this.#dearest() <= this.#budget;
  }

  #recipe(method: TrainedMethod): Recipe {
    const recipe = this.#recipes.get(method);
    if (!recipe) throw new Error(`internal: no recipe for ${method}`);
    return recipe;
  }

  #spent(): number {
    return (performance.now() - this.#began) / 1000;
  }

  #dearest(): number {
    return Math.max(...this.#estimates.values());
  }
}

/** Share of the texts that a fold leaves to train on. */
const trainedShare = (foldCount - 1) / foldCount;

function timeOf(seconds: number): string {
  const minutes = Math.round(seconds / 60);
  return seconds < 90 ? counted(Math.max(1, Math.round(seconds)), 'second') : counted(minutes, 'minute');
}
