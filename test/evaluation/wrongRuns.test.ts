import { expect, test } from 'vitest';
import { randomUnit } from '../../src/core/random.ts';
import { wrongRuns } from '../../src/evaluation/wrongRuns.ts';

/** Sums over all ways that n things can be right or wrong. */
function enumerated(evidence: readonly number[], share: number, stay: number) {
  const enter = (share * (1 - stay)) / (1 - share);
  const wrong = evidence.map(() => 0);
  let total = 0;
  for (let way = 0; way < 2 ** evidence.length; way++) {
    const isWrong = evidence.map((_, i) => (way >> i) % 2 === 1);
    let chance = 1;
    for (const [i, own] of isWrong.entries()) {
      const expected = i === 0 ? share : isWrong[i - 1] ? stay : enter;
      chance *= own ? expected * Math.exp(evidence[i] as number) : 1 - expected;
    }
    total += chance;
    for (const [i, own] of isWrong.entries()) if (own) wrong[i] = (wrong[i] as number) + chance;
  }
  return { probabilities: wrong.map((sum) => sum / total), logLikelihood: Math.log(total) };
}

test('with runs, probabilities are those of all ways added up', () => {
  const evidence = [-1, 2, 3, 4, 0, 4, 3, 2, -2, -3, -2, -4];
  // Twice as strong, so that the proof is there.
  const strong = evidence.map((nats) => 2 * nats);
  const { probabilities, length } = wrongRuns(strong, 0.05);
  const stay = 1 - 1 / (length ?? 1);
  const { probabilities: expected, logLikelihood } = enumerated(strong, 0.05, stay);
  for (const [i, value] of expected.entries()) expect(probabilities[i]).toBeCloseTo(value, 12);
  for (const other of [0.3, 0.5, 0.95]) {
    expect(enumerated(strong, 0.05, other).logLikelihood).toBeLessThanOrEqual(logLikelihood + 1e-12);
  }
  // What says nothing, among wrong ones.
  expect(probabilities[4]).toBeGreaterThan(0.9);
});

test('without proof of runs each counts by itself', () => {
  const evidence = [3, -3, -3, 2, -3, -4, 3, -2];
  const { probabilities, length } = wrongRuns(evidence, 0.2);
  expect(length).toBeUndefined();
  for (const [i, nats] of evidence.entries()) {
    const odds = 0.25 * Math.exp(nats);
    expect(probabilities[i]).toBeCloseTo(odds / (1 + odds), 12);
  }
});

/** 4,000 things of which a tenth are wrong, in runs of eight or anywhere, and what a fallible judge says of them. */
function simulated(seed: number, inRuns: boolean) {
  const isWrong = Array.from(
    { length: 4000 },
    (_, i) => randomUnit(seed, 'labels', inRuns ? Math.floor(i / 8) : i) < 0.1,
  );
  const evidence = isWrong.map((own, i) => {
    const seen = randomUnit(seed, 'sample', i) < 0.85 ? own : !own;
    return (seen ? 1 : -1) * Math.log(0.85 / 0.15);
  });
  return { isWrong, evidence };
}

test('runs are found where there are some, and not where there are none', () => {
  for (let seed = 0; seed < 20; seed++) {
    const some = simulated(seed, true);
    const found = wrongRuns(some.evidence, 0.1);
    expect(found.length).toBeGreaterThan(3);
    const mistakes = (probabilities: Float64Array) =>
      some.isWrong.filter((own, i) => own !== (probabilities[i] as number) > 0.5).length;
    const alone = Float64Array.from(some.evidence, (nats) => 1 / (1 + 9 * Math.exp(-nats)));
    expect(mistakes(found.probabilities)).toBeLessThan(0.5 * mistakes(alone));
    expect(wrongRuns(simulated(seed, false).evidence, 0.1).length).toBeUndefined();
  }
});

test('the strongest evidence overflows nothing', () => {
  const { probabilities } = wrongRuns([Number.POSITIVE_INFINITY, -1e9, 1e9, 800], 0.5);
  for (const value of probabilities) expect(value >= 0 && value <= 1).toBe(true);
  expect(wrongRuns([], 0.1).probabilities).toHaveLength(0);
});
