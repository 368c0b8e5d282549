import type { HeadName } from '../../models/text/heads/table.ts';
import type { TextInference, TextReading } from './inference.ts';

/** A text as the sequences that it is read in: one, or several windows. */
export type Windows = readonly ArrayLike<number>[];

/** Windows that are read together. */
const chunk = 4096;

/**
 * What a head that reads whole texts makes of each text [outputs]: of one in several windows, the mean of what it makes
 * of each. What is linear in the vector, as logits of a classifier on vectors are, is then the same of the mean vector.
 */
export async function ofWindows(
  inference: TextInference,
  head: HeadName,
  texts: readonly Windows[],
  reading: TextReading = {},
): Promise<Float32Array[]> {
  if (texts.every(({ length }) => length === 1)) return inference.ofTexts(head, texts.flat(), reading);
  const results: Float32Array[] = [];
  for (const part of parts(texts)) {
    const rows = await inference.ofTexts(head, part.flat(), reading);
    let at = 0;
    for (const { length } of part) {
      results.push(meanOf(rows.slice(at, at + length)));
      at += length;
    }
  }
  return results;
}

/** Texts in lists of about `chunk` windows. */
function* parts(texts: readonly Windows[]): Generator<Windows[]> {
  let part: Windows[] = [];
  let windows = 0;
  for (const text of texts) {
    part.push(text);
    windows += text.length;
    if (windows < chunk) continue;
    yield part;
    [part, windows] = [[], 0];
  }
  if (part.length > 0) yield part;
}

/** The mean of rows; a single one as it is. */
function meanOf(rows: readonly Float32Array[]): Float32Array {
  const [first = new Float32Array(0)] = rows;
  if (rows.length === 1) return first;
  return first.map((_, i) => rows.reduce((sum, row) => sum + (row[i] as number), 0) / rows.length);
}
