import { labelProbabilities } from '../../tasks/text/objectives/oneLabel.ts';
import { type AnswerKind, ranked } from './answerKind.ts';

/** The likeliest label, with its probability. */
export const oneLabelAnswers: AnswerKind = {
  title: 'one label',
  columns: [
    { name: 'label', holds: 'text' },
    { name: 'score', holds: 'number' },
  ],
  hasScores: true,
  reader({ labels }) {
    return (row) => {
      const scores = ranked(labels, labelProbabilities(row));
      const { label = '', score = 0 } = scores[0] ?? {};
      return { answer: { label, score }, scores, cells: [label, score], counted: [label] };
    };
  },
};
