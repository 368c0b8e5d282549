/** A function to minimize: writes its gradient to `gradient` and gives its value. */
export type Objective = (x: Float64Array, gradient: Float64Array) => number | Promise<number>;

export interface LbfgsOptions {
  readonly maxIterations?: number;
  /** Ends when no part of the gradient is larger. */
  readonly tolerance?: number;
  /** Relative error of the objective's values: between values that near, the slopes decide. */
  readonly noise?: number;
}

export interface LbfgsResult {
  readonly value: number;
  readonly iterations: number;
  /** Whether the gradient fell below the tolerance. */
  readonly converged: boolean;
}

/** Steps that the curvature is estimated from. */
const remembered = 5;
const sufficientDecrease = 1e-4;
const mostHalvings = 40;

interface Pair {
  readonly step: Float64Array;
  readonly change: Float64Array;
  readonly curvature: number;
}

/**
 * Minimizes a smooth convex function, starting from `x` and changing it in place, by L-BFGS with a backtracking line
 * search (Liu & Nocedal 1989). Draws nothing: the same function gives the same result.
 */
export async function minimize(
  objective: Objective,
  x: Float64Array,
  { maxIterations = 500, tolerance = 1e-6, noise = 0 }: LbfgsOptions = {},
): Promise<LbfgsResult> {
  const pairs: Pair[] = [];
  const spare: Float64Array[] = [];
  const buffer = () => spare.pop() ?? new Float64Array(x.length);
  const start = new Float64Array(x.length);
  let gradient = buffer();
  let value = await objective(x, gradient);
  for (let iteration = 0; iteration < maxIterations; iteration++) {
    if (largest(gradient) <= tolerance) return { value, iterations: iteration, converged: true };
    const direction = buffer();
    towardsMinimum(gradient, pairs, direction);
    const slope = inner(direction, gradient);
    start.set(x);
    const next = buffer();
    let size = pairs.length === 0 ? Math.min(1, 1 / Math.sqrt(inner(gradient, gradient))) : 1;
    let found = value;
    for (let halving = 0; ; halving++, size /= 2) {
      for (let i = 0; i < x.length; i++) x[i] = (start[i] as number) + size * (direction[i] as number);
      found = await objective(x, next);
      if (found <= value + sufficientDecrease * size * slope) break;
      // The same condition by slopes alone (Hager & Zhang 2005, "approximate Wolfe"), which noise spares.
      const isNear = found <= value + noise * Math.abs(value);
      if (noise > 0 && isNear && inner(direction, next) <= (2 * sufficientDecrease - 1) * slope) break;
      if (halving === mostHalvings) {
        // Rounding hides any further decrease.
        x.set(start);
        return { value, iterations: iteration, converged: false };
      }
    }
    const [step, change] = [direction, gradient];
    for (let i = 0; i < x.length; i++) {
      step[i] = size * (step[i] as number);
      change[i] = (next[i] as number) - (change[i] as number);
    }
    const curvature = inner(step, change);
    if (curvature > 0) pairs.push({ step, change, curvature });
    else spare.push(step, change);
    if (pairs.length > remembered) {
      const oldest = pairs.shift();
      if (oldest) spare.push(oldest.step, oldest.change);
    }
    gradient = next;
    value = found;
  }
  return { value, iterations: maxIterations, converged: false };
}

/** The two-loop recursion: minus the estimated inverse Hessian times the gradient, written to `direction`. */
function towardsMinimum(gradient: Float64Array, pairs: readonly Pair[], direction: Float64Array): void {
  for (let i = 0; i < direction.length; i++) direction[i] = -(gradient[i] as number);
  const shares: number[] = [];
  for (const { step, change, curvature } of pairs.toReversed()) {
    const share = inner(step, direction) / curvature;
    shares.push(share);
    add(direction, -share, change);
  }
  const last = pairs.at(-1);
  if (last) {
    const scale = last.curvature / inner(last.change, last.change);
    for (let i = 0; i < direction.length; i++) direction[i] = (direction[i] as number) * scale;
  }
  for (const { step, change, curvature } of pairs) {
    add(direction, (shares.pop() as number) - inner(change, direction) / curvature, step);
  }
}

function add(target: Float64Array, factor: number, values: Float64Array): void {
  for (let i = 0; i < target.length; i++) target[i] = (target[i] as number) + factor * (values[i] as number);
}

/** In four sums, so that none waits for the one before. */
function inner(a: Float64Array, b: Float64Array): number {
  let [first, second, third, fourth] = [0, 0, 0, 0];
  const whole = a.length - (a.length % 4);
  for (let i = 0; i < whole; i += 4) {
    first += (a[i] as number) * (b[i] as number);
    second += (a[i + 1] as number) * (b[i + 1] as number);
    third += (a[i + 2] as number) * (b[i + 2] as number);
    fourth += (a[i + 3] as number) * (b[i + 3] as number);
  }
  for (let i = whole; i < a.length; i++) first += (a[i] as number) * (b[i] as number);
  return first + second + third + fourth;
}

function largest(values: Float64Array): number {
  let most = 0;
  for (let i = 0; i < values.length; i++) most = Math.max(most, Math.abs(values[i] as number));
  return most;
}
