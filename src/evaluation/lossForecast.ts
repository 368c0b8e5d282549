import type { Interval } from './intervals.ts';

/** A loss that runs of so many tokens ended with. */
export interface LossPoint {
  readonly tokens: number;
  readonly loss: number;
}

/** A loss to come, with a 95 % interval. */
export interface LossForecast extends Interval {
  /** Half of what may come lies below. */
  readonly loss: number;
}

/** A way in which the loss may fall: floor + scale · (tokens + lead)^-rate. */
interface Law {
  readonly floor: number;
  readonly scale: number;
  readonly lead: number;
  readonly rate: number;
  /** How probable it is, and how far it may miss what is measured. */
  readonly weight: number;
  readonly deviation: number;
}

/** Exponents: losses of language models fall slowly (Kaplan et al. 2020; Hoffmann et al. 2022). */
const rates = [0.03, 0.05, 0.08, 0.12, 0.18, 0.25, 0.35, 0.5, 0.7, 1];
const usualRate = 0.25;
const rateSpread = 1;
/** What the start knows already is worth so many tokens, in parts of the most that were tried (Hernandez et al. 2021). */
const leads = [1 / 64, 1 / 16, 1 / 4, 1, 4, 16, 64];
/** What is never reached, in parts of the lowest loss that was measured. */
const floors = [0, 0.2, 0.4, 0.55, 0.7, 0.8, 0.87, 0.92, 0.96, 0.99];
/** How far runs come out otherwise than such a law says, in parts of the loss. */
const deviations = [0.002, 0.004, 0.008, 0.016, 0.032];
const usualDeviation = 0.006;
const deviationSpread = 0.7;

/**
 * What longer runs end with, from what short ones ended with. All power laws of a grid count, each as far as it agrees with
 * what was measured and with how such losses fall elsewhere: where few points tell laws apart, the interval is wide.
 *
 * @param points of at least two different numbers of tokens
 * @param start the loss of no training, where it counts
 */
export function lossForecast(points: readonly LossPoint[], start: number): (tokens: number) => LossForecast {
  const laws = weighted(points, start);
  const most = Math.max(...points.map(({ tokens }) => tokens));
  const last = points.find(({ tokens }) => tokens === most)?.loss ?? start;
  return (tokens) => {
    const parts = laws.flatMap(({ floor, scale, lead, rate, weight, deviation }) => {
      const middle = floor + scale * ((tokens + lead) / most) ** -rate;
      const spread = Math.hypot(deviation, ofTheWay * (middle - last));
      return nodes.map(([at, share]) => ({ loss: middle + at * spread, weight: weight * share }));
    });
    parts.sort((a, b) => a.loss - b.loss);
    return { loss: quantile(parts, 0.5), low: quantile(parts, 0.025), high: quantile(parts, 0.975) };
  };
}

/** Curves are no power laws to the last: what is still to fall may come out otherwise by this part of it. */
const ofTheWay = 0.15;

/** A normal distribution in five places, with their shares. */
const nodes: readonly (readonly [number, number])[] = [
  [-2.857, 0.01126],
  [-1.3556, 0.22208],
  [0, 0.53333],
  [1.3556, 0.22208],
  [2.857, 0.01126],
];

function weighted(points: readonly LossPoint[], start: number): Law[] {
  const most = Math.max(...points.map(({ tokens }) => tokens));
  const lowest = Math.min(...points.map(({ loss }) => loss));
  const laws: (Omit<Law, 'weight'> & { log: number })[] = [];
  for (const rate of rates) {
    for (const part of leads) {
      const lead = part * most;
      for (const share of floors) {
        const floor = share * lowest;
        const fitted = scaleOf(points, start, { floor, lead, rate, most });
        for (const relative of deviations) {
          const deviation = relative * lowest;
          const log =
            -0.5 * (fitted.misfit / deviation ** 2) -
            points.length * Math.log(relative) -
            0.5 * (Math.log(rate / usualRate) / rateSpread) ** 2 -
            0.5 * (Math.log(relative / usualDeviation) / deviationSpread) ** 2;
          laws.push({ floor, scale: fitted.scale, lead, rate, deviation, log });
        }
      }
    }
  }
  const largest = Math.max(...laws.map(({ log }) => log));
  return laws.map(({ log, ...law }) => ({ ...law, weight: Math.exp(log - largest) }));
}

/** The scale that fits best, not below 0, and what it misses. */
function scaleOf(
  points: readonly LossPoint[],
  start: number,
  { floor, lead, rate, most }: Pick<Law, 'floor' | 'lead' | 'rate'> & { readonly most: number },
): { scale: number; misfit: number } {
  const all = [...points.map((point) => ({ ...point, weight: 1 })), { tokens: 0, loss: start, weight: startWeight }];
  let [xx, xy] = [0, 0];
  for (const { tokens, loss, weight } of all) {
    const x = ((tokens + lead) / most) ** -rate;
    xx += weight * x * x;
    xy += weight * x * (loss - floor);
  }
  const scale = Math.max(0, xy / xx);
  const misfit = all.reduce((sum, { tokens, loss, weight }) => {
    return sum + weight * (loss - floor - scale * ((tokens + lead) / most) ** -rate) ** 2;
  }, 0);
  return { scale, misfit };
}

/** The first steps of an optimizer are rough: the start is only nearly on the curve. */
const startWeight = 0.1;

function quantile(sorted: readonly { readonly loss: number; readonly weight: number }[], share: number): number {
  const total = sorted.reduce((sum, { weight }) => sum + weight, 0);
  let below = 0;
  for (const { loss, weight } of sorted) {
    below += weight;
    if (below >= share * total) return loss;
  }
  return sorted.at(-1)?.loss ?? Number.NaN;
}
