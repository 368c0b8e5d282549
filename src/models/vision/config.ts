/** Size of every image of a model. */
export interface ImageShape {
  readonly channels: number;
  readonly height: number;
  readonly width: number;
}

/** Fully connected layers with rectifiers down to the latent vector. */
export interface DenseEncoderConfig {
  readonly type: 'dense';
  readonly widths: readonly number[];
  readonly latentSize: number;
}

/** Convolutions of stride 2 with rectifiers, then a linear layer to the latent vector. */
export interface ConvEncoderConfig {
  readonly type: 'conv';
  /** Channels of each convolution. */
  readonly channels: readonly number[];
  readonly latentSize: number;
}

/** A residual network for small images (He et al. 2016): no pooling but the last, a stage for each width. */
export interface ResNetConfig {
  readonly type: 'resnet';
  /** Channels of each stage; every stage but the first halves the size. */
  readonly channels: readonly number[];
  /** Residual blocks of each stage. */
  readonly blocks: number;
}

/** A pre-norm Transformer over patches with fixed positions (Dosovitskiy et al. 2021); no class token. */
export interface VitConfig {
  readonly type: 'vit';
  readonly patchSize: number;
  readonly hiddenSize: number;
  readonly layers: number;
  readonly attentionHeads: number;
  readonly intermediateSize: number;
}

export type EncoderConfig = DenseEncoderConfig | ConvEncoderConfig | ResNetConfig | VitConfig;

/** The decoder of a masked autoencoder (He et al. 2022). */
export interface MaeDecoderConfig {
  readonly hiddenSize: number;
  readonly layers: number;
  readonly attentionHeads: number;
  readonly intermediateSize: number;
  /** Whether each patch is predicted less its mean, over its deviation. */
  readonly normalizedTargets: boolean;
  readonly maskRatio: number;
}

/** Sizes of the layers after the encoder in contrastive learning. */
export interface ProjectionConfig {
  /** Width of the projector's three layers. */
  readonly projectionSize: number;
  /** Width between the predictor's two layers; SimCLR has none. */
  readonly predictorSize?: number;
}

interface Common {
  readonly image: ImageShape;
  /** Mean and deviation of each channel of the training images in [0, 1]: inputs are normalized by them. */
  readonly mean: readonly number[];
  readonly deviation: readonly number[];
}

export type VisionConfig = Common &
  (
    | { readonly method: 'autoencoder'; readonly encoder: DenseEncoderConfig | ConvEncoderConfig }
    | { readonly method: 'simsiam'; readonly encoder: ResNetConfig; readonly projection: Required<ProjectionConfig> }
    | {
        readonly method: 'simclr';
        readonly encoder: ResNetConfig;
        readonly projection: ProjectionConfig;
        readonly temperature: number;
      }
    | { readonly method: 'mae'; readonly encoder: VitConfig; readonly decoder: MaeDecoderConfig }
    | { readonly method: 'classifier'; readonly encoder: EncoderConfig; readonly labels: readonly string[] }
  );

export type VisionMethod = VisionConfig['method'];
export type ConfigOf<M extends VisionMethod> = Extract<VisionConfig, { readonly method: M }>;

/** Pixels of an image, all channels. */
export function pixelsOf({ channels, height, width }: ImageShape): number {
  return channels * height * width;
}

/** Patches of an image. */
export function patchCount({ height, width }: ImageShape, { patchSize }: VitConfig): number {
  return (height / patchSize) * (width / patchSize);
}
