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
 */
export function principalComponents(rows: Float32Array, width: number, count: number): Components {
  const mean = new Float64Array(width);
  const n = rows.length / width;
  for (let i = 0; i < rows.length; i++) mean[i % width] = (mean[i % width] as number) + (rows[i] as number) / n;
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
