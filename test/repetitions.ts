/**
 * How often a check repeats itself, or how finely: `ordinary` in `npm test`, `long` in `npm run test:long`, which runs
 * every test file that imports this one.
 */
export function repetitions(ordinary: number, long: number): number {
  return process.env.BERTUNE_LONG ? long : ordinary;
}
