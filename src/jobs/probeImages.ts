import { join } from 'node:path';
import { UsageError } from '../core/errors.ts';
import { removeFolder, temporaryFolder } from '../core/files.ts';
import { throwIfAborted } from '../core/interrupt.ts';
import { say, setting } from '../core/message.ts';
import type { ImageStore } from '../data/images/imageStore.ts';
import { samplePerClass } from '../data/labels.ts';
import type { Engine } from '../engine/engine.ts';
import { type Estimate, estimate } from '../evaluation/estimate.ts';
import { fitLinearProbe } from '../evaluation/linearProbe.ts';
import { classifyByNeighbours, type Rows } from '../evaluation/neighbours.ts';
import { type PairedDifference, pairedDifference } from '../evaluation/paired.ts';
import { verdictOf } from '../evaluation/verdict.ts';
import type { VisionModel } from '../hub/visionFolder.ts';
import { loadVision } from '../hub/visionFolder.ts';
import { randomVisionValues } from '../models/vision/encoder.ts';
import { resolve } from '../settings/resolve.ts';
import { readModelFolder } from './findModel.ts';
import { finetuneImages } from './finetuneImages.ts';
import { labelsOf, limitedImages } from './imageData.ts';
import { featuresOf, inferenceOf, openForModel } from './imageFeatures.ts';
import type { ProbeImagesOptions, ProbeImagesResult } from './imageUseTypes.ts';
import { openEngine } from './openEngine.ts';
import type { JobHooks } from './types.ts';

/**
 * Measures what an encoder of images learned without labels: a linear classifier and nearest neighbours over its
 * features, beside the same over a random encoder, and beside supervised training from scratch, all on the same labels.
 *
 * @throws UsageError for options or paths to change; BertuneError for images or weights that cannot be used;
 * InterruptedError
 */
export async function probeImages(options: ProbeImagesOptions, hooks: JobHooks = {}): Promise<ProbeImagesResult> {
  const settings = resolve('probeImages', options);
  const { seeds, seed, evalLimit = Number.POSITIVE_INFINITY } = settings;
  const model = await readModelFolder(options.model, hooks, loadVision);
  const train = await openForModel(options.train, setting('train'), model.config, options, hooks);
  try {
    const test = await openForModel(options.test, setting('test'), model.config, options, hooks);
    try {
      const data = labeledData(train, test, limitedImages(numbersOf(test), evalLimit, seed));
      const { engine } = await openEngine(settings, hooks);
      const repetitions: Repetition[] = [];
      const pretrainedTest = await testFeatures(engine, model, data, hooks);
      for (let i = 0; i < seeds; i++) {
        hooks.onEvent?.({ type: 'progress', activity: 'repetitions', done: i, total: seeds });
        const chosen = drawn(data, options.labelsPerClass, seed + i);
        const random = { config: model.config, values: randomVisionValues(model.config, seed + i) };
        const pretrained = await probe(engine, model, data, chosen, pretrainedTest, hooks);
        const randomTest = await testFeatures(engine, random, data, hooks);
        const randomStart = await probe(engine, random, data, chosen, randomTest, hooks);
        const scratch = await fromScratch(options, seed + i, hooks);
        repetitions.push({ labeled: chosen.length, pretrained, randomStart, scratch });
      }
      return resultOf(data, repetitions);
    } finally {
      test.close();
    }
  } finally {
    train.close();
  }
}

interface LabeledData {
  readonly train: ImageStore;
  readonly test: ImageStore;
  readonly classes: readonly string[];
  readonly trainLabel: (example: number) => number;
  readonly tested: readonly number[];
  /** Class numbers of `tested`. */
  readonly truth: readonly number[];
}

interface Accuracies {
  readonly linear: number;
  readonly knn: number;
}

interface Repetition {
  readonly labeled: number;
  readonly pretrained: Accuracies;
  readonly randomStart: Accuracies;
  readonly scratch: number;
}

function labeledData(train: ImageStore, test: ImageStore, tested: readonly number[]): LabeledData {
  const classes = train.classes ?? [];
  const trainLabel = labelsOf(train, classes, setting('train'));
  const testLabel = labelsOf(test, classes, setting('test'));
  if (classes.length < 2)
    throw new UsageError(say`${setting('train')} has one class only; a classifier needs at least two`);
  return { train, test, classes, trainLabel, tested, truth: tested.map(testLabel) };
}

/** The images whose labels one repetition may use. */
function drawn({ train, classes, trainLabel }: LabeledData, perClass: number | undefined, seed: number): number[] {
  const all = numbersOf(train);
  if (perClass === undefined) return all;
  return samplePerClass({ labels: all.map((i) => classes[trainLabel(i)] as string), perClass, seed });
}

function numbersOf(store: ImageStore): number[] {
  return Array.from({ length: store.length }, (_, i) => i);
}

async function testFeatures(engine: Engine, model: VisionModel, { test, tested }: LabeledData, hooks: JobHooks) {
  return features(engine, model, test, tested, hooks);
}

async function features(
  engine: Engine,
  model: VisionModel,
  store: ImageStore,
  examples: readonly number[],
  { signal }: JobHooks,
): Promise<Rows> {
  const inference = inferenceOf(engine, model, signal);
  try {
    return await featuresOf(inference, store, examples);
  } finally {
    await inference.dispose();
  }
}

/** Accuracies of both classifiers over one encoder's features. */
async function probe(
  engine: Engine,
  model: VisionModel,
  { train, classes, trainLabel, truth }: LabeledData,
  chosen: readonly number[],
  test: Rows,
  hooks: JobHooks,
): Promise<Accuracies> {
  const rows = await features(engine, model, train, chosen, hooks);
  const labels = chosen.map(trainLabel);
  const linear = (await fitLinearProbe(rows, labels, classes.length)).classify(test);
  const knn = classifyByNeighbours(rows, labels, test, classes.length);
  return { linear: share(linear, truth), knn: share(knn, truth) };
}

function share(predictions: Int32Array, truth: readonly number[]): number {
  return truth.filter((label, i) => label === predictions[i]).length / truth.length;
}

/** Accuracy of the same encoder trained from a random start on the same labels. */
async function fromScratch(options: ProbeImagesOptions, seed: number, hooks: JobHooks): Promise<number> {
  const { model, train, test, labelsPerClass, evalLimit, cache, threads, device } = options;
  const folder = temporaryFolder();
  try {
    const { accuracy } = await finetuneImages(
      {
        ...{ model, train, test, labelsPerClass, evalLimit, cache, threads, device, seed },
        ...{ output: join(folder, 'scratch'), randomStart: true, saveSteps: 0 },
      },
      // Its notes are of images that have been told of.
      { signal: hooks.signal, onEvent: (event) => event.type === 'step' && hooks.onEvent?.(event) },
    );
    return accuracy;
  } catch (error) {
    // What it saved to go on from is removed.
    throwIfAborted(hooks.signal);
    throw error;
  } finally {
    removeFolder(folder);
  }
}

function resultOf({ classes, tested }: LabeledData, repetitions: readonly Repetition[]): ProbeImagesResult {
  const of = (value: (repetition: Repetition) => number): Estimate => estimate(repetitions.map(value));
  const pretrained = { linear: of((r) => r.pretrained.linear), knn: of((r) => r.pretrained.knn) };
  const randomStart = { linear: of((r) => r.randomStart.linear), knn: of((r) => r.randomStart.knn) };
  const scratch = of((r) => r.scratch);
  const over = (baseline: Estimate): PairedDifference | null =>
    repetitions.length < 2 ? null : pairedDifference(baseline.values, pretrained.linear.values);
  const [overRandomStart, overScratch] = [over(randomStart.linear), over(scratch)];
  const helped = [overRandomStart, overScratch].every((difference) => verdictOf(difference) === 'helped');
  return {
    ...{ classes, labeled: repetitions[0]?.labeled ?? 0, tested: tested.length },
    ...{ pretrained, randomStart, scratch, overRandomStart, overScratch, helped },
  };
}
