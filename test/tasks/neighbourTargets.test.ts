import { expect, test } from 'vitest';
import { onnxEngine } from '../../src/engine/onnx/engine.ts';
import { neighbourTargets } from '../../src/tasks/text/neighbourTargets.ts';

const size = 3;
const rows = Array.from({ length: 300 }, (_, i) => [Math.sin(i), Math.cos(3 * i), Math.sin(0.7 * i + 1)]);
rows[7] = rows[3] as number[];

/** The same in plain numbers: 0.4 of a vector and 0.6 of the mean of the others, weighed by e^(cosine / 0.04). */
function expected(own: readonly number[]): number[] {
  const unit = (x: readonly number[]) => x.map((value) => value / Math.hypot(...x));
  const dot = (a: readonly number[], b: readonly number[]) => a.reduce((sum, x, j) => sum + x * (b[j] as number), 0);
  const mean = [0, 0, 0];
  for (const other of rows.map(unit)) {
    const cosine = dot(unit(own), other);
    if (cosine > 0.9999) continue;
    for (let j = 0; j < size; j++) mean[j] = (mean[j] as number) + Math.exp((cosine - 1) / 0.04) * (other[j] as number);
  }
  const near = unit(mean);
  return unit(unit(own).map((x, j) => 0.4 * x + 0.6 * (near[j] as number)));
}

test('a vector is drawn to the mean of itself and of its neighbours, its repetitions left out', async () => {
  const vectors = { data: Float32Array.from(rows.flat()), size };
  const targets = await neighbourTargets(onnxEngine({ threads: 1 }), vectors, vectors);
  expect(targets.data).toHaveLength(rows.length * size);
  for (const [i, row] of rows.entries()) {
    for (const [j, value] of expected(row).entries()) {
      expect(Math.abs((targets.data[i * size + j] as number) - value), `${i}, ${j}`).toBeLessThan(2e-4);
    }
  }
});
