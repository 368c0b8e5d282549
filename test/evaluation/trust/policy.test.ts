import { describe, expect, test } from 'vitest';
import { randomUnit } from '../../../src/core/random.ts';
import { chooseOutside } from '../../../src/evaluation/trust/chooseOutside.ts';
import {
  type Asked,
  choosePolicy,
  decide,
  type Policy,
  type TrustFacts,
} from '../../../src/evaluation/trust/policy.ts';
import { controlRisk, countAt, leastAnswers } from '../../../src/evaluation/trust/riskControl.ts';
import { type TrustRows, trustRows } from '../../../src/evaluation/trust/rows.ts';
import { chooseScaling, scaled } from '../../../src/evaluation/trust/scaling.ts';

const classes = 4;

/** Texts whose labels are drawn from the very probabilities that they get. */
function texts(count: number, seed: number) {
  const probabilities = new Float64Array(count * classes);
  const labels = new Int32Array(count);
  const outside = new Float64Array(count);
  for (let i = 0; i < count; i++) {
    const odds = Array.from({ length: classes }, (_, c) => Math.exp(12 * randomUnit(seed, 'sample', i, c)));
    const total = odds.reduce((a, b) => a + b);
    let left = randomUnit(seed, 'labels', i);
    let label = classes - 1;
    for (const [c, own] of odds.entries()) {
      probabilities[i * classes + c] = own / total;
      if (left >= 0 && left < own / total) label = c;
      left -= own / total;
    }
    labels[i] = label;
    outside[i] = randomUnit(seed, 'noise', i);
  }
  const rows = trustRows(probabilities, labels, classes, outside);
  return { rows, probabilities, labels, outside };
}

function policyOf(facts: TrustFacts, asked: Partial<Asked>): Policy {
  const policy = choosePolicy(facts, { confidence: 0.95, ...asked });
  if ('impossible' in policy) throw new Error(policy.impossible);
  return policy;
}

/** Answers and mistakes among texts under a policy. */
function used(policy: Policy, { probabilities, labels, outside }: ReturnType<typeof texts>) {
  let [answered, wrong, covered, size] = [0, 0, 0, 0];
  for (let i = 0; i < labels.length; i++) {
    const row = probabilities.subarray(i * classes, (i + 1) * classes);
    const { best, why, set = [] } = decide(policy, row, outside[i] as number);
    if (set.includes(labels[i] as number)) covered++;
    size += set.length;
    if (why) continue;
    answered++;
    if (best !== labels[i]) wrong++;
  }
  return { answered: answered / labels.length, wrong: wrong / answered, covered: covered / labels.length, size };
}

test('texts of no label are wrong to answer, and are none for sets and costs', () => {
  const [tuning, known, none] = [texts(2000, 11), texts(1000, 12), texts(300, 13)];
  const fresh = trustRows(
    [...known.probabilities, ...none.probabilities],
    [...known.labels, ...none.labels.map(() => -1)],
    classes,
    [...known.outside, ...none.outside],
  );
  const facts = { classes, tuning: tuning.rows, fresh };
  const alone = { classes, tuning: tuning.rows, fresh: known.rows };
  expect(policyOf(facts, { coverage: 0.9 }).rule).toEqual(policyOf(alone, { coverage: 0.9 }).rule);
  const costs = { of: (label: number, answer: number) => Number(label !== answer), left: () => 0.3 };
  const { least, promises } = policyOf(facts, { costs });
  expect(least).toBe(policyOf(alone, { costs }).least);
  expect(promises[0]?.value).toBe(policyOf(alone, { costs }).promises[0]?.value);
  const policy = policyOf(facts, { mostWrong: 0.35 });
  const [a, b] = [known, none].map((own, i) =>
    used(policy, i === 0 ? own : { ...own, labels: own.labels.map(() => -1) }),
  );
  const [right, all] = [a, b].reduce(
    ([r, n], one, i) => {
      const count = (one?.answered ?? 0) * (i === 0 ? 1000 : 300);
      return [r + count * (1 - (one?.wrong ?? 0)), n + count];
    },
    [0, 0],
  );
  expect(policy.promises[0]?.wrong).toBeCloseTo(1 - right / all, 9);
  expect(policy.promises[0]?.texts).toBe(1300);
  expect(1 - right / all).toBeLessThan(0.35);
  expect(policy.least).toBeGreaterThan(policyOf(alone, { mostWrong: 0.35 }).least);
});

describe('what is promised holds', () => {
  const fresh = texts(3000, 2);
  const facts = { classes, tuning: texts(2000, 1).rows, fresh: fresh.rows };
  const many = texts(40_000, 3);

  test.each([0.05, 0.1])('at most %d of the answers are wrong', (mostWrong) => {
    const policy = policyOf(facts, { mostWrong });
    const [promised] = policy.promises;
    expect(promised).toMatchObject({ of: 'most-wrong', isProven: true, confidence: 0.95, texts: 3000 });
    const { wrong, answered } = used(policy, many);
    expect(wrong).toBeLessThan(mostWrong);
    expect(answered).toBeCloseTo(promised?.answered ?? 0, 1);
    expect(answered).toBeGreaterThan(0.05);
  });

  test.each(['split', 'per-class', 'adaptive', 'regularized'] as const)('sets hold the right label: %s', (sets) => {
    const policy = policyOf(facts, { coverage: 0.9, sets });
    expect(policy.promises[0]).toMatchObject({ of: 'coverage', isProven: true });
    const { covered, answered } = used(policy, many);
    // Three standard errors of 3000 calibration texts.
    expect(covered).toBeGreaterThan(0.9 - 3 * Math.sqrt((0.9 * 0.1) / 3000));
    expect(answered).toBe(1);
  });

  test('sets per class hold it for each class', () => {
    const policy = policyOf(facts, { coverage: 0.9, sets: 'per-class' });
    for (let c = 0; c < classes; c++) {
      const own = Array.from(many.labels.keys()).filter((i) => many.labels[i] === c);
      const held = own.filter((i) => {
        const row = many.probabilities.subarray(i * classes, (i + 1) * classes);
        return decide(policy, row, 0).set?.includes(c);
      });
      expect(held.length / own.length).toBeGreaterThan(0.9 - 3 * Math.sqrt((0.9 * 0.1) / 700));
    }
  });

  test('without fresh texts nothing is called proven', () => {
    const estimated = policyOf({ classes, tuning: facts.tuning }, { mostWrong: 0.1, coverage: 0.9 });
    expect(estimated.promises.map(({ isProven }) => isProven)).toEqual([false, false]);
  });

  test('a promise fails no more often than it says', () => {
    let [failed, made] = [0, 0];
    for (let round = 0; round < 100; round++) {
      const own = { classes, tuning: texts(300, 1000 + round).rows, fresh: texts(600, 2000 + round).rows };
      const policy = choosePolicy(own, { mostWrong: 0.1, confidence: 0.9 });
      if ('impossible' in policy) continue;
      made++;
      if (riskOf(policy, many.rows) > 0.1) failed++;
    }
    expect(made).toBeGreaterThan(60);
    // 10 in 100 may fail; more than 18 is less likely than 1 in 100.
    expect(failed).toBeLessThanOrEqual(18);
  });
});

function riskOf({ least, strangest }: Policy, { confidence, outside, label, predicted }: TrustRows): number {
  const kept = confidence.map((value, i) => ((outside[i] as number) > strangest ? -1 : value));
  const right = label.map((own, i) => Number(own === predicted[i]));
  const { answered, wrong } = countAt({ confidence: kept, right }, least);
  return wrong / answered;
}

describe('what cannot be promised', () => {
  test('is told with the texts that it takes', () => {
    const facts = { classes, tuning: texts(200, 1).rows, fresh: texts(100, 2).rows };
    expect(choosePolicy(facts, { mostWrong: 0.01, confidence: 0.95 })).toEqual({
      ...{ impossible: 'few texts', needed: 299, texts: 100 },
    });
    expect(leastAnswers(0.02, 0.95)).toBe(149);
  });

  test('the tests stop at the first threshold that fails', () => {
    const confidence = Array.from({ length: 300 }, (_, i) => i / 300);
    const right = confidence.map((value) => Number(value > 0.2));
    const found = controlRisk(
      { confidence, right },
      { mostWrong: 0.05, confidence: 0.95, thresholds: [0, 0.1, 0.2, 0.5] },
    );
    expect(found).toMatchObject({ threshold: 0.2, wrong: 1 });
  });
});

describe('which texts are answered', () => {
  const facts = { classes, tuning: texts(2000, 1).rows };
  const many = texts(20_000, 3);

  test('a share of them, the surest', () => {
    const { answered, wrong } = used(policyOf(facts, { answered: 0.6 }), many);
    expect(answered).toBeCloseTo(0.6, 1);
    expect(wrong).toBeLessThan(used(policyOf(facts, {}), many).wrong);
  });

  test('strange and unsure ones are left, each with its reason', () => {
    const policy = policyOf(facts, { abstain: true });
    expect(decide(policy, [0.97, 0.01, 0.01, 0.01], 2)).toEqual({ best: 0, why: 'strange' });
    expect(decide(policy, [0.4, 0.3, 0.2, 0.1], 0)).toEqual({ best: 0, why: 'unsure' });
    expect(decide(policy, [0.1, 0.7, 0.1, 0.1], 0)).toEqual({ best: 1 });
  });

  test('what is cheapest: everything where leaving is dear, nothing where it costs nothing', () => {
    const costs = (left: number) => ({
      of: (label: number, answer: number) => Number(label !== answer),
      left: () => left,
    });
    const shares = [10, 0.3, 0].map((left) => policyOf(facts, { costs: costs(left) }).promises[0]?.answered ?? 1);
    expect(shares[0]).toBeGreaterThan(0.94);
    expect(shares[1]).toBeLessThan(shares[0] ?? 0);
    expect(shares[2]).toBeLessThan(0.05);
    // Of calibrated probabilities the answer pays from 1 - p < left on.
    expect(policyOf(facts, { costs: costs(0.3) }).least).toBeCloseTo(0.7, 1);
  });
});

describe('scaling', () => {
  const { probabilities, labels } = texts(3000, 5);
  const logits = probabilities.map((p) => 3 * Math.log(p));

  test('undoes what makes scores too sure, and changes no label', async () => {
    const { scaling, tried } = await chooseScaling({ logits, labels, classes });
    expect(scaling.kind).toBe('temperature');
    expect(1 / (scaling.scales[0] ?? 1)).toBeCloseTo(3, 0);
    const loss = (kind: string) => tried.find((one) => one.kind === kind)?.loss ?? 0;
    expect(loss('temperature')).toBeLessThan(loss('none'));
    for (let i = 0; i < 100; i++) {
      const row = logits.subarray(i * classes, (i + 1) * classes);
      expect(best(scaled(row, scaling))).toBe(best(row));
    }
  });

  test('classes are scaled apart where that is clearly better, and not where it may not be', async () => {
    const skewed = logits.map((logit, i) => logit / 3 + (i % classes === 0 ? 2 : 0));
    const held = { logits: skewed, labels, classes };
    expect((await chooseScaling(held)).scaling.kind).toBe('vector');
    expect((await chooseScaling(held, 0, false)).scaling.kind).toBe('temperature');
  });

  test('ten right answers make nobody sure', async () => {
    const few = Float64Array.from({ length: 10 * classes }, (_, i) => (i % classes === 0 ? 2 : 0));
    const { scaling } = await chooseScaling({ logits: few, labels: new Int32Array(10), classes });
    expect(scaling.scales[0]).toBeLessThan(2);
  });
});

describe('what tells strange texts', () => {
  const [count, size] = [400, 8];
  const labels = Int32Array.from({ length: count }, (_, i) => i % classes);
  const data = new Float32Array(count * size);
  for (let i = 0; i < count; i++) {
    for (let j = 0; j < size; j++) {
      data[i * size + j] = (j === (labels[i] as number) ? 3 : 0) + randomUnit(1, 'sample', i, j);
    }
  }
  const folds = Int32Array.from({ length: count }, (_, i) => i % 5);
  // Nothing in the logits tells them.
  const logits = new Float32Array(count * classes).map((_, i) =>
    i % classes === Math.floor(i / classes) % classes ? 4 : 0,
  );
  const held = { logits, classes, labels, folds, vectors: { data, size } };

  test('is chosen on texts of no class where there are some', () => {
    const strange = new Float32Array(50 * size).map((_, i) => 3 * randomUnit(2, 'sample', i) * (i % size > 3 ? 1 : 0));
    const outside = {
      logits: new Float32Array(50 * classes).map((_, i) => (i % classes === 0 ? 4 : 0)),
      classes,
      vectors: { data: strange, size },
    };
    const chosen = chooseOutside(held, outside);
    expect(chosen.by).toBe('texts of no class');
    expect(['mahalanobis', 'neighbours']).toContain(chosen.numbers.kind);
    const best = chosen.tried.find(({ kind }) => kind === chosen.numbers.kind);
    expect(best?.auroc).toBeGreaterThan(0.99);
    expect(chosen.tried.find(({ kind }) => kind === 'probability')?.auroc).toBeLessThan(0.7);
  });

  test('is chosen on classes that are left out by turns where there are none', () => {
    const chosen = chooseOutside(held, undefined);
    expect(chosen.by).toBe('classes left out');
    expect(chosen.numbers.size).toBe(size);
    expect(chosen.scores.every((score) => Number.isFinite(score))).toBe(true);
  });

  test('reads logits alone where there are no vectors', () => {
    const { numbers, tried } = chooseOutside({ ...held, vectors: undefined }, undefined);
    expect(tried.map(({ kind }) => kind)).toEqual(['probability', 'entropy', 'energy']);
    expect(numbers.size).toBe(0);
  });
});

function best(row: ArrayLike<number>): number {
  return Array.from(row).reduce((most, value, i, all) => (value > (all[most] as number) ? i : most), 0);
}
