import { counted, UsageError } from '../core/errors.ts';
import { say, setting } from '../core/message.ts';
import type { ImageStore } from '../data/images/imageStore.ts';
import { plainViews } from '../data/images/views.ts';
import { sampleLimit, samplePerClass, stratifiedSplit } from '../data/labels.ts';
import type { Engine, NamedTensors } from '../engine/engine.ts';
import { argmax, classificationMetrics, softmax } from '../evaluation/classification.ts';
import { standardErrorOfMean } from '../evaluation/intervals.ts';
import { loadVision, saveVision } from '../hub/visionFolder.ts';
import type { ConfigOf, VisionConfig } from '../models/vision/config.ts';
import { encoderSpecs, randomVisionValues } from '../models/vision/encoder.ts';
import type { ParameterValues } from '../nn/parameters.ts';
import { identityOf } from '../settings/identity.ts';
import type { Resolved } from '../settings/options.ts';
import { resolve } from '../settings/resolve.ts';
import { ImageTask } from '../tasks/vision/imageTask.ts';
import { ImageInference } from '../tasks/vision/inference.ts';
import { readModelFolder } from './findModel.ts';
import { digestOfImages, labelsOf, limitedImages, openFor, requireImages, splitImages, viewsFor } from './imageData.ts';
import type { FinetuneImagesOptions, FinetuneImagesResult } from './imageTypes.ts';
import { note } from './note.ts';
import { isSentAway, sentAway } from './remoteOutput.ts';
import { runTraining } from './run.ts';
import { readableRecord } from './runRecord.ts';
import type { ClassificationResult, JobHooks } from './types.ts';
import { augmentationFor, methodDefaults, optimizerOf, settledBy } from './visionConfigs.ts';

/** Updates that a run makes at least, by default: twenty epochs of few labels are too few. */
const leastSteps = 300;
const mostDefaultEpochs = 200;
/** Images that are classified together. */
const chunk = 512;

/**
 * Fine-tunes a pretrained encoder of images with a classification head on labeled images, all of it, measures it on
 * held-out ones and writes the classifier to `output`.
 *
 * @throws UsageError for options or paths to change; BertuneError for images or weights that cannot be used;
 * InterruptedError after saving, when the signal was aborted
 */
export async function finetuneImages(
  options: FinetuneImagesOptions,
  hooks: JobHooks = {},
): Promise<FinetuneImagesResult> {
  if (isSentAway(options)) return sentAway(options, hooks, (local) => finetuneImages(local, hooks));
  const given = resolve('finetuneImages', options);
  const defaults = methodDefaults.classifier;
  return runTraining<FinetuneImagesResult>(
    {
      ...{ job: 'finetuneImages', command: 'image finetune', options, settings: given, inputs: [options.model] },
      async read({ engine, keep }) {
        const settings = settledBy(given, defaults);
        const optimizer = optimizerOf(given, defaults.optimizer, hooks);
        const { seed, batchSize, accumulationSteps } = settings;
        const pretrained = await readModelFolder(options.model, hooks, loadVision);
        const isByClass = drawsByClass(given);
        const { store, examples, test, labels } = await openLabeled(
          { ...given, isByClass },
          pretrained.config,
          hooks,
          keep,
        );
        requireImages(examples.length, 2, setting('train'));
        const config = classifierConfig(pretrained.config, labels);
        const startValues = startOf(config, given.randomStart ? undefined : pretrained.values, seed);
        if (given.randomStart) note(hooks, say`${setting('randomStart')}: every weight starts at random`);
        const labelOf = labelsOf(store, labels, setting('train'));
        const augmentation = augmentationFor('classifier', store.channels, options.augment);
        const views = keep(viewsFor(store, augmentation, seed, options.dataThreads));
        let latest: ClassificationResult | undefined;
        const task = new ImageTask({
          ...{ config, seed, noise: 0, labelOf, startValues, views, examples, batchSize, accumulationSteps },
          evaluate: async (parameters, signal) => {
            latest = await measure(engine, config, parameters, test, signal);
            return { accuracy: latest.accuracy, macroF1: latest.macroF1, loss: latest.loss };
          },
        });
        const fewest = Math.ceil(leastSteps / task.stepsInEpoch());
        return {
          ...{ task, settings, optimizer, configuration: { optimizer, ...(isByClass && { heldOut: 'by class' }) } },
          epochs: Math.min(mostDefaultEpochs, Math.max(defaults.epochs, fewest)),
          identity: {
            ...identityOf('finetuneImages', settings),
            ...{ model: config, images: digestOfImages(store, examples) },
          },
          async finish({ parameters, steps, unitsPerSecond }) {
            await saveVision(options.output, { config, values: new Map(parameters) });
            if (!latest) throw new Error('internal: the run was not evaluated');
            return {
              result: { ...latest, steps, imagesPerSecond: Math.round(unitsPerSecond), output: options.output },
              data: { train: examples.length, heldOut: test.examples.length },
            };
          },
        };
      },
    },
    hooks,
  );
}

/** Runs of earlier versions drew what they hold out from all images at once, and go on so. */
function drawsByClass({ resume, output }: Resolved<'finetuneImages'>): boolean {
  const record = resume ? readableRecord(output) : undefined;
  return !record || 'heldOut' in record.configuration;
}

interface TestImages {
  readonly store: ImageStore;
  readonly examples: readonly number[];
  readonly labelOf: (example: number) => number;
}

async function openLabeled(
  options: Resolved<'finetuneImages'> & { readonly isByClass: boolean },
  { image }: VisionConfig,
  hooks: JobHooks,
  keep: (store: ImageStore) => void,
) {
  const { channels, height, width } = image;
  const shape = { channels, height, width } as const;
  const store = await openFor(options.train, setting('train'), shape, options, hooks);
  keep(store);
  const labels = store.classes ?? [];
  const labelOf = labelsOf(store, labels, setting('train'));
  if (labels.length < 2)
    throw new UsageError(say`${setting('train')} has one class only; a classifier needs at least two`);
  const { test, training } = await testImages(options, store, labels, shape, hooks, keep);
  const { labelsPerClass: perClass, seed } = options;
  const examples =
    perClass === undefined
      ? training
      : samplePerClass({ labels: training.map((i) => labels[labelOf(i)] as string), perClass, seed }).map(
          (i) => training[i] as number,
        );
  return { store, examples, test, labels };
}

async function testImages(
  options: Resolved<'finetuneImages'> & { readonly isByClass: boolean },
  store: ImageStore,
  labels: readonly string[],
  shape: VisionConfig['image'],
  hooks: JobHooks,
  keep: (store: ImageStore) => void,
): Promise<{ training: readonly number[]; test: TestImages }> {
  const all = (one: ImageStore) => Array.from({ length: one.length }, (_, i) => i);
  const { seed, evalFraction: fraction } = options;
  const limit = options.evalLimit ?? Number.POSITIVE_INFINITY;
  if (options.test) {
    const other = await openFor(options.test, setting('test'), shape, options, hooks);
    keep(other);
    const labelOf = labelsOf(other, labels, setting('test'));
    return { training: all(store), test: { store: other, examples: limitedImages(all(other), limit, seed), labelOf } };
  }
  if (fraction === 0)
    throw new UsageError(
      say`${setting('evalFraction')} 0 leaves no image to measure on; give some with ${setting('test')}`,
    );
  const labelOf = labelsOf(store, labels, setting('train'));
  if (!options.isByClass) {
    const { training, heldOut } = splitImages(store.length, fraction, seed);
    return { training, test: { store, examples: limitedImages(heldOut, limit, seed), labelOf } };
  }
  const labelsIn = (examples: readonly number[]) => examples.map((example) => labels[labelOf(example)] as string);
  const { train: training, heldOut, singletons } = stratifiedSplit({ labels: labelsIn(all(store)), fraction, seed });
  if (heldOut.length === 0) {
    throw new UsageError(
      say`${setting('train')} has no class with two images, so there is none to measure on; give some with ${setting('test')}`,
    );
  }
  if (singletons.length > 0) {
    note(
      hooks,
      `${counted(singletons.length, 'class', 'classes')} with one image cannot be held out and only train: ${singletons.slice(0, 8).join(', ')}`,
    );
  }
  const examples = sampleLimit({ labels: labelsIn(heldOut), limit, seed }).map((i) => heldOut[i] as number);
  note(hooks, `${counted(examples.length, 'image')} held out, class by class, to measure the classifier`);
  return { training, test: { store, examples, labelOf } };
}

function classifierConfig(config: VisionConfig, labels: readonly string[]): ConfigOf<'classifier'> {
  const { image, mean, deviation, encoder } = config;
  return { method: 'classifier', image, mean, deviation, encoder, labels };
}

/** The pretrained encoder under a new head, or all of it at random. */
function startOf(
  config: ConfigOf<'classifier'>,
  pretrained: ParameterValues | undefined,
  seed: number,
): ParameterValues {
  const values = randomVisionValues(config, seed);
  for (const { name } of pretrained ? encoderSpecs(config.encoder, config.image) : []) {
    const value = pretrained?.get(name);
    if (value) values.set(name, value);
  }
  return values;
}

async function measure(
  engine: Engine,
  config: ConfigOf<'classifier'>,
  parameters: NamedTensors,
  { store, examples, labelOf }: TestImages,
  signal?: AbortSignal,
): Promise<ClassificationResult> {
  const inference = new ImageInference(engine, config, parameters, signal);
  const plain = plainViews(store);
  const predictions = new Int32Array(examples.length);
  const { labels } = config;
  const losses = new Float64Array(examples.length);
  try {
    for (let from = 0; from < examples.length; from += chunk) {
      const part = examples.slice(from, from + chunk);
      const [images = new Float32Array()] = await plain.batch(0, part, 1);
      const logits = await inference.classify(images);
      part.forEach((example, i) => {
        const row = logits.subarray(i * labels.length, (i + 1) * labels.length);
        predictions[from + i] = argmax(row);
        losses[from + i] = -Math.log(Math.max(softmax(row)[labelOf(example)] as number, Number.MIN_VALUE));
      });
    }
  } finally {
    await inference.dispose();
  }
  const truth = examples.map(labelOf);
  const { accuracy, macroF1, confusion } = classificationMetrics(truth, predictions, labels.length);
  const loss = losses.reduce((sum, value) => sum + value, 0) / examples.length;
  const lossStandardError = standardErrorOfMean(losses);
  return { accuracy, macroF1, loss, lossStandardError, count: examples.length, labels, confusion };
}
