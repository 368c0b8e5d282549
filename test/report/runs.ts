import type { HeldEntity, LabelHeld, ScoredLabel } from '../../src/report/held.ts';
import type { ReportedRun } from '../../src/report/run.ts';

/** Texts that would do something if a page took them for more than text. */
export const hostile = [
  '<img src=x onerror="window.hacked = 1">',
  '</ul></details></style><script>window.hacked = 1</script>',
  '"><svg onload="window.hacked = 1"><a href="javascript:window.hacked = 1">click</a>',
  "' onmouseover='window.hacked = 1",
  '<iframe src="https://example.org/"></iframe><link rel="stylesheet" href="https://example.org/a.css">',
  '<!-- <style>* { display: none }</style> -->',
  '&lt;b&gt; &amp; {{7 * 7}}',
  'abc \u202edetrever\u202c \u0000 \u001b[31m red',
];

/** A run that has something to show in every section, with hostile texts wherever people write them. */
export function fullRun(name = 'intent'): ReportedRun {
  const labels = ['refund', '<b>card</b> " onclick="x', "track'order"];
  const answers = answersOf(labels);
  const confusion = labels.map((_, own) =>
    labels.map((_, answered) => answers.classes.filter((c, i) => c === own && answers.answers[i] === answered).length),
  );
  const right = labels.reduce((sum, _, i) => sum + (confusion[i]?.[i] ?? 0), 0);
  const rung = { texts: 60, seconds: 1.5, bytes: 2_000_000, low: 0.7, high: 0.9, score: 0.8 };
  return {
    ...{ name, command: 'finetune', startedAt: '2026-01-02T03:04:05.000Z', finishedAt: '2026-01-02T03:05:05.000Z' },
    facts: [{ name: 'training texts', value: '120' }],
    settings: [{ name: 'seed', value: hostile[0] ?? '' }],
    classifier: { method: 'words', labels, accuracy: right / 120, macroF1: 0.7, loss: 0.6, count: 120, confusion },
    ladder: {
      ...{ chosen: 'words', measure: 'right', isShare: true, differs: 'points of it' },
      rungs: [
        { ...rung, method: 'words', difference: null },
        { ...rung, method: 'frozen', score: 0.75, difference: { mean: -0.05, low: -0.1, high: 0.01 } },
      ],
      left: [{ method: 'finetune', reason: hostile[1] ?? '' }],
    },
    course: {
      steps: Array.from({ length: 30 }, (_, i) => ({ step: i + 1, loss: 2 / (i + 1), learningRate: 1e-3 })),
      evaluations: [10, 20, 30].map((step) => ({
        step,
        metrics: { accuracy: step / 40, macroF1: step / 50, loss: 1 / step },
      })),
    },
    held: answers,
    scores: {
      ...{ kind: 'temperature', temperature: 0.8, texts: 100, by: hostile[2] ?? '', before: figures, after: figures },
      outside: { kind: 'energy', by: hostile[3] ?? '', tried: [{ kind: 'energy', auroc: 0.9 }] },
    },
    promises: { promised: [hostile[4] ?? ''], notPromised: [0.01], texts: 300 },
    outOfScope: {
      score: 'energy',
      by: hostile[7] ?? '',
      inScope: [1, 2, 2.5, 3],
      outOfScope: [4, 5, 5.5],
      threshold: 3.5,
    },
    audit: {
      ...{ texts: 120, wrong: { mean: 9, low: 4, high: 14 }, count: 40 },
      flagged: Array.from({ length: 30 }, (_, i) => ({
        ...{ row: i + 1, text: hostile[i % hostile.length] ?? '', label: 'a', likely: 'b', score: 0.9 },
        reason: hostile[5] ?? '',
      })),
      runs: [
        [1012, 1023],
        [40, 44],
      ],
      mayBeOne: [[hostile[0] ?? '', hostile[1] ?? '']],
      mayBeTwo: [hostile[2] ?? ''],
    },
    lacks: [hostile[6] ?? ''],
  };
}

const figure = { value: 0.05, low: 0.03, high: 0.08 };
const figures = { ece: figure, eceEqualMass: figure, brier: figure, logLoss: figure };

/** A run of several labels. */
export function targetRun(name = 'topics'): ReportedRun {
  const { command, startedAt, finishedAt, facts, settings, lacks } = fullRun();
  const label = { precision: 0.8, recall: 0.7, f1: 0.75, support: 20, threshold: 0.4 };
  return {
    ...{ name, command, startedAt, finishedAt, facts, settings, lacks },
    target: {
      ...{
        shape: 'several-labels',
        kind: 'several labels',
        count: 60,
        main: 'F1 of 0.75',
        figures: [{ name: 'F1', value: '0.75' }],
      },
      labels: hostile.map((one) => ({ ...label, label: one })),
    },
    held: {
      ...{ kind: 'several-labels', labels: hostile, thresholds: hostile.map(() => 0.4), of: 60 },
      ...{ texts: hostileTexts(60), pairs: hostileTexts(60) },
      own: places(60).map((i): ScoredLabel[] => [[i % 8, i % 3 === 0 ? 0.2 : 0.7]]),
      told: places(60).map((i): ScoredLabel[] => {
        if (i % 3 === 0) return [];
        return i % 5 === 0
          ? [
              [i % 8, 0.7],
              [(i + 1) % 8, 0.6],
            ]
          : [[i % 8, 0.7]];
      }),
    },
    ladder: {
      ...{ chosen: 'words', measure: 'micro F1', isShare: false, differs: hostile[3] ?? '' },
      left: [
        { method: 'hybrid', reason: 'for one label' },
        { method: 'finetune', reason: 'no time' },
        { method: 'contrastive', reason: 'for one label' },
      ],
      rungs: [
        { method: 'words', score: 0.8, texts: 60, difference: null, seconds: 1 },
        { method: 'frozen', score: 0.7, texts: 60, difference: { mean: 0.1, low: 0.05, high: 0.2 }, seconds: 2 },
      ],
    },
  };
}

/** A run of a number. */
export function numberRun(name = 'urgency'): ReportedRun {
  const { target, held, ladder, ...run } = targetRun(name);
  const own = places(200).map((i) => 20 + ((i * 37) % 200) / 5);
  return {
    ...run,
    target: {
      ...{ shape: 'number', kind: `a number (${hostile[1]})`, count: 200, main: 'mean absolute error of 2' },
      ...{ figures: [{ name: 'R²', value: '0.7' }], labels: [] },
    },
    held: {
      ...{ kind: 'number', name: hostile[1] ?? '', own, told: own.map((value, i) => value + ((i * 13) % 11) - 5) },
      ...{ interval: { margin: 4, share: 0.9 }, texts: hostileTexts(200), of: 200 },
    },
  };
}

/** A run of labels on tokens. */
export function tokensRun(name = 'orders'): ReportedRun {
  const { target, held, ladder, ...run } = targetRun(name);
  const label = { precision: 0.8, recall: 0.7, f1: 0.75, support: 20 };
  const entity = (text: string, [start, end]: readonly [number, number], of: string): HeldEntity => [
    ...([start, Math.min(end, text.length), of] as const),
  ];
  const texts = hostileTexts(40);
  return {
    ...run,
    target: {
      ...{ shape: 'tokens', kind: 'labels on tokens', count: 40, main: 'F1 of 0.75 of entities' },
      ...{
        figures: [{ name: 'F1', value: '0.75' }],
        labels: hostile.slice(0, 3).map((one) => ({ ...label, label: one })),
      },
    },
    held: {
      ...{ kind: 'tokens', texts, of: 50 },
      own: texts.map((text, i) => [entity(text, [0, 5], hostile[i % 3] ?? '')]),
      found: texts.map((text, i) => [
        entity(text, [i % 2 === 0 ? 0 : 2, i % 4 === 0 ? 5 : 9], hostile[(i % 5 === 0 ? i + 1 : i) % 3] ?? ''),
      ]),
    },
  };
}

/** A run of a language model. */
export function languageRun(name = 'adapted'): ReportedRun {
  const { classifier, held, scores, promises, outOfScope, audit, ladder, ...run } = fullRun(name);
  const languageModel = { perplexityBefore: 20, perplexityAfter: 12, lossBefore: 3, lossAfter: 2.5 };
  return { ...run, command: 'adapt', languageModel };
}

function places(count: number): number[] {
  return Array.from({ length: count }, (_, i) => i);
}

function hostileTexts(count: number): string[] {
  return places(count).map((i) => hostile[i % hostile.length] ?? '');
}

/** Every third answer is wrong; the hostile texts are among those. */
function answersOf(labels: readonly string[]): LabelHeld {
  const classes = places(120).map((i) => i % labels.length);
  const answers = places(120).map((i) => (i % 4 === 0 ? (i + 1) % labels.length : i % labels.length));
  const scores = places(120).map((i) => 0.35 + (0.6 * ((i * 37) % 120)) / 120);
  const own = places(120).map((i) => (answers[i] === classes[i] ? (scores[i] ?? 0) : 0.1));
  const texts = places(120).map((i) => (i % 4 === 0 ? (hostile[(i / 4) % hostile.length] ?? '') : `text ${i}`));
  const values = places(120).map((i) => (i % 4 === 0 || i % 9 === 0 ? (hostile[3] ?? '') : i % 7 === 0 ? '' : 'mail'));
  const slices = { column: hostile[2] ?? '', values };
  return { kind: 'one-label', labels, classes, answers, scores, own, texts, slices, of: 120 };
}
