import { describe, expect, test } from 'vitest';
import { classificationReport } from '../../src/cli/classificationReport.ts';
import { demoReport } from '../../src/cli/commands/demo.ts';
import { probeReport } from '../../src/cli/commands/imageProbe.ts';
import { bar, duration, printable, table } from '../../src/cli/format.ts';
import { maskedLmReport, trainingReport } from '../../src/cli/maskedLmReport.ts';

const adapted = {
  evalLossBefore: 3.21,
  evalLossAfter: 2.4567,
  perplexityBefore: 24.779,
  perplexityAfter: 11.666,
  steps: 300,
  tokens: 1234567,
  tokensPerSecond: 8123.4,
  output: 'runs/adapted',
};

describe('the report of adapt', () => {
  test('shows before, after and the verdict', () => {
    expect(trainingReport(adapted, { verdict: true })).toBe(
      [
        '               before       after',
        'held-out loss  3.2100  ->  2.4567',
        'perplexity      24.78  ->   11.67',
        'helped',
        '',
        '300 steps, 1,234,567 tokens, 8,123 tokens/s',
        'model saved to runs/adapted',
      ].join('\n'),
    );
  });

  test('says when it did not help or nothing was held out', () => {
    expect(trainingReport({ ...adapted, evalLossAfter: 3.22 }, { verdict: true })).toContain('\ndid not help\n');
    const unmeasured = { ...adapted, evalLossBefore: null, evalLossAfter: null };
    expect(trainingReport(unmeasured, { verdict: true })).toContain('\nnot measured: no text was held out\n');
    expect(trainingReport(adapted, { verdict: false })).not.toContain('helped');
  });
});

describe('the report of the demo', () => {
  const candidates = [{ token: 'parcel', tokenId: 7, score: 0.5 }];
  const filled = { text: 'my [MASK] has not arrived yet', masks: [{ position: 1, candidates }] };
  const summary = { mean: 0.5, lowest: 0.4, highest: 0.6 };
  const result = {
    ...{ adapted, labels: 100, seeds: [11, 12], before: filled, after: filled, seconds: 171.4, helped: false },
    ...{ ladder: undefined, ladderAccuracy: 0.708 },
    accuracies: { 'random start': [0.4, 0.6], base: [0.4, 0.6], adapted: [0.4, 0.6] },
    summaries: { 'random start': summary, base: summary, adapted: summary },
    difference: { mean: 0.031, low: -0.003, high: 0.065, standardError: 0.015, outcome: 'open' as const },
  };

  test.each([
    ['helped', 'adapting helped: the whole interval lies above 0'],
    ['not shown', 'not shown with these few texts: the interval holds 0 and gains of a point or more'],
    ['did not help', 'adapting did not help: the interval holds no gain of a point'],
    ['harmed', 'adapting harmed: the whole interval lies below 0'],
  ] as const)('%s', (verdict, line) => {
    const lines = demoReport({ ...result, verdict }).split('\n');
    expect(lines.slice(-4)).toEqual([
      'adapted - base: +3.1 points (95 % interval -0.3 to +6.5)',
      line,
      '',
      'Took 2m 51s. Try it: npx bertune fill-mask --model runs/adapted',
    ]);
  });
});

test('what is not shown says how many texts would show it', () => {
  const summary = { mean: 0.5, lowest: 0.4, highest: 0.6 };
  const settledBy = { more: 320, of: 'texts' as const };
  const lines = demoReport({
    ...{ adapted, labels: 100, seeds: [11], seconds: 60, helped: false, verdict: 'not shown' as const },
    ...{ before: { text: 'a', masks: [] }, after: { text: 'a', masks: [] }, ladder: undefined, ladderAccuracy: 0.7 },
    accuracies: { 'random start': [0.5], base: [0.5], adapted: [0.5] },
    summaries: { 'random start': summary, base: summary, adapted: summary },
    difference: { mean: 0.031, low: -0.003, high: 0.065, standardError: 0.015, outcome: 'open', settledBy },
  }).split('\n');
  expect(lines.at(-3)).toMatch(/a point or more; about 320 more test texts would settle it, if it stays at \+3\.1$/);
});

test('the report of the demo shows which method won on folds, and what it got right', () => {
  const rung = { texts: 100, accuracy: 0.86, low: 0.779, high: 0.915, seconds: 1.1, bytes: 22e6 };
  const summary = { mean: 0.5, lowest: 0.4, highest: 0.6 };
  const filled = { text: 'my [MASK]', masks: [] };
  const lines = demoReport({
    ...{
      adapted,
      labels: 100,
      seeds: [11],
      before: filled,
      after: filled,
      seconds: 60,
      helped: true,
      verdict: 'helped',
    },
    accuracies: { 'random start': [0.5], base: [0.5], adapted: [0.5] },
    summaries: { 'random start': summary, base: summary, adapted: summary },
    difference: { mean: 0.031, low: 0.003, high: 0.065, standardError: 0.014, outcome: 'better' as const },
    ladder: { chosen: 'hybrid', rungs: [{ ...rung, method: 'hybrid', difference: null }], left: [] },
    ladderAccuracy: 0.708,
  }).split('\n');
  expect(lines.slice(-5)).toEqual([
    expect.stringMatching(/^method, on folds of the training texts +right/),
    expect.stringMatching(/^hybrid \(chosen\) +86\.0 % +77\.9 % to 91\.5 %/),
    'hybrid: 70.8 % of the test texts',
    '',
    expect.stringMatching(/^Took 1m/),
  ]);
});

describe('the report of image probe', () => {
  const measured = { mean: 0.5, low: 0.4, high: 0.6, values: [0.5, 0.5] };
  const encoder = { linear: measured, knn: measured };
  const [above, open, flat, below] = [
    { mean: 0.02, low: 0.01, high: 0.03 },
    { mean: 0.02, low: -0.01, high: 0.05 },
    { mean: 0, low: -0.005, high: 0.005 },
    { mean: -0.2, low: -0.3, high: -0.1 },
  ];

  test.each([
    [above, above, 'helped: above both baselines with the whole interval'],
    [above, open, 'not shown with so few images: perhaps above, perhaps not above training from scratch'],
    [open, below, 'did not help: below training from scratch, perhaps above, perhaps not above a random encoder'],
    [flat, flat, 'did not help: no better than a random encoder and training from scratch'],
  ])('%o and %o', (overRandomStart, overScratch, line) => {
    const report = probeReport({
      ...{
        classes: ['a', 'b'],
        labeled: 20,
        tested: 100,
        pretrained: encoder,
        randomStart: encoder,
        scratch: measured,
      },
      ...{ overRandomStart, overScratch, helped: overRandomStart.low > 0 && overScratch.low > 0 },
    });
    expect(report.split('\n').at(-1)).toBe(line);
  });
});

test('the report of a masked language model', () => {
  expect(maskedLmReport({ loss: 2.5, lossStandardError: 0.1, perplexity: 12.182, count: 1500, texts: 100 })).toBe(
    [
      'masked-token loss  2.5000',
      'perplexity          12.18',
      'masked tokens       1,500',
      'texts                 100',
    ].join('\n'),
  );
});

describe('the report of a classifier', () => {
  // Precision, recall and F1 as scikit-learn's classification_report gives them (zero_division=0).
  test('has a table by class and the confusion matrix', () => {
    const report = classificationReport({
      accuracy: 0.6,
      macroF1: 0.4127,
      loss: 1.0123,
      lossStandardError: 0.2,
      count: 10,
      labels: ['refund', 'shipping', 'other'],
      confusion: [
        [4, 1, 0],
        [2, 2, 0],
        [1, 0, 0],
      ],
    });
    expect(report).toBe(
      [
        'accuracy  0.6000',
        'macro-F1  0.4127',
        'loss      1.0123',
        'texts         10',
        '',
        'class     precision  recall      F1  support',
        'refund       0.5714  0.8000  0.6667        5',
        'shipping     0.6667  0.5000  0.5714        4',
        'other        0.0000  0.0000  0.0000        1',
        '',
        'true \\ predicted  refund  shipping  other',
        'refund                 4         1      0',
        'shipping               2         2      0',
        'other                  1         0      0',
      ].join('\n'),
    );
  });

  test('names the most confused pairs when there are many classes', () => {
    const labels = Array.from({ length: 13 }, (_, k) => `class ${k}`);
    const confusion = labels.map((_, i) => labels.map((_, j) => (i === j ? 8 : 0)));
    (confusion[2] as number[])[5] = 2;
    const measured = { accuracy: 0.98, macroF1: 0.98, loss: 0.1, lossStandardError: 0.02, count: 106 };
    const report = classificationReport({ ...measured, labels, confusion });
    expect(report).not.toContain('true \\ predicted');
    expect(report.split('\n\n').at(-1)).toBe(
      [
        'most confused: true  predicted  texts  of the class',
        'class 2              class 5        2        20.0 %',
      ].join('\n'),
    );
  });
});

describe('formatting', () => {
  test('aligns wide characters', () => {
    expect(
      table(
        [
          ['外卖', '1'],
          ['food', '23'],
        ],
        ['left', 'right'],
      ),
    ).toBe('外卖   1\nfood  23');
  });

  test('bars, durations and control characters', () => {
    expect([bar(1, 3), bar(0.5, 3), bar(0, 3), bar(1 / 24, 3)]).toEqual(['███', '█▌', '', '▏']);
    expect([9.4, 65, 3725, Number.NaN].map(duration)).toEqual(['9s', '1m 05s', '1h 02m', '?']);
    expect(printable('a\x1b[31mb')).toBe('a?[31mb');
  });
});
