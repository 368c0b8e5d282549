import type { VisionConfig } from '../../src/models/vision/config.ts';

/** A method's model and the images of its step. */
export interface ImageShape {
  readonly name: string;
  readonly images: number;
  readonly config: VisionConfig;
}

const gray = { image: { channels: 1, height: 28, width: 28 }, mean: [0.13], deviation: [0.31] };
const colour = {
  image: { channels: 3, height: 32, width: 32 },
  mean: [0.49, 0.48, 0.45],
  deviation: [0.25, 0.24, 0.26],
};
const resnet = { type: 'resnet', channels: [32, 64, 128], blocks: 1 } as const;

/** The models that `image pretrain` makes by default, and batches that take about a second or less. */
export const imageShapes: readonly ImageShape[] = [
  {
    name: 'autoencoder',
    images: 256,
    config: { method: 'autoencoder', ...gray, encoder: { type: 'dense', widths: [128, 64], latentSize: 32 } },
  },
  {
    name: 'convolutional autoencoder',
    images: 256,
    config: { method: 'autoencoder', ...gray, encoder: { type: 'conv', channels: [16, 32], latentSize: 32 } },
  },
  {
    name: 'simsiam',
    images: 64,
    config: { method: 'simsiam', ...colour, encoder: resnet, projection: { projectionSize: 256, predictorSize: 64 } },
  },
  {
    name: 'simclr',
    images: 64,
    config: { method: 'simclr', ...colour, encoder: resnet, projection: { projectionSize: 256 }, temperature: 0.5 },
  },
  {
    name: 'mae',
    images: 256,
    config: {
      method: 'mae',
      ...colour,
      encoder: { type: 'vit', patchSize: 4, hiddenSize: 128, layers: 4, attentionHeads: 4, intermediateSize: 512 },
      decoder: {
        ...{ hiddenSize: 64, layers: 1, attentionHeads: 4, intermediateSize: 256 },
        ...{ normalizedTargets: false, maskRatio: 0.75 },
      },
    },
  },
];
