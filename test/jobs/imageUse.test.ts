import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { InterruptedError } from '../../src/core/errors.ts';
import { randomUnit } from '../../src/core/random.ts';
import { floatData, type HostTensor } from '../../src/core/tensor.ts';
import { openImages } from '../../src/data/images/openImages.ts';
import { onnxEngine } from '../../src/engine/onnx/engine.ts';
import { Graph } from '../../src/graph/graph.ts';
import { saveVision, type VisionModel } from '../../src/hub/visionFolder.ts';
import { embedImages } from '../../src/jobs/embedImages.ts';
import { finetuneImages } from '../../src/jobs/finetuneImages.ts';
import { viewsFor } from '../../src/jobs/imageData.ts';
import type { PretrainMethod } from '../../src/jobs/imageTypes.ts';
import { previewImages } from '../../src/jobs/previewImages.ts';
import { probeImages } from '../../src/jobs/probeImages.ts';
import { showImages } from '../../src/jobs/showImages.ts';
import { augmentationFor } from '../../src/jobs/visionConfigs.ts';
import { encodeImages, randomVisionValues, visionSpecs } from '../../src/models/vision/encoder.ts';
import { asTensors } from '../../src/nn/parameters.ts';
import { Scope } from '../../src/nn/scope.ts';
import { lossInputs, viewsOf } from '../../src/tasks/vision/inputs.ts';
import { runSql } from '../data/files.ts';
import { barPixels, writeBars, writeIdx } from '../data/images/idxFiles.ts';
import { temporaryFolder } from '../temporary.ts';
import { listening } from './runs.ts';
import { inThreeColours, readSheet } from './sheets.ts';
import { pretrainMethods, saveTinyVision } from './tinyImages.ts';

const folder = temporaryFolder();
const at = (name: string) => join(folder, name);
const size = 8;
const count = 30;
const pixels = barPixels(count, size);
const data = writeBars(folder, 'bars', count, size);
const use = { cache: false, threads: 1 } as const;
const models = new Map<PretrainMethod, VisionModel>();

beforeAll(async () => {
  for (const method of pretrainMethods) models.set(method, await saveTinyVision(at(method), method));
});

const modelOf = (method: PretrainMethod) => models.get(method) as VisionModel;
const bytesOf = (n: number, of = pixels) => of.subarray(n * size * size, (n + 1) * size * size);
const inUnit = (bytes: Uint8Array) => Float32Array.from(bytes, (byte) => byte / 255);

/** x -> weight · x + bias for the layers `half.0` to `half.2`, rectifiers between them, in float64. */
function layersOf({ values }: VisionModel, half: 'encoder' | 'decoder', input: ArrayLike<number>): number[] {
  let hidden = Array.from(input);
  for (const layer of [0, 1, 2]) {
    const [weight, bias] = ['weight', 'bias'].map((name) => values.get(`${half}.${layer}.${name}`) as Float32Array);
    const from = layer > 0 ? hidden.map((value) => Math.max(0, value)) : hidden;
    hidden = Array.from(bias as Float32Array, (value, row) => {
      return from.reduce((sum, x, j) => sum + x * ((weight as Float32Array)[row * from.length + j] as number), value);
    });
  }
  return hidden;
}

/** Features of images, each by itself through the encoder's graph. */
async function encoded({ config, values }: VisionModel, images: readonly Uint8Array[]): Promise<Float32Array[]> {
  const graph = new Graph();
  const scope = new Scope(graph, visionSpecs(config), { training: false });
  const input = graph.input('images', 'float32', [1, 1, size, size]);
  graph.output('features', encodeImages(scope, config, input));
  const program = await onnxEngine({ threads: 1 }).compile(graph);
  const features: Float32Array[] = [];
  for (const image of images) {
    const one = { dtype: 'float32', shape: [1, 1, size, size], data: inUnit(image) } as const;
    const results = await program.run({ ...asTensors(values, visionSpecs(config)), images: one });
    if (results.features) features.push(Float32Array.from(floatData(results.features)));
  }
  await program.dispose();
  return features;
}

interface Vector {
  readonly id: number;
  readonly label: string;
  readonly vector: number[];
}

async function vectorsIn(path: string): Promise<Vector[]> {
  const rows = await runSql(`SELECT id, label, list_transform(vector, lambda x: x::DOUBLE) FROM '${path}' ORDER BY id`);
  return rows.map(([id, label, vector]) => ({ id: Number(id), label: String(label), vector: vector as number[] }));
}

async function embedded(model: string, images: string): Promise<Vector[]> {
  const output = at(`${model.replaceAll('/', '-')}.parquet`);
  await embedImages({ ...use, model, data: images, output });
  return vectorsIn(output);
}

function largestDifference(a: ArrayLike<number>, b: ArrayLike<number>): number {
  expect(a.length).toBe(b.length);
  return Array.from(a).reduce((most, value, i) => Math.max(most, Math.abs(value - (b[i] as number))), 0);
}

function cosine(a: ArrayLike<number>, b: ArrayLike<number>): number {
  const dot = (x: ArrayLike<number>, y: ArrayLike<number>) =>
    Array.from(x).reduce((sum, value, i) => sum + value * (y[i] as number), 0);
  return dot(a, b) / Math.sqrt(dot(a, a) * dot(b, b));
}

describe('embedImages', () => {
  test('writes what the layers of an autoencoder make of each image, in order, with its class', async () => {
    const output = at('vectors.parquet');
    const result = await embedImages({ ...use, model: at('autoencoder'), data, output });
    expect(result).toEqual({ count, dimensions: 8, output });
    const vectors = await vectorsIn(output);
    expect(vectors.map(({ id, label }) => [id, label])).toEqual(
      Array.from({ length: count }, (_, n) => [n + 1, String(n % 2)]),
    );
    for (const [n, { vector }] of vectors.entries()) {
      const expected = layersOf(modelOf('autoencoder'), 'encoder', inUnit(bytesOf(n)));
      expect(largestDifference(vector, expected)).toBeLessThan(1e-6);
    }
  });

  test.each(['simsiam', 'simclr', 'mae'] as const)('%s: the same as each image by itself', async (method) => {
    const direct = await encoded(
      modelOf(method),
      Array.from({ length: count }, (_, n) => bytesOf(n)),
    );
    for (const [n, { vector }] of (await embedded(at(method), data)).entries()) {
      expect(largestDifference(vector, direct[n] ?? [])).toBeLessThan(1e-5);
    }
  });
});

describe('probeImages', () => {
  /** The class of the largest vote of the 20 nearest by cosine, each of weight e^(cosine / 0.07). */
  function knnAccuracy(train: readonly Vector[], test: readonly Vector[]): number {
    const right = test.filter(({ vector, label }) => {
      const near = train
        .map((one) => ({ label: one.label, similarity: cosine(one.vector, vector) }))
        .sort((a, b) => b.similarity - a.similarity)
        .slice(0, 20);
      const vote = (name: string) =>
        near.reduce((sum, one) => sum + (one.label === name ? Math.exp(one.similarity / 0.07) : 0), 0);
      return (vote('1') > vote('0') ? '1' : '0') === label;
    });
    return right.length / test.length;
  }

  test('has the accuracies of neighbours over written vectors, of training anew, and their differences', async () => {
    // Two classes that are hard to tell: bars under noise.
    const noisy = (name: string, images: number, seed: number) => {
      const bars = barPixels(images, size, seed);
      const hard = bars.map((byte, i) => Math.min(255, 0.35 * byte + 165 * randomUnit(seed, 'noise', i)));
      const labels = Array.from({ length: images }, (_, n) => n % 2);
      return writeIdx(folder, name, { rows: size, columns: size, pixels: hard, labels });
    };
    const [train, tested] = [noisy('train', 50, 8), noisy('test', 41, 9)];
    const model = at('simclr');
    const result = await probeImages({ ...use, model, train, test: tested, seeds: 2, seed: 4 });
    expect(result).toMatchObject({ classes: ['0', '1'], labeled: 50, tested: 41 });

    const known = knnAccuracy(await embedded(model, train), await embedded(model, tested));
    expect(known).toBeGreaterThan(0.3);
    expect(known).toBeLessThan(1);
    expect(result.pretrained.knn.values).toEqual([known, known]);
    for (const [i, seed] of [4, 5].entries()) {
      const { config } = modelOf('simclr');
      await saveVision(at(`random-${seed}`), { config, values: randomVisionValues(config, seed) });
      const random = at(`random-${seed}`);
      const found = knnAccuracy(await embedded(random, train), await embedded(random, tested));
      expect(result.randomStart.knn.values[i]).toBe(found);
    }
    const scratch = { ...use, model, train, test: tested, randomStart: true, seed: 5, dataThreads: 1 };
    const { accuracy } = await finetuneImages({ ...scratch, output: at('scratch') });
    expect(result.scratch.values[1]).toBe(accuracy);
    const [first = 0, second = 0] = result.pretrained.linear.values.map(
      (value, i) => value - (result.scratch.values[i] as number),
    );
    expect(result.overScratch?.mean).toBeCloseTo((first + second) / 2, 12);
    const margin = (12.706 * Math.abs(first - second)) / 2; // t of one degree of freedom
    expect(result.overScratch?.low).toBeCloseTo((first + second) / 2 - margin, 10);
    expect(result.helped).toBe([result.overScratch, result.overRandomStart].every((over) => (over?.low ?? 0) > 0));
  });
});

test('probeImages stopped while it trains promises nothing to go on from', async () => {
  const stopped = probeImages({ ...use, model: at('mae'), train: data, test: data, seeds: 2 }, listening(2));
  await expect(stopped).rejects.toThrow(new InterruptedError('stopped before the end'));
});

describe('showImages', () => {
  const show = async (method: PretrainMethod, more: { count?: number; seed?: number } = {}) => {
    const output = at(`new/${method}.png`);
    const { rows } = await showImages({ ...use, model: at(method), data, output, ...more });
    return { rows, sheet: await readSheet(output, size, size) };
  };
  /** The number of the image that a place of a sheet shows. */
  const shown = (bytes: number[] | undefined) => {
    const gray = bytes?.filter((_, i) => i % 3 === 0).join();
    return Array.from({ length: count }, (_, n) => n).find((n) => bytesOf(n).join() === gray) ?? -1;
  };

  test('an autoencoder: originals above what its layers make of them', async () => {
    const { rows, sheet } = await show('autoencoder', { count: 5 });
    expect(rows).toEqual(['originals', 'reconstructions']);
    expect([sheet.rows, sheet.columns]).toEqual([2, 5]);
    const numbers = new Set<number>();
    for (let column = 0; column < 5; column++) {
      const original = sheet.at(0, column);
      const n = shown(original);
      numbers.add(n);
      expect(original).toEqual(inThreeColours(bytesOf(n)));
      const model = modelOf('autoencoder');
      const logits = layersOf(model, 'decoder', layersOf(model, 'encoder', inUnit(bytesOf(n))));
      const expected = inThreeColours(logits.map((logit) => Math.round(255 / (1 + Math.exp(-logit)))));
      expect(largestDifference(sheet.at(1, column) ?? [], expected)).toBeLessThanOrEqual(1);
    }
    expect(numbers.size).toBe(5);
    const other = await show('autoencoder', { count: 5, seed: 1 });
    expect(other.sheet.at(0, 0)).not.toEqual(sheet.at(0, 0));
    expect((await show('autoencoder', { count: 500 })).sheet.columns).toBe(count);
  });

  test('a masked autoencoder: masked patches in gray, rebuilt below; visible ones as they are', async () => {
    const { rows, sheet } = await show('mae');
    expect(rows).toEqual(['originals', 'visible patches', 'rebuilt']);
    expect([sheet.rows, sheet.columns]).toEqual([3, 8]);
    for (let column = 0; column < 8; column++) {
      const [original = [], seen = [], rebuilt = []] = [0, 1, 2].map((row) => sheet.at(row, column));
      expect(shown(original)).toBeGreaterThanOrEqual(0);
      const patchOf = (bytes: number[], patch: number) =>
        bytes.filter((_, i) => {
          const [y, x] = [Math.floor(i / 3 / size), Math.floor(i / 3) % size];
          return Math.floor(y / 2) * 4 + Math.floor(x / 2) === patch;
        });
      const patches = Array.from({ length: 16 }, (_, patch) => patch);
      const masked = patches.filter((patch) => patchOf(seen, patch).every((byte) => byte === 128));
      expect(masked).toHaveLength(12);
      for (const patch of patches) {
        const [truth, guess] = [patchOf(original, patch), patchOf(rebuilt, patch)];
        if (!masked.includes(patch)) expect([patchOf(seen, patch), guess]).toEqual([truth, truth]);
        else expect(guess).not.toEqual(truth);
      }
    }
  });

  test.each(['simsiam', 'simclr'] as const)('%s: each image before those nearest by cosine', async (method) => {
    const { rows, sheet } = await show(method, { count: 6 });
    expect([sheet.rows, sheet.columns]).toEqual([6, 8]);
    const features = await encoded(
      modelOf(method),
      Array.from({ length: count }, (_, n) => bytesOf(n)),
    );
    for (let row = 0; row < 6; row++) {
      const [query = -1, ...found] = Array.from({ length: 8 }, (_, column) => shown(sheet.at(row, column)));
      expect(rows[row]).toBe(`image ${query + 1} and its nearest neighbours`);
      const similarity = (n: number) => cosine(features[n] ?? [], features[query] ?? []);
      const all = Array.from({ length: count }, (_, n) => n).filter((n) => n !== query);
      const nearest = all.sort((a, b) => similarity(b) - similarity(a)).slice(0, 7);
      expect(new Set(found).size).toBe(7);
      // Two that are as near to a rounding may change places.
      expect(largestDifference(found.map(similarity), nearest.map(similarity))).toBeLessThan(1e-6);
    }
  });
});

test.each(pretrainMethods)('previewImages shows the views that %s learns from in its first epochs', async (method) => {
  const path = at(`preview-${method}.png`);
  const noise = method === 'autoencoder' ? 0.2 : 0;
  const { rows } = await previewImages({ method, data, seed: 7, cache: false, ...(noise > 0 && { noise }) }, path);
  const sheet = await readSheet(path, size, size);
  expect([sheet.rows, sheet.columns]).toEqual([8, 9]);
  const store = await openImages(data, { flag: '--data', cache: false });
  const views = viewsFor(store, augmentationFor(method, 1), 7, 1);
  const { config } = modelOf(method);
  const perEpoch = viewsOf(config);
  for (const [row, text] of rows.entries()) {
    const n = Number(/^image (\d+) and its views$/.exec(text)?.[1]) - 1;
    expect(sheet.at(row, 0)).toEqual(inThreeColours(bytesOf(n)));
    for (let epoch = 0; epoch < 8 / perEpoch; epoch++) {
      // In a batch of others, as in training.
      const examples = [3, n, 5];
      const batches = await views.batch(epoch, examples, perEpoch);
      const { images, otherImages } = lossInputs({ config, seed: 7, noise }, epoch, examples, batches);
      const first = floatData(images as HostTensor);
      // SimCLR has the second views after all first ones.
      const second = otherImages ? floatData(otherImages) : first.subarray(3 * size * size);
      for (const [view, batch] of [first, second].slice(0, perEpoch).entries()) {
        const seen = batch.subarray(size * size, 2 * size * size);
        expect(sheet.at(row, 1 + epoch * perEpoch + view)).toEqual(
          inThreeColours(seen.map((value) => Math.round(255 * value))),
        );
      }
    }
  }
  store.close();
});
