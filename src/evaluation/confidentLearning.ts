/** Probabilities of classes, one row for each example. */
export interface ClassProbabilities {
  /** [n, classes]; each row sums to 1. */
  readonly data: ArrayLike<number>;
  readonly classes: number;
}

/** What is estimated of how given labels and true ones go together. */
export interface ConfidentJoint {
  /** Mean probability of each class among the examples that are given it [classes]: above it an example counts as one. */
  readonly thresholds: Float64Array;
  /** Examples of each given label that surely are of each class [given][true]. */
  readonly counts: readonly (readonly number[])[];
  /** The same for all examples: rows sum to how many there are of each given label. */
  readonly joint: readonly (readonly number[])[];
  /** The class that each example surely is of [n]; −1 where it is surely of none. */
  readonly guesses: Int32Array;
}

/** How examples are chosen of which the label is taken for wrong. */
export type PruneBy = 'noiseRate' | 'class' | 'both';

/** Comparisons of probabilities are as exact as that, as cleanlab's are. */
const slack = 1e-6;
const leastThreshold = 2e-6;

/**
 * Confident learning (Northcutt et al. 2021): what given labels and out-of-sample probabilities say of the true labels.
 * Equal to cleanlab's `compute_confident_joint`.
 *
 * @param labels given class numbers [n]
 */
export function confidentJoint({ data, classes }: ClassProbabilities, labels: ArrayLike<number>): ConfidentJoint {
  const sizes = sizesOf(labels, classes);
  const thresholds = new Float64Array(classes);
  for (let i = 0; i < labels.length; i++) {
    const label = labels[i] as number;
    thresholds[label] = (thresholds[label] as number) + (data[i * classes + label] as number);
  }
  for (let c = 0; c < classes; c++) {
    const size = sizes[c] as number;
    // Of a class that nobody is given there are no examples.
    thresholds[c] = size > 0 ? Math.max(leastThreshold, (thresholds[c] as number) / size) : 2;
  }
  const counts = squareOf(classes);
  const guesses = Int32Array.from(labels, (_, i) => confidentClass(data, i * classes, thresholds));
  for (const [i, guess] of guesses.entries()) {
    if (guess >= 0) add(counts, labels[i] as number, guess);
  }
  for (let c = 0; c < classes; c++) if ((counts[c]?.[c] as number) < 1) add(counts, c, c);
  return { thresholds, counts, joint: calibrated(counts, sizes), guesses };
}

/**
 * The examples whose labels are taken for wrong, by number, ascending: as many as the joint says of each pair of classes,
 * those furthest from their label first; none of which the given class is the likeliest. Equal to cleanlab's
 * `find_label_issues` with `prune_by_noise_rate`, `prune_by_class` and `both`.
 */
export function labelIssues(
  { data, classes }: ClassProbabilities,
  labels: ArrayLike<number>,
  { joint }: Pick<ConfidentJoint, 'joint'>,
  by: PruneBy = 'noiseRate',
): number[] {
  const members = membersOf(labels, classes);
  const prune = prunedCounts(joint);
  const chosen = (own: 'noiseRate' | 'class') =>
    new Set(members.flatMap((list, k) => (own === 'class' ? byClass(list, k) : byNoiseRate(list, k))));
  const probability = (i: number, c: number) => data[i * classes + c] as number;
  const byClass = (list: readonly number[], k: number) => {
    const count = list.length - (prune[k]?.[k] ?? 0);
    if (list.length <= 1 || count < 1) return [];
    return [...list].sort((a, b) => probability(a, k) - probability(b, k)).slice(0, count);
  };
  const byNoiseRate = (list: readonly number[], k: number) => {
    if (list.length <= 1) return [];
    return Array.from({ length: classes }, (_, j) => j).flatMap((j) => {
      const count = j === k ? 0 : (prune[k]?.[j] ?? 0);
      if (count <= 0) return [];
      const margin = (i: number) => probability(i, j) - probability(i, k);
      return [...list].sort((a, b) => margin(b) - margin(a)).slice(0, count);
    });
  };
  const flagged = by === 'both' ? [...chosen('class')].filter(isIn(chosen('noiseRate'))) : [...chosen(by)];
  const isLikeliest = (i: number) => {
    const label = labels[i] as number;
    const own = probability(i, label) + slack;
    for (let c = 0; c < classes; c++) if (probability(i, c) > own) return false;
    return true;
  };
  return flagged.filter((i) => !isLikeliest(i)).sort((a, b) => a - b);
}

/** Of each example the probability of its given label [n]: the lower, the likelier the label is wrong. */
export function selfConfidence({ data, classes }: ClassProbabilities, labels: ArrayLike<number>): Float64Array {
  return Float64Array.from(labels, (label, i) => data[i * classes + label] as number);
}

/** (p(given) - p(likeliest other) + 1) / 2 of each example [n], 0 to 1. */
export function normalizedMargin({ data, classes }: ClassProbabilities, labels: ArrayLike<number>): Float64Array {
  return Float64Array.from(labels, (label, i) => {
    let other = Number.NEGATIVE_INFINITY;
    for (let c = 0; c < classes; c++) if (c !== label) other = Math.max(other, data[i * classes + c] as number);
    return ((data[i * classes + label] as number) - other + 1) / 2;
  });
}

/** The class whose threshold an example reaches, of several the likeliest; −1 where it reaches none. */
function confidentClass(data: ArrayLike<number>, from: number, thresholds: Float64Array): number {
  let [reached, first, best] = [0, -1, 0];
  for (let c = 0; c < thresholds.length; c++) {
    const own = data[from + c] as number;
    if (own > (data[from + best] as number)) best = c;
    if (own < (thresholds[c] as number) - slack) continue;
    if (reached++ === 0) first = c;
  }
  return reached > 1 ? best : first;
}

/** Rows are brought to the numbers of given labels, in whole numbers. */
function calibrated(counts: readonly (readonly number[])[], sizes: Float64Array): number[][] {
  return counts.map((row, c) => {
    const sum = row.reduce((all, one) => all + one, 0);
    return rounded(row.map((count) => (count / sum) * (sizes[c] as number)));
  });
}

/**
 * How many examples are to go [given][true], diagonal aside, so that one stays of every class at least: cleanlab's
 * `_keep_at_least_n_per_class`.
 */
function prunedCounts(joint: readonly (readonly number[])[]): number[][] {
  const columns = joint.map((row, k) => {
    const own = row[k] ?? 0;
    const raised = Math.max(own, 1);
    const others = Math.max(row.filter((count) => count !== 0).length - 1, 1);
    return row.map((count, j) => (j === k ? raised : Math.max(0, Math.floor(count - (raised - own) / others))));
  });
  return columns;
}

/** Whole numbers whose sum is that of the values, rounded: those that lost or won most are moved. */
function rounded(values: readonly number[]): number[] {
  const whole = values.map(roundHalfEven);
  const sum = roundHalfEven(values.reduce((all, one) => all + one, 0));
  for (let lack = sum - total(whole); lack !== 0; lack = sum - total(whole)) {
    const order = values.map((value, i) => ({ i, rest: value - (whole[i] as number) }));
    order.sort((a, b) => a.rest - b.rest || a.i - b.i);
    if (lack > 0) order.reverse();
    for (const { i } of order.slice(0, Math.abs(lack))) whole[i] = (whole[i] as number) + Math.sign(lack);
  }
  return whole;
}

function roundHalfEven(value: number): number {
  const down = Math.floor(value);
  if (value - down !== 0.5) return Math.round(value);
  return down % 2 === 0 ? down : down + 1;
}

function total(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0);
}

function sizesOf(labels: ArrayLike<number>, classes: number): Float64Array {
  const sizes = new Float64Array(classes);
  for (let i = 0; i < labels.length; i++) sizes[labels[i] as number] = (sizes[labels[i] as number] as number) + 1;
  return sizes;
}

function membersOf(labels: ArrayLike<number>, classes: number): number[][] {
  const members = Array.from({ length: classes }, (): number[] => []);
  for (let i = 0; i < labels.length; i++) members[labels[i] as number]?.push(i);
  return members;
}

function squareOf(size: number): number[][] {
  return Array.from({ length: size }, () => new Array<number>(size).fill(0));
}

function add(square: number[][], row: number, column: number): void {
  const cells = square[row];
  if (cells) cells[column] = (cells[column] as number) + 1;
}

function isIn(set: ReadonlySet<number>): (one: number) => boolean {
  return (one) => set.has(one);
}
