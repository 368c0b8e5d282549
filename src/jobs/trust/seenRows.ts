import type { Rows } from '../../evaluation/neighbours.ts';
import { type OutsideNumbers, outsideScores } from '../../evaluation/trust/outsideScorer.ts';
import type { OpenModel } from '../openModel.ts';

/** Texts as a classifier sees them. */
export interface SeenRows {
  /** Logits of each text [labels]. */
  readonly logits: number[][];
  /** Vectors that it reads [n, size]; absent where it reads none, or none were asked for. */
  readonly vectors?: Rows;
  /** How strange each text is [n]; zeros where that was not asked for. */
  readonly outside: Float64Array;
}

/** Texts that are read together. */
const chunk = 1024;

/**
 * What a classifier makes of texts.
 *
 * @param outside what tells strange ones; without it their vectors are given
 * @param scale what becomes of logits
 */
export async function seenRows(
  model: OpenModel,
  texts: readonly string[],
  outside?: OutsideNumbers,
  scale: (row: ArrayLike<number>) => ArrayLike<number> = (row) => row,
): Promise<SeenRows> {
  const logits: number[][] = [];
  const scores = new Float64Array(texts.length);
  const lists: Float32Array[] = [];
  for (let from = 0; from < texts.length; from += chunk) {
    const part = texts.slice(from, from + chunk);
    const seen = await model.seen(part, outside === undefined || outside.size > 0);
    const rows = seen.logits.map((row) => Array.from(scale(row)));
    logits.push(...rows);
    const vectors = seen.vectors && rowsOf(seen.vectors);
    if (!outside && seen.vectors) lists.push(...seen.vectors);
    if (!outside) continue;
    const classes = rows[0]?.length ?? 1;
    scores.set(outsideScores(outside, { logits: rows.flat(), classes, ...(vectors ? { vectors } : {}) }), from);
  }
  return { logits, outside: scores, ...(lists.length > 0 ? { vectors: rowsOf(lists) } : {}) };
}

/** Vectors as the rows of one array. */
function rowsOf(vectors: readonly Float32Array[]): Rows {
  const size = vectors[0]?.length ?? 0;
  const data = new Float32Array(vectors.length * size);
  for (const [i, vector] of vectors.entries()) data.set(vector, i * size);
  return { data, size };
}
