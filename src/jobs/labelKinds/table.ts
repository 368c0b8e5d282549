import { type LabelKindName, labelKindNames } from '../../models/text/heads/table.ts';
import type { LabelKind } from './labelKind.ts';
import { manyLabelsKind } from './manyLabels.ts';
import { numberKind } from './number.ts';
import { oneLabelKind } from './oneLabel.ts';

/** Every kind of answers that is learned from labeled texts, by its head. */
export const labelKinds: Readonly<Record<LabelKindName, LabelKind>> = {
  oneLabel: oneLabelKind,
  manyLabels: manyLabelsKind,
  number: numberKind,
};

/** The kind that a setting names. */
export function labelKindOf(task: LabelKind['task']): LabelKindName {
  const name = labelKindNames.find((one) => labelKinds[one].task === task);
  if (name === undefined) throw new Error(`internal: no kind of labels is called ${task}`);
  return name;
}
