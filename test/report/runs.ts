import type { Answers, ReportedRun } from '../../src/report/run.ts';

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
  const rung = { texts: 60, seconds: 1.5, bytes: 2_000_000, low: 0.7, high: 0.9, accuracy: 0.8 };
  return {
    ...{ name, command: 'finetune', startedAt: '2026-01-02T03:04:05.000Z', finishedAt: '2026-01-02T03:05:05.000Z' },
    facts: [{ name: 'training texts', value: '120' }],
    settings: [{ name: 'seed', value: hostile[0] ?? '' }],
    classifier: { method: 'words', labels, accuracy: right / 120, macroF1: 0.7, loss: 0.6, count: 120, confusion },
    ladder: {
      chosen: 'words',
      rungs: [
        { ...rung, method: 'words', difference: null },
        { ...rung, method: 'frozen', accuracy: 0.75, difference: { mean: -0.05, low: -0.1, high: 0.01 } },
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
    answers,
    scores: {
      ...{ kind: 'temperature', temperature: 0.8, texts: 100, by: hostile[2] ?? '', before: figures, after: figures },
      outside: { kind: 'energy', by: hostile[3] ?? '', tried: [{ kind: 'energy', auroc: 0.9 }] },
    },
    promises: { promised: [hostile[4] ?? ''], texts: 300 },
    outOfScope: { score: 'energy', inScope: [1, 2, 2.5, 3], outOfScope: [4, 5, 5.5], threshold: 3.5 },
    audit: {
      texts: 120,
      count: 1,
      flagged: [{ text: hostile[4] ?? '', label: 'a', likely: 'b', reason: hostile[5] ?? '' }],
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
      ...{ kind: 'several labels', count: 60, main: 'F1 of 0.75', figures: [{ name: 'F1', value: '0.75' }] },
      labels: hostile.map((one) => ({ ...label, label: one })),
    },
  };
}

/** Every third answer is wrong; the hostile texts are among those. */
function answersOf(labels: readonly string[]): Answers {
  const places = Array.from({ length: 120 }, (_, i) => i);
  const classes = places.map((i) => i % labels.length);
  const answers = places.map((i) => (i % 4 === 0 ? (i + 1) % labels.length : i % labels.length));
  const scores = places.map((i) => 0.35 + (0.6 * ((i * 37) % 120)) / 120);
  const own = places.map((i) => (answers[i] === classes[i] ? (scores[i] ?? 0) : 0.1));
  const texts = places.map((i) => (i % 4 === 0 ? (hostile[(i / 4) % hostile.length] ?? '') : `text ${i}`));
  const values = places.map((i) => (i % 4 === 0 || i % 9 === 0 ? (hostile[3] ?? '') : i % 7 === 0 ? '' : 'mail'));
  return { labels, classes, answers, scores, own, texts, slices: { column: hostile[2] ?? '', values }, of: 120 };
}
