import { performance } from 'node:perf_hooks';
import { say } from '../../core/message.ts';
import type { Rows } from '../../evaluation/neighbours.ts';
import { asTensors } from '../../nn/parameters.ts';
import { totalSteps } from '../training.ts';
import { trainAside } from './asideRun.ts';
import type { Base, FinetuneRun } from './base.ts';
import { fitHead, headValues } from './frozen.ts';
import { part } from './labeled.ts';
import type { Recipe } from './recipe.ts';
import { answersOf, copied, encoded, onTheWay, trainedTask } from './trained.ts';

/** What a trained method is tried on. */
export interface FoldRun {
  readonly run: FinetuneRun;
  readonly base: Base;
  readonly recipe: Recipe;
  /** Vectors of the training texts by the encoder as it is, and the penalty that suits them. */
  readonly features: Rows;
  readonly c: number;
  /** The fold that is held out. */
  readonly fold: number;
  /** Folder for what training needs. */
  readonly folder: string;
}

/** Answers to the texts of a fold by a model that was trained on the others. */
export interface FoldAnswers {
  /** Numbers of the texts. */
  readonly texts: readonly number[];
  /** Logits of each [labels]. */
  readonly logits: readonly Float32Array[];
  readonly seconds: number;
}

/**
 * Trains on all folds but one, and answers that one.
 *
 * @throws UsageError when there is not enough memory; InterruptedError when the signal was aborted
 */
export async function answersOfFold({ run, base, recipe, features, c, fold, folder }: FoldRun): Promise<FoldAnswers> {
  const { data, given } = run;
  const began = performance.now();
  const numbers = Array.from(data.classes, (_, i) => i);
  const kept = numbers.filter((i) => data.folds[i] !== fold);
  const texts = numbers.filter((i) => data.folds[i] === fold);
  const training = part(data, kept);
  const start = copied(base.values);
  if (base.readsVectors && base.isNew) {
    const head = await fitHead(run, training, rowsAt(features, kept), { cs: [c] });
    for (const [name, values] of headValues(head)) start.set(name, values);
  }
  const from = recipe.share === undefined ? undefined : copied(start);
  const examples = encoded(base, training);
  const task = trainedTask({ run, base, recipe, data: training, examples, start });
  const { learningRate, warmup } = recipe.settings;
  const trained = await trainAside({
    ...{ run, task, steps: totalSteps(task, given, recipe.epochs), learningRate, schedule: given.schedule, warmup },
    ...{ shown: say`trying ${recipe.method}, fold ${fold + 1}`, folder, name: 'fold' },
  });
  const values = from ? onTheWay(trained, from, recipe.share ?? 1) : trained;
  const tensors = asTensors(values, base.model.parameters(base.model.partsOf('oneLabel')));
  const windows = texts.map((i) => base.cutter.windows(data.texts[i] as string));
  const logits = await answersOf(run, base, tensors, windows, { signal: run.hooks.signal });
  return { texts, logits, seconds: (performance.now() - began) / 1000 };
}

/** Some rows of features, by number. */
export function rowsAt({ data, size }: Rows, numbers: readonly number[]): Rows {
  const rows = new Float32Array(numbers.length * size);
  for (const [i, number] of numbers.entries()) rows.set(data.subarray(number * size, (number + 1) * size), i * size);
  return { data: rows, size };
}
