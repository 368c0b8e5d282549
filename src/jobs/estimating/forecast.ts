import { randomBelow } from '../../core/random.ts';
import type { Interval } from '../../evaluation/intervals.ts';
import { lossForecast } from '../../evaluation/lossForecast.ts';

/** What the whole run should end with, each with a 95 % interval. */
export interface WholeForecast {
  readonly loss: Forecast;
  /** Of masked words; absent where something else is learned. */
  readonly perplexity?: Forecast;
}

export interface Forecast extends Interval {
  readonly value: number;
}

/** By how much accuracy should change, as a share. */
export interface GainForecast extends Interval {
  readonly mean: number;
}

/**
 * `falls`: the loss should end below that of the start, whole interval. `open`: the interval holds the start's. `rises`: short runs
 * ended above the start, so that nothing is told. `too few`: there were too few of them.
 */
export type Outcome = 'falls' | 'open' | 'rises' | 'too few';

/** What is measured of a model. */
export interface Measured {
  readonly loss: number;
  readonly perplexity?: number;
  /** Whether each labeled text was answered rightly. */
  readonly right?: Uint8Array;
}

/** Short runs without which nothing is told. */
export const leastRuns = 3;
/** The longest that count: the first steps of an optimizer are rough. */
const mostRuns = 5;

/** What the whole run should come to by what short ones came to. */
export function forecastOf(
  start: Measured,
  runs: readonly (Measured & { readonly tokens: number })[],
  tokens: number,
  seed: number,
): { forecast: WholeForecast | null; outcome: Outcome; gain: GainForecast | null } {
  const last = runs.at(-1);
  if (runs.length < leastRuns || !last) return { forecast: null, outcome: 'too few', gain: null };
  if (last.loss >= start.loss) return { forecast: null, outcome: 'rises', gain: null };
  const at = lossForecast(runs.slice(-mostRuns), start.loss);
  const { loss: value, low, high } = at(tokens);
  const loss = { value, low, high };
  const perplexity = start.perplexity === undefined ? undefined : exponential(loss);
  return {
    forecast: { loss, ...(perplexity ? { perplexity } : {}) },
    outcome: high < start.loss ? 'falls' : 'open',
    gain: gainOf(start, runs.slice(-mostRuns), loss, seed),
  };
}

function exponential({ value, low, high }: Forecast): Forecast {
  const of = (loss: number) => Math.min(Math.exp(loss), Number.MAX_VALUE);
  return { value: of(value), low: of(low), high: of(high) };
}

/** Draws of labeled texts. */
const draws = 500;
/** An interval that is wider, in shares, says nothing that a run could be decided by. */
const mostWidth = 0.1;

/**
 * Accuracy is taken to change with the loss: gain = slope · what the loss has fallen by. The slope is fitted to the short runs, with
 * labeled texts drawn anew. That it goes on so is a guess, so that the interval holds everything from what the longest run
 * had to what this gives for either end of the loss.
 *
 * @returns null where there are no labels, or it is too early to say
 */
function gainOf(start: Measured, runs: readonly Measured[], loss: Forecast, seed: number): GainForecast | null {
  const { right } = start;
  if (!right) return null;
  const falls = runs.map((run) => start.loss - run.loss);
  const squares = falls.reduce((sum, fall) => sum + fall * fall, 0);
  const changes = runs.map((run) => Float64Array.from(right, (is, i) => (run.right?.[i] ?? is) - is));
  const gains = (weights: ArrayLike<number>) =>
    changes.map((own) => own.reduce((sum, change, i) => sum + change * (weights[i] as number), 0) / right.length);
  const slope = (own: readonly number[]) =>
    own.reduce((sum, gain, i) => sum + gain * (falls[i] as number), 0) / squares;
  const whole = gains(new Uint8Array(right.length).fill(1));
  const mean = slope(whole) * (start.loss - loss.value);
  const drawn: number[] = [];
  for (let draw = 0; draw < draws; draw++) {
    const weights = new Uint16Array(right.length);
    for (let i = 0; i < right.length; i++) {
      const text = randomBelow(right.length, seed, 'bootstrap', draw, i, 3);
      weights[text] = (weights[text] as number) + 1;
    }
    const own = gains(weights);
    const by = slope(own);
    drawn.push(own.at(-1) ?? 0, by * (start.loss - loss.low), by * (start.loss - loss.high));
  }
  drawn.sort((a, b) => a - b);
  const at = (share: number) => drawn[Math.round(share * (drawn.length - 1))] as number;
  const [low, high] = [Math.min(mean, at(0.025)), Math.max(mean, at(0.975))];
  return high - low > mostWidth ? null : { mean, low, high };
}
