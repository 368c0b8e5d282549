import { finite } from '../../core/finite.ts';
import { breathe } from '../../core/interrupt.ts';
import { floatData } from '../../core/tensor.ts';
import type { Engine, NamedTensors } from '../../engine/engine.ts';
import { ProgramCache } from '../../engine/programCache.ts';
import * as ops from '../../graph/functions.ts';
import { Graph, type Value } from '../../graph/graph.ts';
import { pixelsOf, type VisionConfig } from '../../models/vision/config.ts';
import { decodeImages, encodeImages, visionSpecs } from '../../models/vision/encoder.ts';
import { linear } from '../../nn/layers.ts';
import { Scope } from '../../nn/scope.ts';
import { imageTensor, maskInputs } from './inputs.ts';
import { visionLoss } from './losses.ts';

/** Images of one run. */
const batchSize = 256;

type Output = 'features' | 'reconstruction' | 'logits' | 'rebuilt';

/** Runs a trained model over images [n · C · H · W] in [0, 1]. */
export class ImageInference {
  readonly config: VisionConfig;
  readonly #parameters: NamedTensors;
  readonly #programs: ProgramCache;
  readonly #signal: AbortSignal | undefined;

  /** @param signal when aborted, the next batch throws an InterruptedError */
  constructor(engine: Engine, config: VisionConfig, parameters: NamedTensors, signal?: AbortSignal) {
    this.config = config;
    this.#parameters = parameters;
    this.#signal = signal;
    this.#programs = new ProgramCache((key) => engine.compile(this.#graph(key)), 4);
  }

  /** Features of the encoder, [n · featureSize]. */
  async embed(images: Float32Array): Promise<Float32Array> {
    return this.#inBatches('features', images);
  }

  /** What an autoencoder makes of images: [n · C · H · W] in [0, 1]. */
  async reconstruct(images: Float32Array): Promise<Float32Array> {
    return this.#inBatches('reconstruction', images);
  }

  /** Logits of the classes, [n · labels]. */
  async classify(images: Float32Array): Promise<Float32Array> {
    return this.#inBatches('logits', images);
  }

  /**
   * What a masked autoencoder makes of images of which it sees some patches.
   *
   * @param visible for each image the places of the patches it sees, as many of each
   * @returns images [n · C · H · W] in [0, 1]: visible patches as they are, the others rebuilt
   */
  async fillIn(images: Float32Array, visible: readonly Int32Array[]): Promise<Float32Array> {
    const { config } = this;
    if (config.method !== 'mae') throw new Error('internal: no masked autoencoder');
    await breathe(this.#signal);
    const program = await this.#programs.get(`rebuilt ${visible.length}`);
    const inputs = { images: imageTensor(config, images), ...maskInputs(config, visible) };
    const { result } = await program.run({ ...this.#parameters, ...inputs });
    const rebuilt = finite(result ? floatData(result) : new Float32Array(), "the model's answers");
    return painted(config, images, visible, rebuilt);
  }

  async dispose(): Promise<void> {
    await this.#programs.dispose();
  }

  async #inBatches(output: Output, images: Float32Array): Promise<Float32Array> {
    const size = pixelsOf(this.config.image);
    const count = images.length / size;
    const parts: Float32Array[] = [];
    for (let from = 0; from < count; from += batchSize) {
      await breathe(this.#signal);
      const part = images.subarray(from * size, Math.min(from + batchSize, count) * size);
      const program = await this.#programs.get(`${output} ${part.length / size}`);
      const { result } = await program.run({ ...this.#parameters, images: imageTensor(this.config, part) });
      if (result) parts.push(finite(floatData(result), "the model's answers"));
    }
    const whole = new Float32Array(parts.reduce((sum, part) => sum + part.length, 0));
    let at = 0;
    for (const part of parts) {
      whole.set(part, at);
      at += part.length;
    }
    return whole;
  }

  #graph(key: string): Graph {
    const [output, count] = key.split(' ') as [Output, string];
    const { config } = this;
    if (output === 'rebuilt') {
      const { graph, results } = visionLoss(config, Number(count), { training: false });
      const rebuilt = results.get('rebuilt');
      if (rebuilt) graph.output('result', rebuilt);
      return graph;
    }
    const graph = new Graph();
    const scope = new Scope(graph, visionSpecs(config), { training: false });
    const { channels, height, width } = config.image;
    const images = graph.input('images', 'float32', [Number(count), channels, height, width]);
    graph.output('result', resultOf(scope, config, output, encodeImages(scope, config, images)));
    return graph;
  }
}

function resultOf(scope: Scope, config: VisionConfig, output: Output, features: Value): Value {
  if (output === 'logits' && config.method === 'classifier') return linear(scope, 'classifier', features);
  if (output === 'reconstruction' && config.method === 'autoencoder') {
    return ops.sigmoid(decodeImages(scope, config, features));
  }
  if (output !== 'features') throw new Error(`internal: a ${config.method} gives no ${output}`);
  return features;
}

/** Puts rebuilt patches, which are in the targets' units, where an image is masked. */
function painted(
  config: Extract<VisionConfig, { method: 'mae' }>,
  images: Float32Array,
  visible: readonly Int32Array[],
  rebuilt: Float32Array,
): Float32Array {
  const { channels, height, width } = config.image;
  const { patchSize } = config.encoder;
  const columns = width / patchSize;
  const result = Float32Array.from(images);
  const patches = columns * (height / patchSize);
  const patchPixels = patchSize * patchSize * channels;
  visible.forEach((places, n) => {
    const seen = new Set(places);
    for (let patch = 0; patch < patches; patch++) {
      if (seen.has(patch)) continue;
      const values = rebuilt.subarray((n * patches + patch) * patchPixels, (n * patches + patch + 1) * patchPixels);
      const [top, left] = [Math.floor(patch / columns) * patchSize, (patch % columns) * patchSize];
      const indices = Array.from({ length: patchPixels }, (_, i) => {
        const [channel, place] = [i % channels, Math.floor(i / channels)];
        const [row, column] = [top + Math.floor(place / patchSize), left + (place % patchSize)];
        return ((n * channels + channel) * height + row) * width + column;
      });
      const units = config.decoder.normalizedTargets ? patchUnits(config, images, indices) : undefined;
      indices.forEach((index, i) => {
        const channel = i % channels;
        const value = units ? (values[i] as number) * units.deviation + units.mean : (values[i] as number);
        const pixel = value * (config.deviation[channel] ?? 1) + (config.mean[channel] ?? 0);
        result[index] = Math.min(1, Math.max(0, pixel));
      });
    }
  });
  return result;
}

/** Mean and deviation of a patch of the original in normalized units, as per-patch targets have them taken out. */
function patchUnits({ mean, deviation, image }: VisionConfig, images: Float32Array, indices: readonly number[]) {
  const values = indices.map((index, i) => {
    const channel = i % image.channels;
    return ((images[index] as number) - (mean[channel] ?? 0)) / (deviation[channel] ?? 1);
  });
  const center = values.reduce((a, b) => a + b, 0) / values.length;
  const squares = values.reduce((sum, value) => sum + (value - center) ** 2, 0);
  return { mean: center, deviation: Math.sqrt(squares / Math.max(1, values.length - 1) + 1e-6) };
}
