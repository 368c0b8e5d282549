import { sigmoid } from '../../evaluation/linearTargets.ts';
import { thresholdsOf } from '../../hub/answerKeys.ts';
import { type AnswerKind, ranked } from './answerKind.ts';

/** The labels whose probabilities are over their thresholds. */
export const manyLabelsAnswers: AnswerKind = {
  title: 'several labels',
  columns: [{ name: 'labels', holds: 'text' }],
  hasScores: true,
  reader({ labels, raw, path }) {
    const thresholds = new Map(thresholdsOf(raw, labels.length, path).map((threshold, i) => [labels[i], threshold]));
    return (row) => {
      const scores = ranked(labels, Float64Array.from(row, sigmoid));
      const told = scores.filter(({ label, score }) => score >= (thresholds.get(label) ?? 1));
      const names = told.map(({ label }) => label);
      return { answer: { labels: told }, scores, cells: [names.join(betweenLabels)], counted: names };
    };
  },
};

/** What stands between labels in a file of answers. */
const betweenLabels = ';';
