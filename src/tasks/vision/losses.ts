import * as ops from '../../graph/functions.ts';
import { Graph, type Value } from '../../graph/graph.ts';
import { at } from '../../graph/ops/record.ts';
import { knownSize } from '../../graph/sizes.ts';
import type { ConfigOf, VisionConfig, VisionMethod } from '../../models/vision/config.ts';
import { patchCount } from '../../models/vision/config.ts';
import { decodeImages, encodeImages, normalized, visionSpecs } from '../../models/vision/encoder.ts';
import { predict, project } from '../../models/vision/projection.ts';
import { maeDecoder, vitOfVisible } from '../../models/vision/vit.ts';
import { cosineSimilarity, patchify, unitRows } from '../../nn/imageLayers.ts';
import { linear } from '../../nn/layers.ts';
import { Scope } from '../../nn/scope.ts';
import type { LossGraph } from '../../train/task.ts';

/** A loss in a graph, with what evaluation looks at beside it. */
export interface VisionLoss extends LossGraph {
  /** Further results by name. */
  readonly results: ReadonlyMap<string, Value>;
}

/** Patches of an image that a masked autoencoder sees. */
export function visiblePatches({ decoder, encoder, image }: ConfigOf<'mae'>): number {
  const patches = patchCount(image, encoder);
  return Math.min(patches - 1, Math.max(1, Math.round(patches * (1 - decoder.maskRatio))));
}

/**
 * The summed loss of a batch of `count` images, each of weight 1. All methods take `images` (and SimSiam `otherImages`,
 * the second views), float32 [count, C, H, W] in [0, 1]; SimCLR takes both views in `images`, [2 · count, C, H, W].
 */
export function visionLoss(config: VisionConfig, count: number, { training }: { training: boolean }): VisionLoss {
  const graph = new Graph();
  const scope = new Scope(graph, visionSpecs(config), { training });
  const built = lossOf(scope, config, count);
  return { graph, loss: built.loss, parameters: scope.used, states: scope.states, results: new Map(built.results) };
}

interface Built {
  readonly loss: Value;
  readonly results?: readonly (readonly [string, Value])[];
}

function lossOf(scope: Scope, config: VisionConfig, count: number): Built {
  switch (config.method) {
    case 'autoencoder':
      return reconstruction(scope, config, count);
    case 'simsiam':
      return siamese(scope, config, count);
    case 'simclr':
      return contrast(scope, config, count);
    case 'mae':
      return maskedPatches(scope, config, count);
    case 'classifier':
      return classes(scope, config, count);
  }
}

/** Mean squared error over an image's pixels; with the input `targets`, the clean images, when `images` are noisy. */
function reconstruction(scope: Scope, config: ConfigOf<'autoencoder'>, count: number): Built {
  const images = imageInput(scope, config, 'images', count);
  const targets = imageInput(scope, config, 'targets', count);
  const rebuilt = ops.sigmoid(decodeImages(scope, config, encodeImages(scope, config, images)));
  const difference = ops.subtract(rebuilt, ops.reshape(targets, rebuilt.shape));
  const loss = ops.scale(total(ops.multiply(difference, difference)), 1 / widthOf(rebuilt));
  return { loss };
}

/** Half the negative cosines of each view's prediction and the other's projection (Chen & He 2021). */
function siamese(scope: Scope, config: ConfigOf<'simsiam'>, count: number): Built {
  const views = ['images', 'otherImages'].map((name) => {
    const projection = project(scope, encodeImages(scope, config, imageInput(scope, config, name, count)));
    return { projection, prediction: predict(scope, projection) };
  });
  const [first, second] = views;
  if (!first || !second) throw new Error('internal: two views');
  const towards = (a: Value, b: Value) => ops.sum(cosineSimilarity(a, ops.stopGradient(b)), [0]);
  const both = ops.add(towards(first.prediction, second.projection), towards(second.prediction, first.projection));
  return { loss: ops.scale(both, -0.5), results: [['projection', first.projection]] };
}

/** Cross-entropy of finding an image's other view among all views of the batch: NT-Xent (Chen et al. 2020). */
function contrast(scope: Scope, config: ConfigOf<'simclr'>, count: number): Built {
  const { graph } = scope;
  const images = imageInput(scope, config, 'images', 2 * count);
  const projection = project(scope, encodeImages(scope, config, images));
  const unit = unitRows(projection);
  const similar = ops.matmul(unit, unit, { transposeB: true, alpha: 1 / config.temperature }); // [2N, 2N]
  const numbers = Int32Array.from({ length: 2 * count }, (_, i) => i);
  const column = graph.constant({ dtype: 'int32', shape: [2 * count, 1], data: numbers });
  const row = graph.constant({ dtype: 'int32', shape: [1, 2 * count], data: numbers });
  const others = ops.select(ops.equal(column, row), graph.scalar(-1e9), similar);
  const partners = graph.constant({
    dtype: 'int32',
    shape: [2 * count],
    data: numbers.map((i) => (i + count) % (2 * count)),
  });
  const loss = ops.scale(total(ops.crossEntropy(others, partners)), 0.5);
  return { loss, results: [['projection', projection]] };
}

/**
 * Mean squared error of masked patches (He et al. 2022). Beside `images` it takes `visibleRows` and `visiblePlaces`,
 * int32 [count · visible]: rows of the visible patches among all of the batch, and places in their images; and
 * `masked`, float32 [count · patches, 1]: 1 where a patch is masked.
 */
function maskedPatches(scope: Scope, config: ConfigOf<'mae'>, count: number): Built {
  const { graph } = scope;
  const { encoder, decoder, image } = config;
  const patches = patchCount(image, encoder);
  const visible = count * visiblePatches(config);
  const rows = graph.input('visibleRows', 'int32', [visible]);
  const places = graph.input('visiblePlaces', 'int32', [visible]);
  const masked = graph.input('masked', 'float32', [count * patches, 1]);
  const images = imageInput(scope, config, 'images', count);
  const cut = patchify(normalized(config, images), encoder.patchSize); // [N · P, pixels]
  const encoded = vitOfVisible(scope, encoder, image, cut, { rows, places });
  const rebuilt = maeDecoder(scope, decoder, encoder, image, encoded, { rows, masked });
  const targets = decoder.normalizedTargets ? normalizedRows(cut) : cut;
  const perImage = 1 / (patches - visiblePatches(config));
  const error = (guess: Value) => {
    const difference = ops.subtract(guess, targets);
    return ops.scale(total(ops.multiply(meanOfRows(ops.multiply(difference, difference)), masked)), perImage);
  };
  return {
    loss: error(rebuilt),
    results: [
      ['rebuilt', rebuilt],
      ['meanColourError', error(meanColours(config, targets, count))],
    ],
  };
}

/** Cross-entropy. Beside `images` it takes `labels`, int32 [count]. */
function classes(scope: Scope, config: ConfigOf<'classifier'>, count: number): Built {
  const logits = linear(scope, 'classifier', encodeImages(scope, config, imageInput(scope, config, 'images', count)));
  const losses = ops.crossEntropy(logits, scope.graph.input('labels', 'int32', [count]));
  return { loss: total(losses), results: [['logits', logits]] };
}

function imageInput(scope: Scope, { image }: VisionConfig, name: string, count: number): Value {
  return scope.graph.input(name, 'float32', [count, image.channels, image.height, image.width]);
}

function total(x: Value): Value {
  return ops.sum(
    x,
    x.shape.map((_, axis) => axis),
  );
}

/** Of [N, d] the d. */
function widthOf({ shape }: Value): number {
  return knownSize(at(shape, 1), 'images: the width of a row');
}

/** [N, d] -> [N, 1] */
function meanOfRows(x: Value): Value {
  return ops.scale(ops.sum(x, [1], true), 1 / widthOf(x));
}

/** Each row less its mean, over its unbiased deviation. */
function normalizedRows(x: Value): Value {
  const width = widthOf(x);
  const centered = ops.subtract(x, meanOfRows(x));
  const squares = ops.sum(ops.multiply(centered, centered), [1], true);
  const variance = ops.scale(squares, 1 / Math.max(1, width - 1));
  return ops.divide(centered, ops.sqrt(ops.add(variance, x.graph.scalar(1e-6))));
}

/** Every patch painted with the mean colour of its image: [N · P, pixels]. */
function meanColours({ encoder, image }: ConfigOf<'mae'>, targets: Value, count: number): Value {
  const pixels = image.height * image.width;
  const colours = ops.reshape(targets, [count, pixels, image.channels]);
  const mean = ops.scale(ops.sum(colours, [1], true), 1 / pixels);
  const painted = ops.broadcast(mean, [count, pixels, image.channels]);
  return ops.reshape(painted, [count * patchCount(image, encoder), encoder.patchSize ** 2 * image.channels]);
}

/** Methods whose batches are told apart by batch statistics or negatives: a smaller last batch is left out. */
export const needsFullBatches: ReadonlySet<VisionMethod> = new Set(['simsiam', 'simclr']);
