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
const remembered = 10;
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
  let gradient = new Float64Array(x.length);
  let value = await objective(x, gradient);
  for (let iteration = 0; iteration < maxIterations; iteration++) {
    if (largest(gradient) <= tolerance) return { value, iterations: iteration, converged: true };
    const direction = towardsMinimum(gradient, pairs);
    const slope = inner(direction, gradient);
    const start = x.slice();
    const next = new Float64Array(x.length);
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
    const step = direction;
    for (let i = 0; i < step.length; i++) step[i] = size * (step[i] as number);
    const change = gradient;
    for (let i = 0; i < change.length; i++) change[i] = (next[i] as number) - (change[i] as number);
    const curvature = inner(step, change);
    if (curvature > 0) pairs.push({ step, change, curvature });
    if (pairs.length > remembered) pairs.shift();
    gradient = next;
    value = found;
  }
  return { value, iterations: maxIterations, converged: false };
}

/** The two-loop recursion: minus the estimated inverse Hessian times the gradient. */
function towardsMinimum(gradient: Float64Array, pairs: readonly Pair[]): Float64Array {
  const direction = gradient.map((g) => -g);
  const shares: number[] = [];
  for (const { step, change, curvature } of pairs.toReversed()) {
    const share = inner(step, direction) / curvature;
    shares.push(share);
    for (let i = 0; i < direction.length; i++) direction[i] = (direction[i] as number) - share * (change[i] as number);
  }
  const last = pairs.at(-1);
  if (last) {
    const scale = last.curvature / inner(last.change, last.change);
    for (let i = 0; i < direction.length; i++) direction[i] = (direction[i] as number) * scale;
  }
  for (const { step, change, curvature } of pairs) {
    const weight = (shares.pop() as number) - inner(change, direction) / curvature;
    for (let i = 0; i < direction.length; i++) direction[i] = (direction[i] as number) + weight * (step[i] as number);
  }
  return direction;
}

function inner(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += (a[i] as number) * (b[i] as number);
  return sum;
}

function largest(values: Float64Array): number {
  let most = 0;
  for (const value of values) most = Math.max(most, Math.abs(value));
  return most;
}
