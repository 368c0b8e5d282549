import * as ops from '../../graph/functions.ts';
import type { Value } from '../../graph/graph.ts';
import { glorotLinearSpecs, initialValue, type ParameterSpec, type ParameterValues } from '../../nn/parameters.ts';
import type { Scope } from '../../nn/scope.ts';
import {
  convDecoder,
  convDecoderSpecs,
  convEncoder,
  convEncoderSpecs,
  denseDecoder,
  denseDecoderSpecs,
  denseEncoder,
  denseEncoderSpecs,
} from './autoencoder.ts';
import type { ConfigOf, EncoderConfig, ImageShape, VisionConfig } from './config.ts';
import { projectionSpecs } from './projection.ts';
import { resnet, resnetSpecs } from './resnet.ts';
import { maeDecoderSpecs, vit, vitSpecs } from './vit.ts';

/** Every parameter of the encoder, in the order of the forward pass, running statistics among them. */
export function encoderSpecs(encoder: EncoderConfig, image: ImageShape): ParameterSpec[] {
  switch (encoder.type) {
    case 'dense':
      return denseEncoderSpecs(encoder, image);
    case 'conv':
      return convEncoderSpecs(encoder, image);
    case 'resnet':
      return resnetSpecs(encoder, image);
    case 'vit':
      return vitSpecs(encoder, image);
  }
}

/** What a method has beside its encoder. */
export function headSpecs(config: VisionConfig): ParameterSpec[] {
  const { image, encoder } = config;
  switch (config.method) {
    case 'autoencoder':
      return config.encoder.type === 'dense'
        ? denseDecoderSpecs(config.encoder, image)
        : convDecoderSpecs(config.encoder, image);
    case 'simsiam':
    case 'simclr':
      return projectionSpecs(config.projection, featureSize(encoder));
    case 'mae':
      return maeDecoderSpecs(config.decoder, config.encoder, image);
    case 'classifier':
      return glorotLinearSpecs('classifier', featureSize(encoder), config.labels.length);
  }
}

/** Every parameter and running statistic of a model. */
export function visionSpecs(config: VisionConfig): ParameterSpec[] {
  return [...encoderSpecs(config.encoder, config.image), ...headSpecs(config)];
}

/** A random start: a function of the seed and each parameter's name and shape. */
export function randomVisionValues(config: VisionConfig, seed: number): ParameterValues {
  return new Map(visionSpecs(config).map((spec) => [spec.name, initialValue(spec, 0.02, seed)]));
}

/** Numbers that the encoder makes of an image. */
export function featureSize(encoder: EncoderConfig): number {
  switch (encoder.type) {
    case 'dense':
    case 'conv':
      return encoder.latentSize;
    case 'resnet':
      return encoder.channels.at(-1) ?? 0;
    case 'vit':
      return encoder.hiddenSize;
  }
}

/** Images [N, C, H, W] in [0, 1] -> features [N, featureSize]. */
export function encodeImages(scope: Scope, config: VisionConfig, images: Value): Value {
  const { encoder, image } = config;
  switch (encoder.type) {
    case 'dense':
      return denseEncoder(scope, encoder, image, images);
    case 'conv':
      return convEncoder(scope, encoder, images);
    case 'resnet':
      return resnet(scope, encoder, normalized(config, images));
    case 'vit':
      return vit(scope, encoder, image, normalized(config, images));
  }
}

/** Latent vectors [N, latentSize] -> logits of the pixels [N, C · H · W]. */
export function decodeImages(scope: Scope, { encoder, image }: ConfigOf<'autoencoder'>, latent: Value): Value {
  return encoder.type === 'dense' ? denseDecoder(scope, encoder, latent) : convDecoder(scope, encoder, image, latent);
}

/** Images in [0, 1] less the mean of each channel, over its deviation. */
export function normalized({ mean, deviation, image }: VisionConfig, images: Value): Value {
  const shape = [image.channels, 1, 1];
  const constant = (numbers: readonly number[]) =>
    images.graph.constant({ dtype: 'float32', shape, data: Float32Array.from(numbers) });
  const inverse = deviation.map((x) => 1 / x);
  return ops.multiply(ops.subtract(images, constant(mean)), constant(inverse));
}
