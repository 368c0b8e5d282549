/** How an error falls with the number of examples: floor + scale · n^-rate. */
export interface PowerLaw {
  /** What no number of examples brings it below. */
  readonly floor: number;
  readonly scale: number;
  /** 0.05 to 2. */
  readonly rate: number;
}

/** An error that was measured with so many examples. */
export interface CurvePoint {
  readonly examples: number;
  readonly error: number;
  /** How much it counts: one over its variance, say; 1 when absent. */
  readonly weight?: number;
}

/** Rates that are tried; floor and scale follow from each. */
const rates = Array.from({ length: 79 }, (_, i) => 0.05 * 1.048 ** i);
/** A pull towards common rates, as of one more point: a curve over few sizes says little of its own. */
const usualRate = 0.5;
const pull = 0.02;

/**
 * The power law that fits errors best by weighted least squares of their logarithms' first order, with floor and scale not
 * below 0 (Cortes et al. 1993; Hestness et al. 2017).
 *
 * @param points of at least two numbers of examples
 */
export function fitPowerLaw(points: readonly CurvePoint[]): PowerLaw {
  const typical = points.reduce((sum, { error }) => sum + error, 0) / points.length || 1;
  let best: (PowerLaw & { cost: number }) | undefined;
  for (const rate of rates) {
    const law = { rate, ...linear(points, rate) };
    const misfit = points.reduce((sum, { examples, error, weight = 1 }) => {
      return sum + weight * ((error - errorAt(law, examples)) / Math.max(error, 0.05 * typical)) ** 2;
    }, 0);
    const total = points.reduce((sum, { weight = 1 }) => sum + weight, 0);
    const cost = misfit / total + pull * pull * Math.log(rate / usualRate) ** 2;
    if (!best || cost < best.cost) best = { ...law, cost };
  }
  if (!best) throw new Error('internal: no rate was tried');
  const { floor, scale, rate } = best;
  return { floor, scale, rate };
}

export function errorAt({ floor, scale, rate }: PowerLaw, examples: number): number {
  return floor + scale * examples ** -rate;
}

/** Floor and scale of a rate, neither below 0. */
function linear(points: readonly CurvePoint[], rate: number): { floor: number; scale: number } {
  let [w, x, y, xx, xy] = [0, 0, 0, 0, 0];
  for (const { examples, error, weight = 1 } of points) {
    // Errors are as exact as they are large.
    const own = weight / Math.max(error, 1e-6) ** 2;
    const at = examples ** -rate;
    w += own;
    x += own * at;
    y += own * error;
    xx += own * at * at;
    xy += own * at * error;
  }
  const spread = w * xx - x * x;
  const scale = spread > 1e-12 * w * xx ? (w * xy - x * y) / spread : 0;
  const floor = (y - scale * x) / w;
  if (scale < 0) return { floor: y / w, scale: 0 };
  return floor < 0 ? { floor: 0, scale: xy / xx } : { floor, scale };
}
