import { learnedAfter } from '../trust/learnedFrom.ts';
import { hashOf } from '../trust/textHashes.ts';
import type { Learned } from '../trust/trust.ts';
import type { Student } from './student.ts';
import type { Teacher } from './teacher.ts';
import type { WholeTexts } from './texts.ts';

/** Texts that the answers of a student of labels come from: its own, its teacher's, and those of its start. */
export async function learnedByStudent({
  texts,
  teacher,
  student,
}: {
  readonly texts: WholeTexts;
  readonly teacher: Teacher;
  readonly student: Student;
}): Promise<Learned> {
  const measuring = new Set(texts.heldOut);
  const own = new Set<number>();
  let number = 0;
  for await (const batch of texts.batches(4096)) {
    for (const text of batch) if (!measuring.has(number++)) own.add(hashOf(text));
  }
  const starts = [{ found: teacher.found, isNew: false }];
  if (student.found) starts.push({ found: student.found, isNew: student.isNewClassifier });
  return learnedAfter(Uint32Array.from(own).sort(), starts);
}
