import { expect, test } from 'vitest';
import { randomBelow } from '../../src/core/random.ts';
import { zeros } from '../../src/core/tensor.ts';
import { onnxEngine } from '../../src/engine/onnx/engine.ts';
import { Graph } from '../../src/graph/graph.ts';
import { pooledTexts } from '../../src/hub/onnx/pooling.ts';
import { fillShares, type PoolingMode, poolingModes } from '../../src/models/text/sentence/pooling.ts';

/** Pooling of padded rows against the shares that packed texts are pooled by. */

const size = 3;
const width = 7;
const lengths = [7, 1, 4, 2];
const engine = onnxEngine({ threads: 1 });

const states = Float32Array.from(
  { length: lengths.length * width * size },
  (_, i) => randomBelow(2000, 3, 'sample', i) / 100 - 15,
);

test.each([0, 2, 4])('every mode, with %i tokens that do not count', async (skipped) => {
  const found = await pooledRows(poolingModes, skipped, 'right');
  lengths.forEach((length, text) => {
    const expected = poolingModes.flatMap((mode) => pooled(mode, text, length, skipped));
    found[text]?.forEach((value, i) => {
      expect(value, `text ${text}, ${poolingModes[Math.floor(i / size)]}`).toBeCloseTo(expected[i] ?? Number.NaN, 4);
    });
  });
});

test('modes stand in their own order', async () => {
  const [both, one] = [await pooledRows(['max', 'cls'], 0, 'right'), await pooledRows(['cls'], 0, 'right')];
  expect(both.map((row) => row.slice(size))).toEqual(one);
});

test('padding may stand before the text, where no place weighs', async () => {
  const modes = poolingModes.filter((mode) => mode !== 'weightedmean');
  const [left, right] = [await pooledRows(modes, 0, 'left'), await pooledRows(modes, 0, 'right')];
  expect(left.flat()).toHaveLength(lengths.length * modes.length * size);
  left.flat().forEach((value, i) => {
    expect(value).toBeCloseTo(right.flat()[i] ?? Number.NaN, 4);
  });
});

test('a row of padding alone gives numbers', async () => {
  const rows = await pooledRows(poolingModes, 1, 'right', [3, 0, 2, 0]);
  expect(rows.flat().every(Number.isFinite)).toBe(true);
});

async function pooledRows(
  modes: readonly PoolingMode[],
  skipped: number,
  side: 'left' | 'right',
  counts: readonly number[] = lengths,
): Promise<number[][]> {
  const graph = new Graph();
  const shape = [counts.length, width];
  const texts = {
    states: graph.input('states', 'float32', [...shape, size]),
    mask: graph.input('mask', 'int32', shape),
    positions: graph.input('positions', 'int32', shape),
    skipped,
  };
  graph.output('vectors', pooledTexts(texts, { modes }));
  const start = (text: number) => (side === 'left' ? width - (counts[text] ?? 0) : 0);
  const moved = new Float32Array(states.length).fill(1e6);
  const mask = new Int32Array(counts.length * width);
  counts.forEach((count, text) => {
    const at = (text * width + start(text)) * size;
    moved.set(states.subarray(text * width * size, (text * width + count) * size), at);
    mask.fill(1, text * width + start(text), text * width + start(text) + count);
  });
  const program = await engine.compile(graph);
  const vectors = zeros('float32', [counts.length, modes.length * size]);
  const positions = Int32Array.from({ length: counts.length * width }, (_, i) => i % width);
  await program.run(
    {
      states: { dtype: 'float32', shape: [...shape, size], data: moved },
      mask: { dtype: 'int32', shape, data: mask },
      positions: { dtype: 'int32', shape, data: positions },
    },
    { vectors },
  );
  await program.dispose();
  return counts.map((_, text) => [
    ...vectors.data.subarray(text * modes.length * size, (text + 1) * modes.length * size),
  ]);
}

/** The vector of one text by one mode, in float64. */
function pooled(mode: PoolingMode, text: number, length: number, skipped: number): number[] {
  const state = (place: number, i: number) => states[(text * width + place) * size + i] ?? Number.NaN;
  const places = Array.from({ length }, (_, place) => place);
  const read = places.slice(Math.min(skipped, length - 1));
  const shares = new Float32Array(length);
  if (mode !== 'max') fillShares(shares, 0, mode, { length, skipped });
  return Array.from({ length: size }, (_, i) =>
    mode === 'max'
      ? Math.max(...read.map((place) => state(place, i)))
      : places.reduce((sum, place) => sum + (shares[place] ?? 0) * state(place, i), 0),
  );
}
