import * as ops from '../../graph/functions.ts';
import type { Value } from '../../graph/graph.ts';
import { product, quotient, type Size } from '../../graph/sizes.ts';
import { selfAttention } from '../../nn/attention.ts';
import { patchify } from '../../nn/imageLayers.ts';
import { layerNorm, linear } from '../../nn/layers.ts';
import { glorotLinearSpecs, layerNormSpecs, type ParameterSpec } from '../../nn/parameters.ts';
import type { Scope } from '../../nn/scope.ts';
import { type ImageShape, type MaeDecoderConfig, patchCount, type VitConfig } from './config.ts';

const epsilon = 1e-6;

/** Shape of a stack of Transformer blocks. */
type Blocks = Pick<VitConfig, 'hiddenSize' | 'layers' | 'attentionHeads' | 'intermediateSize'>;

export function vitSpecs(config: VitConfig, image: ImageShape): ParameterSpec[] {
  return [
    ...glorotLinearSpecs('encoder.patches', patchSizeOf(config, image), config.hiddenSize),
    ...blockSpecs('encoder', config),
  ];
}

export function maeDecoderSpecs(decoder: MaeDecoderConfig, config: VitConfig, image: ImageShape): ParameterSpec[] {
  return [
    ...glorotLinearSpecs('decoder.embed', config.hiddenSize, decoder.hiddenSize),
    { name: 'decoder.maskToken', shape: [1, decoder.hiddenSize], initializer: { deviation: 0.02 }, decay: false },
    ...blockSpecs('decoder', decoder),
    ...glorotLinearSpecs('decoder.pixels', decoder.hiddenSize, patchSizeOf(config, image)),
  ];
}

/** Normalized images [N, C, H, W] -> features [N, hiddenSize]: the mean over all patches. */
export function vit(scope: Scope, config: VitConfig, image: ImageShape, images: Value): Value {
  const [count, patches] = [images.shape[0] ?? 0, patchCount(image, config)];
  const embedded = linear(scope, 'encoder.patches', patchify(images, config.patchSize)); // [N · P, D]
  const placed = atPlaces(embedded, count, positions(config, image, config.hiddenSize, scope));
  const hidden = blocks(scope, 'encoder', config, placed, count, patches);
  const sums = ops.sum(ops.reshape(hidden, [count, patches, config.hiddenSize]), [1]);
  return ops.scale(sums, 1 / patches);
}

/**
 * The encoder over visible patches alone.
 *
 * @param patches [N · P, pixels of a patch]
 * @param rows int32 [N · V]: rows of the visible patches
 * @param places int32 [N · V]: their places in their images
 * @returns [N · V, hiddenSize]
 */
export function vitOfVisible(
  scope: Scope,
  config: VitConfig,
  image: ImageShape,
  patches: Value,
  { rows, places }: { readonly rows: Value; readonly places: Value },
): Value {
  const count = quotient(patches.shape[0] ?? 0, patchCount(image, config));
  const visible = quotient(rows.shape[0] ?? 0, count);
  const embedded = linear(scope, 'encoder.patches', ops.gatherRows(patches, rows));
  const placed = ops.add(embedded, ops.gatherRows(positions(config, image, config.hiddenSize, scope), places));
  return blocks(scope, 'encoder', config, placed, count, visible);
}

/**
 * Rebuilds all patches from the visible ones.
 *
 * @param encoded [N · V, hiddenSize]
 * @param rows int32 [N · V]: where they belong
 * @param masked [N · P, 1]: 1 where a patch is masked, else 0
 * @returns [N · P, pixels of a patch]
 */
export function maeDecoder(
  scope: Scope,
  decoder: MaeDecoderConfig,
  config: VitConfig,
  image: ImageShape,
  encoded: Value,
  { rows, masked }: { readonly rows: Value; readonly masked: Value },
): Value {
  const total = masked.shape[0] ?? 0;
  const patches = patchCount(image, config);
  const embedded = ops.scatterRows(rows, linear(scope, 'decoder.embed', encoded), total);
  const filled = ops.add(embedded, ops.multiply(masked, scope.parameter('decoder.maskToken')));
  const count = quotient(total, patches);
  const placed = atPlaces(filled, count, positions(config, image, decoder.hiddenSize, scope));
  return linear(scope, 'decoder.pixels', blocks(scope, 'decoder', decoder, placed, count, patches));
}

function patchSizeOf({ patchSize }: VitConfig, { channels }: ImageShape): number {
  return patchSize * patchSize * channels;
}

function blockSpecs(name: string, { hiddenSize, layers, intermediateSize }: Blocks): ParameterSpec[] {
  const block = (layer: number) => [
    ...layerNormSpecs(`${name}.${layer}.norm1`, hiddenSize),
    ...['query', 'key', 'value', 'output'].flatMap((part) =>
      glorotLinearSpecs(`${name}.${layer}.attention.${part}`, hiddenSize, hiddenSize),
    ),
    ...layerNormSpecs(`${name}.${layer}.norm2`, hiddenSize),
    ...glorotLinearSpecs(`${name}.${layer}.up`, hiddenSize, intermediateSize),
    ...glorotLinearSpecs(`${name}.${layer}.down`, intermediateSize, hiddenSize),
  ];
  return [
    ...Array.from({ length: layers }, (_, layer) => block(layer)).flat(),
    ...layerNormSpecs(`${name}.norm`, hiddenSize),
  ];
}

function blocks(scope: Scope, name: string, config: Blocks, x: Value, rows: Size, width: Size): Value {
  const { layers, hiddenSize, attentionHeads: heads } = config;
  const shape = { rows, width, heads, headSize: hiddenSize / heads };
  let hidden = x;
  for (let layer = 0; layer < layers; layer++) {
    const block = `${name}.${layer}`;
    const within = layerNorm(scope, `${block}.norm1`, hidden, epsilon);
    const attended = ops.add(hidden, selfAttention(scope, `${block}.attention`, within, undefined, shape, 0));
    const up = ops.gelu(linear(scope, `${block}.up`, layerNorm(scope, `${block}.norm2`, attended, epsilon)));
    hidden = ops.add(attended, linear(scope, `${block}.down`, up));
  }
  return layerNorm(scope, `${name}.norm`, hidden, epsilon);
}

/** Adds the place's vector to every patch. */
function atPlaces(x: Value, count: Size, table: Value): Value {
  const [patches = 0, width = 0] = table.shape;
  return ops.reshape(ops.add(ops.reshape(x, [count, patches, width]), table), [product(count, patches), width]);
}

/**
 * Fixed positions [P, width]: a quarter each of sines and cosines of the row and of the column, at frequencies from 1
 * down to 1/10,000 (Vaswani et al. 2017).
 */
function positions(
  { patchSize }: VitConfig,
  { height, width: pixels }: ImageShape,
  width: number,
  scope: Scope,
): Value {
  const columns = pixels / patchSize;
  const patches = (height / patchSize) * columns;
  const quarter = width / 4;
  const data = new Float32Array(patches * width);
  for (let patch = 0; patch < patches; patch++) {
    const along = [Math.floor(patch / columns), patch % columns];
    along.forEach((coordinate, axis) => {
      for (let i = 0; i < quarter; i++) {
        const angle = coordinate / 10_000 ** (i / quarter);
        const start = patch * width + axis * 2 * quarter + i;
        data[start] = Math.sin(angle);
        data[start + quarter] = Math.cos(angle);
      }
    });
  }
  return scope.graph.constant({ dtype: 'float32', shape: [patches, width], data });
}
