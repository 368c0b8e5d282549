/** Vectors as the rows of one array, [count, size]. */
export interface Rows {
  readonly data: Float32Array;
  readonly size: number;
}

/** The nearest vectors of one, most similar first. */
export interface Neighbours {
  readonly indices: Int32Array;
  /** Cosine similarities, in the same order. */
  readonly similarities: Float64Array;
}

export interface KnnOptions {
  /** Neighbours that vote. */
  readonly k?: number;
  /** A neighbour's vote weighs e^(similarity / temperature). */
  readonly temperature?: number;
}

/** The settings of Wu et al. 2018 (and after them DINO), fewer neighbours. */
export const knnDefaults = { k: 20, temperature: 0.07 } as const;

/**
 * The class of each vector by a weighted vote of its nearest labeled ones (cosine similarity; Wu et al. 2018). Of equal
 * votes the lower class number wins, of equal similarities the earlier vector.
 *
 * @param train [n, size]
 * @param labels class numbers [n]
 * @param test [m, size]
 * @returns class numbers [m]
 */
export function classifyByNeighbours(
  train: Rows,
  labels: ArrayLike<number>,
  test: Rows,
  classes: number,
  { k = knnDefaults.k, temperature = knnDefaults.temperature }: KnnOptions = {},
): Int32Array {
  const result = new Int32Array(test.data.length / test.size);
  const votes = new Float64Array(classes);
  let i = 0;
  for (const { indices, similarities } of nearest(train, test, k)) {
    votes.fill(0);
    const most = similarities[0] ?? 0;
    indices.forEach((index, rank) => {
      const weight = Math.exp(((similarities[rank] as number) - most) / temperature);
      votes[labels[index] as number] = (votes[labels[index] as number] as number) + weight;
    });
    let best = 0;
    for (let c = 1; c < classes; c++) if ((votes[c] as number) > (votes[best] as number)) best = c;
    result[i++] = best;
  }
  return result;
}

/** The `k` nearest rows of `train` for each row of `test`, by cosine similarity. */
export function* nearest(train: Rows, test: Rows, k: number): Generator<Neighbours> {
  const units = unitRows(train);
  const queries = unitRows(test);
  const { size } = train;
  const count = units.length / size;
  const kept = Math.min(k, count);
  for (let row = 0; row < queries.length; row += size) {
    const indices = new Int32Array(kept);
    const similarities = new Float64Array(kept).fill(Number.NEGATIVE_INFINITY);
    for (let i = 0; i < count; i++) {
      const similarity = dot(units, i * size, queries, row, size);
      if (similarity > (similarities[kept - 1] as number)) insert(indices, similarities, i, similarity);
    }
    yield { indices, similarities };
  }
}

/**
 * Share of the `k` nearest other rows of each row that are the same in two sets of vectors of the same things, by cosine
 * similarity: 1 where all of them stay, about k / (n - 1) where nothing of the old order is left.
 *
 * @param before [n, size]
 * @param after [n, another size]
 */
export function neighbourAgreement(before: Rows, after: Rows, k: number): number {
  const count = before.data.length / before.size;
  const most = Math.min(k, count - 1);
  const others = othersOf(after, most);
  let kept = 0;
  for (const old of othersOf(before, most)) {
    const now = new Set<number>(others.next().value ?? []);
    kept += old.filter((index) => now.has(index)).length;
  }
  return kept / (count * most);
}

/** The nearest other rows of each row. */
function* othersOf(rows: Rows, k: number): Generator<number[], undefined> {
  let row = 0;
  for (const { indices } of nearest(rows, rows, k + 1)) {
    const own = row++;
    yield Array.from(indices)
      .filter((index) => index !== own)
      .slice(0, k);
  }
}

function insert(indices: Int32Array, similarities: Float64Array, index: number, similarity: number): void {
  let at = indices.length - 1;
  for (; at > 0 && (similarities[at - 1] as number) < similarity; at--) {
    indices[at] = indices[at - 1] as number;
    similarities[at] = similarities[at - 1] as number;
  }
  indices[at] = index;
  similarities[at] = similarity;
}

/** Rows of length 1; those of zeros stay what they are. */
function unitRows({ data, size }: Rows): Float32Array {
  const units = new Float32Array(data.length);
  for (let row = 0; row < data.length; row += size) {
    const norm = Math.sqrt(dot(data, row, data, row, size)) || 1;
    for (let j = row; j < row + size; j++) units[j] = (data[j] as number) / norm;
  }
  return units;
}

/** Four sums side by side, which the processor can add at the same time. */
function dot(a: Float32Array, i: number, b: Float32Array, j: number, size: number): number {
  let [s0, s1, s2, s3] = [0, 0, 0, 0];
  let n = 0;
  for (; n + 3 < size; n += 4) {
    s0 += (a[i + n] as number) * (b[j + n] as number);
    s1 += (a[i + n + 1] as number) * (b[j + n + 1] as number);
    s2 += (a[i + n + 2] as number) * (b[j + n + 2] as number);
    s3 += (a[i + n + 3] as number) * (b[j + n + 3] as number);
  }
  for (; n < size; n++) s0 += (a[i + n] as number) * (b[j + n] as number);
  return s0 + s1 + s2 + s3;
}
