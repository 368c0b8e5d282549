import { numberIntervalOf } from '../../hub/answerKeys.ts';
import type { AnswerKind } from './answerKind.ts';

/** A number, with the interval around it where the model has one. */
export const numberAnswers: AnswerKind = {
  title: 'a number',
  columns: [
    { name: 'value', holds: 'number' },
    { name: 'low', holds: 'number' },
    { name: 'high', holds: 'number' },
  ],
  hasScores: false,
  reader({ raw, path }) {
    const interval = numberIntervalOf(raw, path);
    return (row) => {
      const value = Number(row[0]);
      const low = interval ? value - interval.margin : null;
      const high = interval ? value + interval.margin : null;
      return { answer: { value, low, high }, scores: [], cells: [value, low, high], counted: [] };
    };
  },
};
