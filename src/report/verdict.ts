import { wilsonInterval } from '../evaluation/intervals.ts';
import { coverageCurve, reliability } from './curves.ts';
import { figure, percent, quantity, texts } from './format.ts';
import type { LabelHeld } from './held.ts';
import type { Classifier, LanguageModel, ReportedRun, Target } from './run.ts';
import { furthest } from './sections/coverage.ts';

/** Fewer held-out texts tell little of anything but the accuracy itself. */
const leastTexts = 50;
/** Share of wrong answers that people put up with, for a sentence. */
const bearable = 0.05;

/** What came of a run, in two sentences: how good it is, and what to do about it. */
export function verdictOf(run: ReportedRun): readonly [string, string] {
  if (run.classifier) return classifierVerdict(run.classifier, run.held?.kind === 'one-label' ? run.held : undefined);
  if (run.target) return targetVerdict(run.target);
  if (run.languageModel) return languageVerdict(run.languageModel);
  const first = run.finishedAt
    ? `The run of ${run.command} is finished.`
    : `The run of ${run.command} is not finished.`;
  return [first, 'Nothing was measured on held-out examples that this page knows of.'];
}

function classifierVerdict(classifier: Classifier, answers: LabelHeld | undefined): [string, string] {
  const { accuracy, count } = classifier;
  if (count === 0) {
    return [
      'The classifier was not measured: no labeled texts were held out.',
      'Give texts to measure it on before you rely on it.',
    ];
  }
  const right = Math.round(accuracy * count);
  const { low, high } = wilsonInterval(right, count);
  const first = `${percent(accuracy)} of ${texts(count, 'held-out text')} got the right label (95 % interval ${(100 * low).toFixed(1)} to ${percent(high)}).`;
  if (count < leastTexts) {
    return [
      first,
      `${quantity(count)} texts tell little more: hold out more of them before you decide by these figures.`,
    ];
  }
  return [first, advice(classifier, answers)];
}

function targetVerdict({ kind, main, count, labels, spread }: Target): [string, string] {
  if (count === 0) {
    return [
      'The model was not measured: no labeled texts were held out.',
      'Give texts to measure it on before you rely on it.',
    ];
  }
  const first = `Answers with ${kind} to ${texts(count, 'held-out text')} have an ${main}.`.replace(
    'an mean',
    'a mean',
  );
  if (count < leastTexts) {
    return [
      first,
      `${quantity(count)} texts tell little more: hold out more of them before you decide by this figure.`,
    ];
  }
  if (spread !== undefined) return [first, spread];
  const [worst] = labels.filter(({ support }) => support > 0).sort((a, b) => a.f1 - b.f1);
  if (!worst) return [first, 'None of these texts has a label.'];
  if (worst.f1 === 1) return [first, 'No label was missed or told wrongly: harder texts would tell more.'];
  return [
    first,
    `Least well known is "${worst.label}", with an F1 of ${figure(worst.f1)}: more texts with it help most.`,
  ];
}

/** What the scores allow, and what goes wrong most. */
function advice(classifier: Classifier, answers: LabelHeld | undefined): string {
  const worst = worstPair(classifier);
  const confusion = worst
    ? `what goes wrong most is "${worst.own}" taken for "${worst.answered}" (${texts(worst.count)})`
    : 'nothing went wrong on these texts';
  const point = answers && furthest(coverageCurve(answers), bearable);
  if (!answers || classifier.accuracy >= 1 - bearable)
    return `${confusion.charAt(0).toUpperCase()}${confusion.slice(1)}${surenessOf(answers)}.`;
  const alone = point
    ? `Answering only from a score of ${point.score.toFixed(2)} on, it would answer ${percent(point.coverage)} of them and be wrong on ${percent(point.risk)} of those`
    : 'No score tells its right answers from its wrong ones well enough to let it answer alone';
  return `${alone}; ${confusion}.`;
}

function surenessOf(answers: LabelHeld | undefined): string {
  if (!answers) return '';
  const mean = answers.scores.reduce((sum, score) => sum + score, 0) / Math.max(1, answers.scores.length);
  const { ece: error } = reliability(answers) ?? { ece: 0 };
  const right = answers.answers.filter((answer, i) => answer === answers.classes[i]).length / answers.answers.length;
  if (error < 0.03) return ', and its scores mean about what they say';
  const points = `${(100 * error).toFixed(1)} points off on average`;
  return `, and its scores are ${mean > right ? 'too high' : 'too low'} (${points})`;
}

function worstPair({ labels, confusion }: Classifier) {
  let worst: { own: string; answered: string; count: number } | undefined;
  for (const [own, row] of confusion.entries()) {
    for (const [answered, count] of row.entries()) {
      if (own === answered || count <= (worst?.count ?? 0)) continue;
      worst = { own: labels[own] ?? String(own), answered: labels[answered] ?? String(answered), count };
    }
  }
  return worst;
}

function languageVerdict({
  perplexityBefore,
  perplexityAfter,
  lossBefore,
  lossAfter,
}: LanguageModel): [string, string] {
  if (perplexityAfter === null || lossAfter === null) {
    return [
      'The language model was not measured: no text was held out.',
      'Hold out some of the corpus to see whether training helped.',
    ];
  }
  if (perplexityBefore === null || lossBefore === null) {
    return [`Perplexity on held-out text is ${figure(perplexityAfter)}.`, 'How the start did was not measured.'];
  }
  const gained = lossBefore - lossAfter;
  const first = `Perplexity on held-out text went from ${figure(perplexityBefore)} to ${figure(perplexityAfter)}.`;
  if (gained <= 0) return [first, 'Training did not help on text it has not seen: keep the model it started from.'];
  const chance = Math.exp(gained).toFixed(gained < 0.1 ? 2 : 1);
  return [
    first,
    `A masked word is on average ${chance} times as likely to the model as before; whether that helps your classifier shows when both are fine-tuned on the same labels.`,
  ];
}
