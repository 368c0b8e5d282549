import type { LabelKindName } from '../../models/text/heads/table.ts';
import type { Learner } from './learner.ts';
import { learnOneLabel } from './oneLabel.ts';
import { learnTargets } from './targets/learn.ts';
import { manyLabelsTargets } from './targets/manyLabels.ts';
import { numberTargets } from './targets/number.ts';

/** How each kind of answers is learned from labeled texts. */
export const learners: Readonly<Record<LabelKindName, Learner>> = {
  oneLabel: learnOneLabel,
  manyLabels: learnTargets(manyLabelsTargets),
  number: learnTargets(numberTargets),
};
