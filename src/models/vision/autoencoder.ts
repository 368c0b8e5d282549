import * as ops from '../../graph/functions.ts';
import type { Value } from '../../graph/graph.ts';
import { elementsOf } from '../../graph/sizes.ts';
import { biasedConv, transposedConv } from '../../nn/imageLayers.ts';
import { linear } from '../../nn/layers.ts';
import { biasSpec, convSpec, type ParameterSpec, uniformLinearSpecs } from '../../nn/parameters.ts';
import type { Scope } from '../../nn/scope.ts';
import { type ConvEncoderConfig, type DenseEncoderConfig, type ImageShape, pixelsOf } from './config.ts';

/** Kernel of every convolution. */
const kernel = 3;

/** Sizes from the pixels down to the latent vector: 784, 128, 64, 32. */
function denseSizes({ widths, latentSize }: DenseEncoderConfig, image: ImageShape): number[] {
  return [pixelsOf(image), ...widths, latentSize];
}

export function denseEncoderSpecs(config: DenseEncoderConfig, image: ImageShape): ParameterSpec[] {
  const sizes = denseSizes(config, image);
  return sizes.slice(1).flatMap((size, i) => uniformLinearSpecs(`encoder.${i}`, sizes[i] ?? 0, size));
}

export function denseDecoderSpecs(config: DenseEncoderConfig, image: ImageShape): ParameterSpec[] {
  const sizes = denseSizes(config, image).reverse();
  return sizes.slice(1).flatMap((size, i) => uniformLinearSpecs(`decoder.${i}`, sizes[i] ?? 0, size));
}

/** Images [N, C, H, W] in [0, 1] -> latent vectors [N, latentSize]; rectifiers between the layers, none at the end. */
export function denseEncoder(scope: Scope, { widths }: DenseEncoderConfig, image: ImageShape, images: Value): Value {
  const flat = ops.reshape(images, [images.shape[0] ?? 0, pixelsOf(image)]);
  return dense(scope, 'encoder', flat, widths.length + 1);
}

/** Latent vectors [N, latentSize] -> logits of the pixels [N, C · H · W]. */
export function denseDecoder(scope: Scope, { widths }: DenseEncoderConfig, latent: Value): Value {
  return dense(scope, 'decoder', latent, widths.length + 1);
}

function dense(scope: Scope, name: string, x: Value, layers: number): Value {
  let hidden = x;
  for (let layer = 0; layer < layers; layer++) {
    hidden = linear(scope, `${name}.${layer}`, layer > 0 ? ops.relu(hidden) : hidden);
  }
  return hidden;
}

/** Channels, height and width before each convolution and after the last. */
function convShapes({ channels }: ConvEncoderConfig, image: ImageShape): ImageShape[] {
  const shapes = [image];
  let { height, width } = image;
  for (const count of channels) {
    [height, width] = [Math.ceil(height / 2), Math.ceil(width / 2)];
    shapes.push({ channels: count, height, width });
  }
  return shapes;
}

export function convEncoderSpecs(config: ConvEncoderConfig, image: ImageShape): ParameterSpec[] {
  const shapes = convShapes(config, image);
  const convolutions = shapes.slice(1).flatMap(({ channels }, i) => {
    const name = `encoder.conv.${i}`;
    return [convSpec(name, shapes[i]?.channels ?? 0, channels, kernel), biasSpec(name, channels)];
  });
  return [
    ...convolutions,
    ...uniformLinearSpecs('encoder.latent', pixelsOf(shapes.at(-1) ?? image), config.latentSize),
  ];
}

export function convDecoderSpecs(config: ConvEncoderConfig, image: ImageShape): ParameterSpec[] {
  const shapes = convShapes(config, image).reverse();
  const convolutions = shapes.slice(1).flatMap(({ channels }, i) => {
    const name = `decoder.conv.${i}`;
    return [convSpec(name, channels, shapes[i]?.channels ?? 0, kernel), biasSpec(name, channels)];
  });
  return [...uniformLinearSpecs('decoder.latent', config.latentSize, pixelsOf(shapes[0] ?? image)), ...convolutions];
}

/** Images [N, C, H, W] in [0, 1] -> latent vectors [N, latentSize]. */
export function convEncoder(scope: Scope, { channels }: ConvEncoderConfig, images: Value): Value {
  let hidden = images;
  channels.forEach((_, i) => {
    hidden = ops.relu(biasedConv(scope, `encoder.conv.${i}`, hidden, 2));
  });
  const [count = 0, ...rest] = hidden.shape;
  return linear(scope, 'encoder.latent', ops.reshape(hidden, [count, elementsOf(rest)]));
}

/** Latent vectors [N, latentSize] -> logits of the pixels [N, C · H · W]. */
export function convDecoder(scope: Scope, config: ConvEncoderConfig, image: ImageShape, latent: Value): Value {
  const shapes = convShapes(config, image).reverse();
  const [smallest = image] = shapes;
  const count = latent.shape[0] ?? 0;
  const spread = ops.relu(linear(scope, 'decoder.latent', latent));
  let hidden = ops.reshape(spread, [count, smallest.channels, smallest.height, smallest.width]);
  shapes.slice(1).forEach(({ height, width }, i) => {
    hidden = transposedConv(scope, `decoder.conv.${i}`, i > 0 ? ops.relu(hidden) : hidden, 2, [height, width]);
  });
  return ops.reshape(hidden, [count, pixelsOf(image)]);
}
