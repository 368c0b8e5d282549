import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import {
  confidentJoint,
  labelIssues,
  normalizedMargin,
  type PruneBy,
  selfConfidence,
} from '../../src/evaluation/confidentLearning.ts';

interface Case {
  readonly name: string;
  readonly classes: number;
  readonly labels: number[];
  readonly probabilities: number[][];
  readonly thresholds: number[];
  readonly counts: number[][];
  readonly joint: number[][];
  readonly flags: Readonly<Record<string, number[]>>;
  readonly scores: { readonly self_confidence: number[]; readonly normalized_margin: number[] };
}

const file = new URL('../fixtures/audit/cleanlab.json', import.meta.url);
const cases: Case[] = JSON.parse(readFileSync(file, 'utf8'));

describe.each(cases)('$name: as cleanlab', ({ classes, labels, ...expected }) => {
  const probabilities = { data: expected.probabilities.flat(), classes };
  const joint = confidentJoint(probabilities, labels);

  test('thresholds', () => {
    for (const [c, threshold] of expected.thresholds.entries()) expect(joint.thresholds[c]).toBeCloseTo(threshold, 8);
  });

  test('counts of what is sure, and of all', () => {
    expect(joint.counts).toEqual(expected.counts);
    expect(joint.joint).toEqual(expected.joint);
  });

  test.each([
    ['noiseRate', 'prune_by_noise_rate'],
    ['class', 'prune_by_class'],
    ['both', 'both'],
  ])('labels that are wrong by %s', (by, theirs) => {
    expect(labelIssues(probabilities, labels, joint, by as PruneBy)).toEqual(expected.flags[theirs]);
  });

  test('scores', () => {
    const near = (ours: Float64Array, theirs: number[]) => {
      expect(ours).toHaveLength(theirs.length);
      for (const [i, score] of theirs.entries()) expect(ours[i]).toBeCloseTo(score, 8);
    };
    near(selfConfidence(probabilities, labels), expected.scores.self_confidence);
    near(normalizedMargin(probabilities, labels), expected.scores.normalized_margin);
  });
});

test('the cases flag something, and not all of it', () => {
  const flagged = cases.map(({ flags, labels }) => (flags.prune_by_noise_rate?.length ?? 0) / labels.length);
  expect(Math.max(...flagged)).toBeGreaterThan(0.1);
  expect(Math.max(...flagged)).toBeLessThan(0.7);
});
