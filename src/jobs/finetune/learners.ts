import type { LabelKindName } from '../../models/text/heads/table.ts';
import type { Learner } from './learner.ts';
import { learnOneLabel } from './oneLabel.ts';

/** How each kind of answers is learned from labeled texts. */
export const learners: Readonly<Record<LabelKindName, Learner>> = {
  oneLabel: learnOneLabel,
};
