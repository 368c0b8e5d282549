import { performance } from 'node:perf_hooks';
import { counted, UsageError } from '../../core/errors.ts';
import { say, setting } from '../../core/message.ts';
import { sampleLimit } from '../../data/labels.ts';
import { argmax } from '../../evaluation/classification.ts';
import { wilsonInterval } from '../../evaluation/intervals.ts';
import { type AccuracyDifference, accuracyDifference } from '../../evaluation/pairedTexts.ts';
import { note } from '../note.ts';
import type { Ladder, MethodName, Rung } from '../types.ts';
import type { Base, FinetuneRun } from './base.ts';
import { answersOfFold } from './foldRuns.ts';
import { fitHead } from './frozen.ts';
import { blend, wordsOf } from './hybrid.ts';
import { foldCount, part } from './labeled.ts';
import { type Recipe, recipeOf, type TrainedMethod } from './recipe.ts';

/** Texts that are enough to choose a method by. */
const mostTexts = 10_000;
/** Training a text takes this many times as long as making its vector. */
const trainingPerVector = 4.5;
/** Minutes that a run takes at least before a dear method is left out, and how often it may train where once takes longer. */
const [leastBudget, timesTrained] = [4.5, 3];
/** A dearer method has to be better by this share of the difference's standard error. */
const tie = 0.25;

/** A method that was tried: what it got right of the texts that were held out of its training. */
interface Tried {
  readonly method: MethodName;
  /** Of each training text; undefined where it was not scored. */
  readonly right: readonly (boolean | undefined)[];
  readonly seconds: number;
  readonly bytes: number;
}

/**
 * Tries the methods on folds of the training texts, the cheap ones first, and a dear one as far as the time that is
 * stated allows and as long as it can still be the best. The texts that measure the result take no part.
 *
 * @param began when the run began, as `performance.now()` tells it
 */
export async function climb(run: FinetuneRun, openBase: () => Promise<Base>, began: number): Promise<Ladder> {
  const { given, hooks } = run;
  const base = await openBase();
  const quiet = { ...run, hooks: { ...hooks, onEvent: progressOnly(hooks) } };
  const sampled = sample(quiet);
  const tried: Tried[] = [];
  const left: { method: MethodName; reason: string }[] = [];
  const { data } = sampled;
  const networkBytes =
    4 *
    base.model
      .parameters(base.model.partsOf('oneLabel'))
      .reduce((sum, { shape }) => sum + shape.reduce((a, b) => a * b, 1), 0);
  const timed = async <T>(work: () => Promise<T>) => {
    const from = performance.now();
    const result = await work();
    return { result, seconds: (performance.now() - from) / 1000 };
  };
  const scored = (logProbabilities: Float32Array) => rightOf(logProbabilities, data.classes, data.labels.length);

  const words = await timed(() => wordsOf(sampled));
  const { terms } = words.result;
  const wordBytes = 4 * terms * (data.labels.length + 1);
  tried.push({ method: 'words', right: scored(words.result.held), seconds: words.seconds, bytes: wordBytes });
  let best = tried[0] as Tried;
  const challenge = (challenger: Tried) => {
    tried.push(challenger);
    if (isBetter(compared(best, challenger))) best = challenger;
  };
  if (base.readsVectors) {
    const features = await vectorsFor(sampled, run, base);
    const head = await timed(() => fitHead(sampled, data, features));
    // Vectors may have been made before, to choose how long texts are read.
    const vectorSeconds = features.seconds;
    const frozenSeconds = vectorSeconds + head.seconds;
    challenge({ method: 'frozen', right: scored(head.result.held), seconds: frozenSeconds, bytes: networkBytes });
    const both = blend(head.result.held, words.result.held, data.classes, data.labels.length);
    const hybridSeconds = frozenSeconds + words.seconds;
    challenge({ method: 'hybrid', right: scored(both.held), seconds: hybridSeconds, bytes: networkBytes + wordBytes });
    await climbTrained({ vectorSeconds, features, c: head.result.c });
  }
  return report(given.budget);

  async function climbTrained({
    vectorSeconds,
    features,
    c,
  }: {
    vectorSeconds: number;
    features: { data: Float32Array; size: number };
    c: number;
  }) {
    const names: TrainedMethod[] = ['finetune', 'contrastive'];
    const recipes = new Map<TrainedMethod, Recipe>(
      names.map((name) => [name, recipeOf(name, run, base, base.sequences(run.data.texts))]),
    );
    const share = run.data.texts.length / data.texts.length;
    const estimates = new Map(names.map((name) => [name, vectorSeconds * share * trainingPerVector * epochsOf(name)]));
    const dearest = Math.max(...estimates.values());
    const budget = given.budget === undefined ? Math.max(leastBudget * 60, timesTrained * dearest) : given.budget * 60;
    note(
      hooks,
      say`choosing the method on folds of the training texts, in about ${minutes(budget)} with training (${setting('budget')})`,
    );
    const folder = run.work();
    for (const [number, method] of names.entries()) {
      const waiting = names.slice(number);
      const recipe = recipes.get(method) as Recipe;
      const answered: (boolean | undefined)[] = new Array(data.texts.length).fill(undefined);
      let seconds = 0;
      let reason: string | undefined;
      for (let fold = 0; fold < foldCount; fold++) {
        const spent = (performance.now() - began) / 1000;
        const perFold = (name: TrainedMethod) => 0.8 * (estimates.get(name) ?? 0);
        const free = budget - spent - Math.max(...estimates.values());
        // Each method that is still to come gets as many folds.
        const others = waiting.slice(1).reduce((sum, name) => sum + perFold(name), 0) * (fold + 1);
        if (free < perFold(method) + (fold === 0 ? 0 : others)) {
          reason = `its training takes about ${minutes(estimates.get(method) ?? 0)}`;
          break;
        }
        const result = await answersOfFold({ run: sampled, base, recipe, features, c, fold, folder }).catch(
          (error: unknown) => {
            if (!(error instanceof UsageError)) throw error;
            reason = String(error.line);
            return undefined;
          },
        );
        if (!result) break;
        seconds += result.seconds;
        if (fold === 0) estimates.set(method, (result.seconds / 0.8) * share);
        for (const [i, text] of result.texts.entries()) {
          answered[text] = argmax(result.logits[i] as Float32Array) === data.classes[text];
        }
        const soFar = compared(best, { method, right: answered, seconds, bytes: networkBytes });
        if (soFar.mean + 2 * soFar.standardError < 0) break;
      }
      if (seconds > 0) challenge({ method, right: answered, seconds, bytes: networkBytes });
      else left.push({ method, reason: reason ?? 'no text could be held out' });
    }

    function epochsOf(name: TrainedMethod): number {
      return given.epochs ?? recipes.get(name)?.epochs ?? 1;
    }
  }

  function report(budget: number | undefined): Ladder {
    const rungs = tried.map((one): Rung => {
      const texts = one.right.filter((right) => right !== undefined);
      const count = texts.length;
      const correct = texts.filter((right) => right).length;
      const { mean, low, high } = compared(best, one);
      return {
        ...{
          method: one.method,
          accuracy: count > 0 ? correct / count : null,
          ...wilsonInterval(correct, count),
          texts: count,
        },
        difference: one === best || count === 0 ? null : { mean, low, high },
        ...{ seconds: one.seconds, bytes: one.bytes },
      };
    });
    return { chosen: best.method, rungs, left, ...(budget === undefined ? {} : { budget }) };
  }
}

/** The run with a sample of its texts, where they are more than it takes to choose. */
function sample(run: FinetuneRun): FinetuneRun {
  const { data, given } = run;
  if (data.texts.length <= mostTexts) return run;
  const labels = Array.from(data.classes, String);
  return { ...run, data: part(data, sampleLimit({ labels, limit: mostTexts, seed: given.seed })) };
}

async function vectorsFor(sampled: FinetuneRun, run: FinetuneRun, base: Base) {
  return sampled.data === run.data ? base.trainVectors() : base.vectorsOf(sampled.data.texts);
}

/** Which texts are right; undefined where there is no answer. */
function rightOf(logProbabilities: Float32Array, classes: Int32Array, labels: number): (boolean | undefined)[] {
  return Array.from(classes, (label, i) => {
    const row = logProbabilities.subarray(i * labels, (i + 1) * labels);
    return Number.isNaN(row[0]) ? undefined : argmax(row) === label;
  });
}

/** Accuracy of b less that of a, on the texts that both answered. */
function compared(a: Tried, b: Tried): AccuracyDifference {
  const both = a.right.flatMap((right, i) => (right === undefined || b.right[i] === undefined ? [] : [i]));
  return accuracyDifference(
    both.map((i) => a.right[i] === true),
    both.map((i) => b.right[i] === true),
  );
}

function isBetter({ mean, standardError }: AccuracyDifference): boolean {
  return mean > 0 && mean >= tie * standardError;
}

function minutes(seconds: number): string {
  return seconds < 90
    ? counted(Math.max(1, Math.round(seconds)), 'second')
    : counted(Math.round(seconds / 60), 'minute');
}

function progressOnly({ onEvent }: FinetuneRun['hooks']): FinetuneRun['hooks']['onEvent'] {
  return onEvent && ((event) => event.type === 'progress' && onEvent(event));
}
