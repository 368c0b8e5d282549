import { counted, UsageError } from '../core/errors.ts';
import { say, setting } from '../core/message.ts';
import type { ImageStore } from '../data/images/imageStore.ts';
import type { NamedTensors } from '../engine/engine.ts';
import { saveVision } from '../hub/visionFolder.ts';
import { randomVisionValues, visionSpecs } from '../models/vision/encoder.ts';
import { asTensors } from '../nn/parameters.ts';
import { countingSettings, identityOf } from '../settings/identity.ts';
import type { Resolved } from '../settings/options.ts';
import { resolve } from '../settings/resolve.ts';
import { evaluateVision } from '../tasks/vision/evaluation.ts';
import { ImageTask } from '../tasks/vision/imageTask.ts';
import { neighbourAccuracy } from '../tasks/vision/neighbourAccuracy.ts';
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
import { RunFolder } from './runFolder.ts';
import { checkMemory, finishedResult, totalSteps, train, trainingEngine } from './training.ts';
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
  const given = resolve('pretrainImages', options);
  const folder = RunFolder.claim(options.output, { ...options, command: 'image pretrain', inputs: [] });
  const finished = finishedResult<PretrainImagesResult>(folder, options, hooks);
  if (finished) return finished;
  const defaults = methodDefaults[options.method];
  const training = settledBy(given, defaults);
  const optimizer = optimizerOf(given, defaults.optimizer);
  const { seed, batchSize, noise } = training;
  const opened: { close(): unknown }[] = [];
  try {
    const data = await openData(given, hooks, (store) => opened.push(store));
    const { store, examples, heldOut } = data;
    requireImages(examples.length, 2, setting('data'));
    const isContrastive = options.method === 'simsiam' || options.method === 'simclr';
    if (isContrastive) checkBatches(options.method, Math.min(batchSize, examples.length), training.accumulationSteps);
    const image = { channels: store.channels, height: store.height, width: store.width };
    const config = pretrainingConfig(given, { image, ...channelMoments(store, examples) });
    const augmentation = augmentationFor(options.method, store.channels, options.augment);
    const views = viewsFor(store, augmentation, seed, options.dataThreads);
    opened.push(views);
    const heldOutViews = viewsFor(heldOut.store, isContrastive ? augmentation : undefined, seed, 1);
    const engine = trainingEngine(given, hooks);
    const inputs = { config, seed, noise };
    const measure = async (parameters: NamedTensors, signal?: AbortSignal): Promise<Record<string, number>> => {
      const measured = { views: heldOutViews, examples: heldOut.examples };
      const metrics = await evaluateVision(inputs, measured, parameters, engine, signal);
      const accuracy = await neighbourAccuracy(config, parameters, engine, data, seed, signal);
      return { ...metrics, ...(accuracy === undefined ? {} : { knnAccuracy: accuracy }) };
    };
    const evaluate = heldOut.examples.length > 0 ? measure : undefined;
    const startValues = randomVisionValues(config, seed);
    const task = new ImageTask({
      ...{ ...inputs, startValues, views, examples, batchSize, evaluate },
      accumulationSteps: training.accumulationSteps,
    });
    const estimatedMemoryBytes = await checkMemory(task, 'pretrainImages', optimizer);
    const before = await evaluate?.(asTensors(startValues, visionSpecs(config)), hooks.signal);
    if (before) hooks.onEvent?.({ type: 'evaluation', step: 0, metrics: before });
    const steps = totalSteps(task, given, defaults.epochs);
    const evalSteps = options.evalSteps ?? task.stepsInEpoch();
    const settings = { ...training, evalSteps };
    const outcome = await train(
      task,
      engine,
      folder,
      settings,
      { ...options, ...countingSettings('pretrainImages', settings), optimizer, model: config, estimatedMemoryBytes },
      steps,
      { ...identityOf('pretrainImages', settings), model: config, images: digestOfImages(store, examples) },
      watchingCollapse(hooks),
      optimizer,
    );
    await saveVision(options.output, { config, values: new Map(outcome.parameters) });
    const { loss: evalLossAfter = null, ...metrics } = outcome.metrics ?? {};
    const result: PretrainImagesResult = {
      ...{ method: options.method, evalLossBefore: before?.loss ?? null, evalLossAfter, metrics },
      ...{ images: examples.length, steps: outcome.steps, imagesPerSecond: Math.round(outcome.unitsPerSecond) },
      output: options.output,
    };
    await folder.finish(result, { images: examples.length, heldOut: heldOut.examples.length });
    return result;
  } finally {
    for (const one of opened.reverse()) await one.close();
  }
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
function watchingCollapse(hooks: JobHooks): JobHooks {
  const onEvent = (event: JobEvent) => {
    hooks.onEvent?.(event);
    const deviation = event.type === 'evaluation' ? event.metrics.outputDeviation : undefined;
    if (deviation === undefined || deviation >= collapsedDeviation) return;
    const share = deviation.toFixed(2);
    const line = say`the outputs collapse: their channels deviate by ${share} of 1/√d (1 is healthy, 0 tells all images the same); try a smaller ${setting('learningRate')} or other views`;
    note(hooks, line);
  };
  return { ...hooks, onEvent };
}
