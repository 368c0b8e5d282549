import type { RunRecord } from '../runRecord.ts';
import type { TargetFinetuneResult } from '../types.ts';

/** How a model of several labels or of a number came about, after a comma. @param base what it was trained from */
export function fittedAs({ result, about }: RunRecord, base: string): string {
  if (about?.words?.weight === null) return 'on words, without a network, fitted with bertune';
  const { head } = result as TargetFinetuneResult;
  return head ? `fitted with bertune to the vectors of ${base}` : `fine-tuned from ${base} with bertune`;
}
