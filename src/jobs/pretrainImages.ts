import { counted, UsageError } from '../core/errors.ts';
import { say, setting } from '../core/message.ts';
import type { ImageStore } from '../data/images/imageStore.ts';
import { saveVision } from '../hub/visionFolder.ts';
import { randomVisionValues } from '../models/vision/encoder.ts';
import { identityOf } from '../settings/identity.ts';
import type { Resolved } from '../settings/options.ts';
import { resolve } from '../settings/resolve.ts';
import { evaluateVision } from '../tasks/vision/evaluation.ts';
import { ImageTask } from '../tasks/vision/imageTask.ts';
import { neighbourAccuracy } from '../tasks/vision/neighbourAccuracy.ts';
import type { TrainingTask } from '../train/task.ts';
import {
  channelMoments,
  digestOfImages,
  limitedImages,
  openFor,
  requireImages,
  splitImages,
  viewsFor,
} from './imageData.ts';
import type { PretrainImagesOptions, PretrainImagesResult } from './imageTypes.ts';
import { note } from './note.ts';
import { isSentAway, sentAway } from './remoteOutput.ts';
import { runTraining } from './run.ts';
import type { JobEvent, JobHooks } from './types.ts';
import { augmentationFor, methodDefaults, optimizerOf, pretrainingConfig, settledBy } from './visionConfigs.ts';

/** Below this share of 1/√d the outputs of different images are close to one. */
const collapsedDeviation = 0.5;

/**
 * Learns an encoder of images without labels, by one of four methods, and writes the model to `output`.
 *
 * @throws UsageError for options or paths to change; BertuneError for images that cannot be used; InterruptedError after
 * saving, when the signal was aborted
 */
export async function pretrainImages(
  options: PretrainImagesOptions,
  hooks: JobHooks = {},
): Promise<PretrainImagesResult> {
  if (isSentAway(options)) return sentAway(options, hooks, (local) => pretrainImages(local, hooks));
  const given = resolve('pretrainImages', options);
  const defaults = methodDefaults[options.method];
  return runTraining<PretrainImagesResult>(
    {
      ...{ job: 'pretrainImages', command: 'image pretrain', options, settings: given },
      async read({ engine, keep }) {
        const training = settledBy(given, defaults);
        const optimizer = optimizerOf(given, defaults.optimizer, hooks);
        const { seed, batchSize, noise, accumulationSteps } = training;
        const data = await openData(given, hooks, keep);
        const { store, examples, heldOut } = data;
        requireImages(examples.length, 2, setting('data'));
        const isContrastive = options.method === 'simsiam' || options.method === 'simclr';
        if (isContrastive) checkBatches(options.method, Math.min(batchSize, examples.length), accumulationSteps);
        const image = { channels: store.channels, height: store.height, width: store.width };
        const config = pretrainingConfig(given, { image, ...channelMoments(store, examples) });
        const augmentation = augmentationFor(options.method, store.channels, options.augment);
        const views = keep(viewsFor(store, augmentation, seed, options.dataThreads));
        const heldOutViews = viewsFor(heldOut.store, isContrastive ? augmentation : undefined, seed, 1);
        const inputs = { config, seed, noise };
        const measure: NonNullable<TrainingTask['evaluate']> = async (parameters, signal, collective) => {
          const measured = { views: heldOutViews, examples: heldOut.examples };
          const metrics = await evaluateVision(inputs, measured, parameters, engine, signal, collective);
          const accuracy = await neighbourAccuracy(config, parameters, engine, data, seed, signal);
          return { ...metrics, ...(accuracy === undefined ? {} : { knnAccuracy: accuracy }) };
        };
        const evaluate = heldOut.examples.length > 0 ? measure : undefined;
        const startValues = randomVisionValues(config, seed);
        const task = new ImageTask({ ...inputs, startValues, views, examples, batchSize, evaluate, accumulationSteps });
        const settings = { ...training, evalSteps: options.evalSteps ?? task.stepsInEpoch() };
        return {
          ...{ task, settings, epochs: defaults.epochs, optimizer },
          configuration: { optimizer, model: config },
          identity: {
            ...identityOf('pretrainImages', settings),
            ...{ model: config, images: digestOfImages(store, examples) },
          },
          onStartMeasured() {},
          onEvent: (event) => noteCollapse(event, hooks),
          async finish({ parameters, metrics, steps, unitsPerSecond }, before) {
            await saveVision(options.output, { config, values: new Map(parameters) });
            const { loss: evalLossAfter = null, ...others } = metrics ?? {};
            return {
              result: {
                ...{ method: options.method, evalLossBefore: before?.loss ?? null, evalLossAfter, metrics: others },
                ...{ images: examples.length, steps, imagesPerSecond: Math.round(unitsPerSecond) },
                output: options.output,
              },
              data: { images: examples.length, heldOut: heldOut.examples.length },
            };
          },
        };
      },
    },
    hooks,
  );
}

/** @throws UsageError for batches of one image, which has no other to be told apart from */
function checkBatches(method: string, images: number, accumulationSteps: number): void {
  if (Math.ceil(images / accumulationSteps) >= 2) return;
  const parts = accumulationSteps > 1 ? ` in ${accumulationSteps} micro-batches` : '';
  throw new UsageError(
    say`an update of ${counted(images, 'image')}${parts} leaves ${method} nothing to compare an image with; use a larger ${setting('batchSize')}`,
  );
}

interface OpenedData {
  readonly store: ImageStore;
  readonly examples: readonly number[];
  readonly heldOut: { readonly store: ImageStore; readonly examples: readonly number[] };
}

async function openData(
  options: Resolved<'pretrainImages'>,
  hooks: JobHooks,
  keep: (store: ImageStore) => void,
): Promise<OpenedData> {
  const { imageSize, channels, evalFraction, evalLimit, seed } = options;
  const wanted = { ...(imageSize ? { height: imageSize, width: imageSize } : {}), ...(channels ? { channels } : {}) };
  const store = await openFor(options.data, setting('data'), wanted, options, hooks);
  keep(store);
  if (!options.eval) {
    const { training, heldOut } = splitImages(store.length, evalFraction, seed);
    return { store, examples: training, heldOut: { store, examples: limitedImages(heldOut, evalLimit, seed) } };
  }
  const shape = { height: store.height, width: store.width, channels: store.channels };
  const other = await openFor(options.eval, setting('eval'), shape, options, hooks);
  keep(other);
  const all = (one: ImageStore) => Array.from({ length: one.length }, (_, i) => i);
  return {
    store,
    examples: all(store),
    heldOut: { store: other, examples: limitedImages(all(other), evalLimit, seed) },
  };
}

/** Warns when the outputs of all images become the same. */
function noteCollapse(event: JobEvent, hooks: JobHooks): void {
  const deviation = event.type === 'evaluation' ? event.metrics.outputDeviation : undefined;
  if (deviation === undefined || deviation >= collapsedDeviation) return;
  const share = deviation.toFixed(2);
  note(
    hooks,
    say`the outputs collapse: their channels deviate by ${share} of 1/√d (1 is healthy, 0 tells all images the same); try a smaller ${setting('learningRate')} or other views`,
  );
}
