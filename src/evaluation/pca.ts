/** Principal components: what the best linear autoencoder of a latent size makes of rows. */
export interface Components {
  /** Orthonormal directions by falling variance [count, width]. */
  readonly directions: Float64Array;
  readonly mean: Float64Array;
}

/**
 * The first principal components of rows [n, width], by the Jacobi method on their covariance.
 *
 * @param count components wanted, at most `width`
 * @param about where rows are measured from; from the origin, directions are those of the largest squared length
 */
export function principalComponents(
  rows: Float32Array,
  width: number,
  count: number,
  about: 'mean' | 'origin' = 'mean',
): Components {
  const mean = new Float64Array(width);
  const n = rows.length / width;
  if (about === 'mean') {
    for (let i = 0; i < rows.length; i++) mean[i % width] = (mean[i % width] as number) + (rows[i] as number) / n;
  }
  const covariance = new Float64Array(width * width);
  const centred = new Float64Array(width);
  for (let row = 0; row < rows.length; row += width) {
    for (let j = 0; j < width; j++) centred[j] = (rows[row + j] as number) - (mean[j] as number);
    for (let j = 0; j < width; j++) {
      for (let k = 0; k < width; k++) {
        covariance[j * width + k] =
          (covariance[j * width + k] as number) + ((centred[j] as number) * (centred[k] as number)) / n;
      }
    }
  }
  const vectors = eigenvectors(covariance, width);
  const order = Array.from({ length: width }, (_, j) => j).sort(
    (a, b) => (covariance[b * width + b] as number) - (covariance[a * width + a] as number),
  );
  const directions = new Float64Array(count * width);
  for (let c = 0; c < count; c++) {
    for (let j = 0; j < width; j++) directions[c * width + j] = vectors[j * width + (order[c] as number)] as number;
  }
  return { directions, mean };
}

/**
 * The orthogonal matrix nearest to a square one [size, size], by which rows x turn into rows nearest to others y where it
 * is the sum of y xᵀ (Schönemann 1966): M (MᵀM)^-½.
 */
export function nearestOrthogonal(matrix: Float64Array, size: number): Float64Array {
  const length = Math.sqrt(matrix.reduce((sum, value) => sum + value * value, 0));
  // Where rows say nothing of a direction, it stays.
  const full = matrix.map((value, i) => value + (i % (size + 1) === 0 ? (1e-3 * length) / Math.sqrt(size) : 0));
  const squared = product(transposed(full, size), full, size);
  const vectors = eigenvectors(squared, size);
  const least = (1e-12 * length * length) / size;
  const scaled = vectors.map((value, i) => {
    return value / Math.sqrt(Math.max(least, squared[(i % size) * (size + 1)] as number));
  });
  let nearest = product(full, product(scaled, transposed(vectors, size), size), size);
  // Rounding of small eigenvalues is mended: X (3 I - XᵀX) / 2.
  for (let pass = 0; pass < 3; pass++) {
    const error = product(transposed(nearest, size), nearest, size);
    nearest = product(
      nearest,
      error.map((value, i) => ((i % (size + 1) === 0 ? 3 : 0) - value) / 2),
      size,
    );
  }
  return nearest;
}

function product(a: Float64Array, b: Float64Array, size: number): Float64Array {
  const result = new Float64Array(size * size);
  for (let i = 0; i < size; i++) {
    for (let k = 0; k < size; k++) {
      const factor = a[i * size + k] as number;
      for (let j = 0; j < size; j++) {
        result[i * size + j] = (result[i * size + j] as number) + factor * (b[k * size + j] as number);
      }
    }
  }
  return result;
}

function transposed(matrix: Float64Array, size: number): Float64Array {
  return matrix.map((_, i) => matrix[(i % size) * size + Math.floor(i / size)] as number);
}

/** Mean squared error of rows [n, width] rebuilt from their components. */
export function reconstructionError(rows: Float32Array, width: number, { directions, mean }: Components): number {
  let total = 0;
  for (let row = 0; row < rows.length; row += width) {
    let left = 0;
    for (let j = 0; j < width; j++) left += ((rows[row + j] as number) - (mean[j] as number)) ** 2;
    for (let at = 0; at < directions.length; at += width) {
      let share = 0;
      for (let j = 0; j < width; j++)
        share += ((rows[row + j] as number) - (mean[j] as number)) * (directions[at + j] as number);
      left -= share ** 2;
    }
    total += Math.max(0, left);
  }
  return total / rows.length;
}

const mostSweeps = 100;

/** Turns a symmetric matrix [size, size] diagonal in place; the columns of the result are its eigenvectors. */
export function eigenvectors(matrix: Float64Array, size: number): Float64Array {
  const vectors = new Float64Array(size * size);
  for (let i = 0; i < size; i++) vectors[i * size + i] = 1;
  for (let sweep = 0; sweep < mostSweeps && offDiagonal(matrix, size) > 1e-20; sweep++) {
    for (let p = 0; p < size; p++) for (let q = p + 1; q < size; q++) rotate(matrix, vectors, size, p, q);
  }
  return vectors;
}

function offDiagonal(matrix: Float64Array, size: number): number {
  let sum = 0;
  for (let i = 0; i < size; i++)
    for (let j = 0; j < size; j++) if (i !== j) sum += (matrix[i * size + j] as number) ** 2;
  return sum;
}

/** The rotation of two axes after which their covariance is 0 (Golub & Van Loan, section 8.5). */
function rotate(matrix: Float64Array, vectors: Float64Array, size: number, p: number, q: number): void {
  const between = matrix[p * size + q] as number;
  if (between === 0) return;
  const tau = ((matrix[q * size + q] as number) - (matrix[p * size + p] as number)) / (2 * between);
  const t = (tau >= 0 ? 1 : -1) / (Math.abs(tau) + Math.sqrt(1 + tau * tau));
  const cosine = 1 / Math.sqrt(1 + t * t);
  const sine = t * cosine;
  const turn = (values: Float64Array, a: number, b: number) => {
    const [x, y] = [values[a] as number, values[b] as number];
    values[a] = cosine * x - sine * y;
    values[b] = sine * x + cosine * y;
  };
  for (let k = 0; k < size; k++) turn(matrix, k * size + p, k * size + q);
  for (let k = 0; k < size; k++) turn(matrix, p * size + k, q * size + k);
  for (let k = 0; k < size; k++) turn(vectors, k * size + p, k * size + q);
}
