import { performance } from 'node:perf_hooks';
import { counted, UsageError } from '../../core/errors.ts';
import { say, setting } from '../../core/message.ts';
import { sizeOf } from '../../core/tensor.ts';
import { sampleLimit } from '../../data/labels.ts';
import type { Rows } from '../../evaluation/neighbours.ts';
import { note } from '../note.ts';
import type { Ladder, MethodName } from '../types.ts';
import type { Base, FinetuneRun } from './base.ts';
import { answersOfFold } from './foldRuns.ts';
import { frozenHead } from './frozen.ts';
import { blend, wordsOf } from './hybrid.ts';
import { foldCount, part } from './labeled.ts';
import { type Recipe, recipeOf, type TrainedMethod } from './recipe.ts';
import { bestOf, compared, rightOf, rungsOf, type Tried } from './rungs.ts';

/** Texts that are enough to choose a method by. */
const mostTexts = 10_000;

/**
 * Tries the methods on folds of the training texts, the cheap ones first, and a dear one as far as the time that is
 * stated allows and as long as it can still be the best. The texts that measure the result take no part.
 *
 * @param began when the run began, as `performance.now()` tells it
 * @returns undefined for a model whose own classifier is to be trained on: its texts may be among those of the folds
 */
export async function climb(
  run: FinetuneRun,
  openBase: () => Promise<Base>,
  began: number,
): Promise<Ladder | undefined> {
  const base = await openBase();
  if (!base.isNew) note(run.hooks, 'the model has a classifier for these labels, which is trained on');
  else if (!base.readsVectors)
    note(run.hooks, 'the classifier reads no vectors, so that there is one method: to train it');
  if (!base.readsVectors || !base.isNew) return undefined;
  const sampled = sample({ ...run, hooks: quiet(run.hooks) });
  const { classes, labels } = sampled.data;
  const right = (answers: Float32Array) => rightOf(answers, classes, labels.length);
  const networkBytes =
    4 * base.model.parameters(base.model.partsOf('oneLabel')).reduce((n, { shape }) => n + sizeOf(shape), 0);

  const words = await timed(() => wordsOf(sampled));
  const wordsBytes = 4 * words.result.terms * (labels.length + 1);
  const tried: Tried[] = [
    { method: 'words', right: right(words.result.held), seconds: words.seconds, bytes: wordsBytes },
  ];
  const beside = (method: MethodName, answers: Float32Array, seconds: number) => {
    const both = blend(answers, words.result.held, classes, labels.length);
    const bytes = networkBytes + wordsBytes;
    tried.push({ method, right: right(both.held), seconds: seconds + words.seconds, bytes, wordsWeight: both.weight });
  };
  const left: { method: MethodName; reason: string }[] = [];
  const vectors = await (sampled.data === run.data ? base.trainVectors() : base.vectorsOf(sampled.data.texts));
  const head = await timed(() => frozenHead(sampled, base, sampled.data, vectors));
  const seconds = vectors.seconds + head.seconds;
  tried.push({ method: 'frozen', right: right(head.result.held), seconds, bytes: networkBytes });
  beside('hybrid', head.result.held, seconds);
  const trials = new Trials(run, sampled, base, {
    features: vectors,
    c: head.result.c,
    seconds: vectors.seconds,
    began,
  });
  trials.announce();
  for (const method of ['finetune', 'contrastive'] as const) {
    const trial = await trials.answers(method, bestOf(tried));
    if (typeof trial === 'string') {
      left.push({ method, reason: trial });
      continue;
    }
    tried.push({ method, right: right(trial.answers), seconds: trial.seconds, bytes: networkBytes });
    beside(`${method}+words`, trial.answers, trial.seconds);
  }
  const best = bestOf(tried);
  const { method: chosen, wordsWeight } = best;
  return { chosen, ...(wordsWeight === undefined ? {} : { wordsWeight }), rungs: rungsOf(tried, best), left };
}

/** What the trained methods start from, and when the run began. */
interface Start {
  /** Vectors of the texts, and the penalty that suits them. */
  readonly features: Rows;
  readonly c: number;
  /** Time that the vectors took. */
  readonly seconds: number;
  readonly began: number;
}

/** Training on a text takes about this many times as long as making its vector. */
const trainingPerVector = 4.5;
/** Minutes that a run may take at least, and how often it may train where training once takes long. */
const [leastMinutes, timesTrained] = [4.5, 3];

/** Trials of the trained methods within the time that the run has. */
class Trials {
  readonly #run: FinetuneRun;
  readonly #base: Base;
  readonly #start: Start;
  readonly #folder: string;
  /** Share of the texts that trials see. */
  readonly #share: number;
  /** Seconds that training on all texts takes, as far as it is known. */
  readonly #estimates: Map<TrainedMethod, number>;
  readonly #recipes: ReadonlyMap<TrainedMethod, Recipe>;
  readonly #budget: number;

  /** @param sampled the run with the texts that trials see */
  constructor(run: FinetuneRun, sampled: FinetuneRun, base: Base, start: Start) {
    const { given, data } = run;
    this.#run = sampled;
    this.#base = base;
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
    const usual = Math.max(leastMinutes * 60, timesTrained * this.#dearest());
    this.#budget = given.budget === undefined ? usual : given.budget * 60;
    this.announce = () =>
      note(
        run.hooks,
        say`chooses the method on folds of the training texts and trains, in about ${timeOf(this.#budget)} (${setting('budget')})`,
      );
  }

  /** Says how long it all may take. */
  readonly announce: () => void;

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
      const { features, c } = this.#start;
      const recipe = this.#recipe(method);
      const trial = { run: this.#run, base: this.#base, recipe, features, c, fold, folder: this.#folder };
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
    const spent = (performance.now() - this.#start.began) / 1000;
    const perFold = (name: TrainedMethod) => trainedShare * this.#share * (this.#estimates.get(name) ?? 0);
    const others = method === 'finetune' && fold > 0 ? (fold + 1) * perFold('contrastive') : 0;
    return spent + perFold(method) + others + this.#dearest() <= this.#budget;
  }

  #recipe(method: TrainedMethod): Recipe {
    const recipe = this.#recipes.get(method);
    if (!recipe) throw new Error(`internal: no recipe for ${method}`);
    return recipe;
  }

  #dearest(): number {
    return Math.max(...this.#estimates.values());
  }
}

/** Share of the texts that a fold leaves to train on. */
const trainedShare = (foldCount - 1) / foldCount;

/** The run with a sample of its texts, where they are more than it takes to choose. */
function sample(run: FinetuneRun): FinetuneRun {
  const { data, given } = run;
  if (data.texts.length <= mostTexts) return run;
  const labels = Array.from(data.classes, String);
  return { ...run, data: part(data, sampleLimit({ labels, limit: mostTexts, seed: given.seed })) };
}

async function timed<T>(work: () => Promise<T>): Promise<{ readonly result: T; readonly seconds: number }> {
  const from = performance.now();
  const result = await work();
  return { result, seconds: (performance.now() - from) / 1000 };
}

function timeOf(seconds: number): string {
  const minutes = Math.round(seconds / 60);
  return seconds < 90 ? counted(Math.max(1, Math.round(seconds)), 'second') : counted(minutes, 'minute');
}

/** Trials say nothing but how far they are. */
function quiet({ onEvent, signal }: FinetuneRun['hooks']): FinetuneRun['hooks'] {
  return { signal, onEvent: onEvent && ((event) => event.type === 'progress' && onEvent(event)) };
}
