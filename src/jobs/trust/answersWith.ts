import type { LabelKindName } from '../../models/text/heads/table.ts';
import { answerKinds } from '../answers/table.ts';

/** What a model of a kind answers with, in words. */
export function answersWith(kind: LabelKindName | 'tokenLabels'): string {
  return kind === 'tokenLabels' ? 'parts of texts' : answerKinds[kind].title;
}
