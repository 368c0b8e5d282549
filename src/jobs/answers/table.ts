import type { LabelKindName } from '../../models/text/heads/table.ts';
import type { AnswerKind } from './answerKind.ts';
import { manyLabelsAnswers } from './manyLabels.ts';
import { numberAnswers } from './number.ts';
import { oneLabelAnswers } from './oneLabel.ts';

/** How models of every kind answer. */
export const answerKinds: Readonly<Record<LabelKindName, AnswerKind>> = {
  oneLabel: oneLabelAnswers,
  manyLabels: manyLabelsAnswers,
  number: numberAnswers,
};
