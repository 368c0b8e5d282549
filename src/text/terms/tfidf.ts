import type { CountedCorpus, CountedTexts } from './countedTexts.ts';
import { mostFrequent } from './countedTexts.ts';

/** Rows of few numbers each: those of row i are at `offsets[i]` up to `offsets[i + 1]`. */
export interface SparseRows {
  readonly offsets: Float64Array;
  readonly columns: Int32Array;
  readonly values: Float32Array;
  /** Columns that there are. */
  readonly size: number;
}

/** The terms that a model reads, of those that were counted. */
export interface ChosenTerms {
  /** Column of each counted term [terms]; -1 for one that is not read. */
  readonly columns: Int32Array;
  readonly size: number;
  /** Weight of each column [size]. */
  readonly idf: Float32Array;
}

/**
 * The terms that some of the texts have, at most so many of the most frequent, with the smoothed inverse document
 * frequency of scikit-learn: ln((1 + texts) / (1 + texts with the term)) + 1.
 *
 * @param isRead whether a text counts [n]
 */
export function chooseTerms(corpus: CountedCorpus, isRead: (text: number) => boolean, most: number): ChosenTerms {
  const frequencies = new Int32Array(corpus.table.size);
  let texts = 0;
  for (let i = 0; i + 1 < corpus.offsets.length; i++) {
    if (!isRead(i)) continue;
    texts++;
    for (let at = corpus.offsets[i] as number; at < (corpus.offsets[i + 1] as number); at++) {
      const term = corpus.terms[at] as number;
      frequencies[term] = (frequencies[term] as number) + 1;
    }
  }
  const columns = mostFrequent(frequencies, most);
  const size = columns.reduce((count, column) => count + Number(column >= 0), 0);
  const idf = new Float32Array(size);
  for (const [term, column] of columns.entries()) {
    if (column >= 0) idf[column] = Math.log((1 + texts) / (1 + (frequencies[term] as number))) + 1;
  }
  return { columns, size, idf };
}

/**
 * Rows of (1 + ln count) · idf, each block of a row brought to length 1.
 *
 * @param blocks block of each counted term
 */
export function tfidfRows(texts: CountedTexts, blocks: Uint8Array, { columns, size, idf }: ChosenTerms): SparseRows {
  const offsets = new Float64Array(texts.offsets.length);
  const [read, values] = [new Int32Array(texts.terms.length), new Float32Array(texts.terms.length)];
  let count = 0;
  for (let i = 0; i + 1 < texts.offsets.length; i++) {
    const squares = [0, 0];
    const [from, to] = [texts.offsets[i] as number, texts.offsets[i + 1] as number];
    for (let at = from; at < to; at++) {
      const term = texts.terms[at] as number;
      const column = columns[term] as number;
      if (column >= 0) {
        const block = blocks[term] as number;
        squares[block] = (squares[block] as number) + weightOf(texts.counts[at] as number, idf[column] as number) ** 2;
      }
    }
    const scales = squares.map((sum) => (sum > 0 ? 1 / Math.sqrt(sum) : 0));
    for (let at = from; at < to; at++) {
      const term = texts.terms[at] as number;
      const column = columns[term] as number;
      if (column < 0) continue;
      read[count] = column;
      const scale = scales[blocks[term] as number] as number;
      values[count++] = weightOf(texts.counts[at] as number, idf[column] as number) * scale;
    }
    offsets[i + 1] = count;
  }
  return { offsets, columns: read.slice(0, count), values: values.slice(0, count), size };
}

function weightOf(count: number, idf: number): number {
  return (count === 1 ? 1 : 1 + Math.log(count)) * idf;
}
