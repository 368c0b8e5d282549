import { describe, expect, test } from 'vitest';
import { randomUnit } from '../../src/core/random.ts';
import { nearestOrthogonal, principalComponents, reconstructionError } from '../../src/evaluation/pca.ts';

const [count, width] = [200, 6];

/** Rows whose columns hang together, in scales apart. */
const rows = Float32Array.from({ length: count * width }, (_, i) => {
  const [row, column] = [Math.floor(i / width), i % width];
  const draw = (j: number) => randomUnit(1, 'sample', row, j) - 0.5;
  return [3, 2, 1, 0.5, 0.25, 0.1].reduce(
    (sum, scale, j) => sum + scale * draw(j) * Math.cos(1 + (column + 1) * (j + 1)),
    column,
  );
});

function covariance(): { mean: number[]; matrix: number[][] } {
  const columnOf = (j: number) => Array.from({ length: count }, (_, row) => rows[row * width + j] as number);
  const all = Array.from({ length: width }, (_, j) => columnOf(j));
  const mean = all.map((column) => column.reduce((a, b) => a + b, 0) / count);
  const product = (j: number, k: number) =>
    (all[j] as number[]).reduce((sum, value, row) => {
      return sum + (value - (mean[j] as number)) * (((all[k] as number[])[row] as number) - (mean[k] as number));
    }, 0) / count;
  return { mean, matrix: all.map((_, j) => all.map((_, k) => product(j, k))) };
}

const dot = (a: readonly number[], b: readonly number[]) => a.reduce((sum, x, i) => sum + x * (b[i] as number), 0);

/** Eigenvalues and vectors, largest first, by power iteration and deflation. */
function eigenpairs(matrix: readonly (readonly number[])[]): { value: number; vector: number[] }[] {
  const left = matrix.map((row) => [...row]);
  return left.map((_, found) => {
    let vector = left.map((_, i) => 1 + ((i * 7 + found) % 5));
    let value = 0;
    for (let turn = 0; turn < 20_000; turn++) {
      const turned = left.map((row) => dot(row, vector));
      value = Math.sqrt(dot(turned, turned));
      vector = turned.map((x) => x / value);
    }
    for (const [i, row] of left.entries()) {
      for (const k of row.keys()) row[k] = (row[k] as number) - value * (vector[i] as number) * (vector[k] as number);
    }
    return { value, vector };
  });
}

describe('principal components agree with power iteration', () => {
  const { mean, matrix } = covariance();
  const pairs = eigenpairs(matrix);

  test.each([0, 1, 2, 3, 5, 6])('%i components', (wanted) => {
    const components = principalComponents(rows, width, wanted);
    expect(components.directions).toHaveLength(wanted * width);
    for (const [j, value] of mean.entries()) expect(components.mean[j]).toBeCloseTo(value, 10);
    for (let c = 0; c < wanted; c++) {
      const direction = Array.from(components.directions.subarray(c * width, (c + 1) * width));
      expect(Math.abs(dot(direction, pairs[c]?.vector ?? []))).toBeCloseTo(1, 9);
      expect(dot(direction, direction)).toBeCloseTo(1, 12);
    }
    // What components leave of the rows they are from are the eigenvalues of the others.
    const left = pairs.slice(wanted).reduce((sum, { value }) => sum + value, 0) / width;
    expect(reconstructionError(rows, width, components)).toBeCloseTo(left, 9);
  });

  test('other rows are measured about the mean of the first ones', () => {
    const components = principalComponents(rows, width, 1);
    const other = Float32Array.from([1, -2, 3, 0, 5, 6]);
    const centred = Array.from(other, (value, j) => value - (mean[j] as number));
    const along = dot(centred, pairs[0]?.vector ?? []);
    expect(reconstructionError(other, width, components)).toBeCloseTo((dot(centred, centred) - along ** 2) / width, 6);
  });

  test('a column that does not vary, and two that are the same, leave nothing behind', () => {
    const flat = Float32Array.from({ length: 30 }, (_, i) => [i, 5, i][i % 3] as number).map((value, i) =>
      i % 3 === 2 ? Math.floor(i / 3) * 3 : i % 3 === 0 ? i : value,
    );
    const components = principalComponents(flat, 3, 1);
    expect(reconstructionError(flat, 3, components)).toBeCloseTo(0, 6);
  });
});

describe('the nearest orthogonal matrix', () => {
  const size = 5;
  const at = (matrix: Float64Array, i: number, j: number) => matrix[i * size + j] as number;
  const draws = Float64Array.from({ length: size * size }, (_, i) => randomUnit(2, 'sample', i, 0) - 0.5);
  /** Entry i, j of aᵀb. */
  const inner = (a: Float64Array, b: Float64Array, i: number, j: number) =>
    Array.from({ length: size }, (_, k) => at(a, k, i) * at(b, k, j)).reduce((sum, one) => sum + one, 0);

  test.each([
    ['of full rank', draws],
    ['of rank 1', draws.map((_, i) => at(draws, 0, i % size) * at(draws, 1, Math.floor(i / size)))],
  ])('%s: its columns are orthonormal, and what is left of the matrix is symmetric and not negative', (_, matrix) => {
    const nearest = nearestOrthogonal(matrix, size);
    const length = Math.hypot(...matrix);
    for (let i = 0; i < size; i++) {
      for (let j = 0; j < size; j++) {
        expect(inner(nearest, nearest, i, j)).toBeCloseTo(i === j ? 1 : 0, 9);
        // But for the thousandth that keeps what the matrix says nothing of.
        const asymmetry = inner(nearest, matrix, i, j) - inner(nearest, matrix, j, i);
        expect(Math.abs(asymmetry) / length).toBeLessThan(2e-3);
      }
      expect(inner(nearest, matrix, i, i) / length).toBeGreaterThan(-2e-3);
    }
  });

  test('of a turn and a stretch is the turn', () => {
    const turn = nearestOrthogonal(draws, size);
    // Q S, with a symmetric S whose eigenvalues are all above 0.
    const stretch = Float64Array.from(
      { length: size * size },
      (_, i) => inner(draws, draws, Math.floor(i / size), i % size) + (i % (size + 1) === 0 ? 1 : 0),
    );
    const product = Float64Array.from({ length: size * size }, (_, i) =>
      Array.from({ length: size }, (__, k) => at(turn, Math.floor(i / size), k) * at(stretch, k, i % size)).reduce(
        (sum, one) => sum + one,
        0,
      ),
    );
    nearestOrthogonal(product, size).forEach((value, i) => {
      expect(value).toBeCloseTo(turn[i] as number, 2);
    });
  });
});
