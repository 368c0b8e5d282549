import { expect, test } from 'vitest';
import type { ViewBatches } from '../../src/data/images/views.ts';
import type { VisionConfig } from '../../src/models/vision/config.ts';
import { randomVisionValues } from '../../src/models/vision/encoder.ts';
import { ImageTask } from '../../src/tasks/vision/imageTask.ts';

const config: VisionConfig = {
  method: 'autoencoder',
  image: { channels: 1, height: 2, width: 2 },
  mean: [0.5],
  deviation: [0.5],
  encoder: { type: 'dense', widths: [3], latentSize: 2 },
};

/** Images whose pixels are their number, and what was asked for. */
function numberedImages() {
  const asked: (readonly number[])[] = [];
  const arrays = new Set<ArrayBufferLike>();
  const views: ViewBatches = {
    async batch(_, examples, count, into = [new Float32Array(4 * examples.length)]) {
      expect(count).toBe(1);
      asked.push(examples);
      for (const view of into) {
        arrays.add(view.buffer);
        examples.forEach((example, i) => {
          view.fill(example, 4 * i, 4 * i + 4);
        });
      }
      return into;
    },
    async close() {},
  };
  return { views, asked, arrays };
}

test('images are prepared once an update, ahead of it, in two arrays by turns', async () => {
  const { views, asked, arrays } = numberedImages();
  const task = new ImageTask({
    ...{ config, seed: 3, noise: 0, startValues: randomVisionValues(config, 1), views },
    ...{ examples: Array.from({ length: 12 }, (_, i) => i), batchSize: 4, accumulationSteps: 2 },
  });
  const epochs = [new Set<number>(), new Set<number>()];
  let cursor = { epoch: 0, index: 0 };
  for (let step = 0; step < 6; step++) {
    // The trainer's order.
    const { microBatches, next } = task.update(cursor);
    task.prepare(next);
    expect(asked.length).toBe(step + 2);
    const seen: number[] = [];
    for await (const { inputs } of microBatches) {
      const pixels = inputs.images?.data as Float32Array;
      for (let i = 0; i < pixels.length; i += 4) {
        expect([...pixels.subarray(i, i + 4)]).toEqual(new Array(4).fill(pixels[i]));
        seen.push(pixels[i] as number);
      }
    }
    expect(seen).toEqual(asked[step]);
    for (const example of seen) epochs[cursor.epoch]?.add(example);
    cursor = next;
  }
  expect(epochs.map((epoch) => epoch.size)).toEqual([12, 12]);
  expect(arrays.size).toBe(2);
});
