import { logSoftmax } from './decode.ts';

/** How the tags of pieces become words and entities, as the pipelines of transformers have it. */
export const aggregations = ['none', 'simple', 'first', 'average', 'max'] as const;
export type Aggregation = (typeof aggregations)[number];

/** A token of a text with its logits. */
export interface Piece {
  /** Its place among the tokens of its sequence, special ones counted. */
  readonly index: number;
  readonly id: number;
  readonly start: number;
  readonly end: number;
  /** Whether it goes on with the word before it. */
  readonly isContinued: boolean;
  /** [labels] */
  readonly logits: ArrayLike<number>;
}

/** What a pipeline gives for a part of a text. */
export interface Aggregated {
  readonly label: string;
  readonly score: number;
  readonly start: number;
  readonly end: number;
  /** The tokens that it is made of. */
  readonly ids: readonly number[];
  /** Of a single token. */
  readonly index?: number;
}

/**
 * The answers of a token-classification pipeline: every token that is of an entity (`none`), or runs of tokens
 * (`simple`) or of words whose tag is that of their first piece, of their mean, or of their surest piece.
 */
export function aggregate(pieces: readonly Piece[], labels: readonly string[], how: Aggregation): Aggregated[] {
  const probabilities = pieces.map(({ logits }) => logSoftmax(logits).map(Math.exp));
  const words =
    how === 'none' || how === 'simple'
      ? pieces.map((piece, i) => ({
          ...tagged([piece], probabilities[i] ?? new Float64Array(0), labels),
          index: piece.index,
        }))
      : wordsOf(pieces).map((members) => {
          const rows = members.map((i) => probabilities[i] as Float64Array);
          return tagged(
            members.map((i) => pieces[i] as Piece),
            ofWord[how](rows),
            labels,
          );
        });
  if (how === 'none') return words.filter(({ label }) => label !== 'O');
  return grouped(words).filter(({ label }) => label !== 'O');
}

/** The row of a word from those of its pieces. */
const ofWord: Readonly<Record<'first' | 'average' | 'max', (rows: readonly Float64Array[]) => Float64Array>> = {
  first: ([row = new Float64Array(0)]) => row,
  average(rows) {
    return (rows[0] ?? new Float64Array(0)).map(
      (_, i) => rows.reduce((sum, row) => sum + (row[i] ?? 0), 0) / rows.length,
    );
  },
  max: (rows) => rows.reduce((best, row) => (largest(row) > largest(best) ? row : best)),
};

function largest(row: Float64Array): number {
  return Math.max(...row);
}

/** Numbers of the pieces of each word. */
function wordsOf(pieces: readonly Piece[]): number[][] {
  const words: number[][] = [];
  for (const [i, { isContinued }] of pieces.entries()) {
    if (isContinued && words.length > 0) words.at(-1)?.push(i);
    else words.push([i]);
  }
  return words;
}

function tagged(pieces: readonly Piece[], row: Float64Array, labels: readonly string[]): Aggregated {
  const score = Math.max(...row);
  const [first, last] = [pieces[0], pieces.at(-1)];
  return {
    label: labels[row.indexOf(score)] ?? '',
    score,
    start: first?.start ?? 0,
    end: last?.end ?? 0,
    ids: pieces.map(({ id }) => id),
  };
}

/** Neighbours of one type together, unless the second one begins an entity. */
function grouped(words: readonly Aggregated[]): Aggregated[] {
  const groups: Aggregated[][] = [];
  for (const word of words) {
    const open = groups.at(-1);
    const before = open?.at(-1);
    const isSame = before && typeOf(before.label) === typeOf(word.label) && !word.label.startsWith('B-');
    if (isSame) open?.push(word);
    else groups.push([word]);
  }
  return groups.map((group) => {
    const [first] = group;
    const label = first?.label ?? '';
    return {
      label: label.includes('-') ? label.slice(label.indexOf('-') + 1) : label,
      score: group.reduce((sum, { score }) => sum + score, 0) / group.length,
      start: first?.start ?? 0,
      end: group.at(-1)?.end ?? 0,
      ids: group.flatMap(({ ids }) => ids),
    };
  });
}

function typeOf(label: string): string {
  return /^[BI]-/.test(label) ? label.slice(2) : label;
}
