import { type Scheme, type Span, spansOfTags, tagOf } from './scheme.ts';

/** Makes lists of tags of the logits of words. */
export interface TagDecoder {
  /** The most probable list of tags that the scheme allows, as numbers. @param rows logits of each word [tags] */
  tags(rows: readonly ArrayLike<number>[]): Int32Array;
}

/**
 * The scheme that the names of tags show: those of entities' ends do. Names of B and I alone may be meant in one way or
 * the other.
 */
export function schemeOfTags(labels: readonly string[]): Scheme | undefined {
  if (labels.some((label) => /^[ES]-/.test(label))) return 'BIOES';
  if (labels.some((label) => /^[LU]-/.test(label))) return 'BILOU';
  return labels.some((label) => /^[BI]-/.test(label)) ? undefined : 'IO';
}

/**
 * Viterbi's algorithm over the steps that a scheme allows (Forney 1973): of all lists of tags that follow its rules, the
 * one with the largest product of probabilities.
 *
 * @param scheme without it every word has its likeliest tag
 */
export function tagDecoder(labels: readonly string[], scheme: Scheme | undefined): TagDecoder {
  const tags = labels.map(tagOf);
  const count = tags.length;
  const isAllowed = (from: number, to: number): boolean => {
    const before = tags[from] ?? { prefix: 'O', type: '' };
    const after = tags[to] ?? { prefix: 'O', type: '' };
    const isSame = before.type === after.type;
    const isOpen = before.prefix === 'B' || before.prefix === 'I';
    switch (scheme) {
      case undefined:
      case 'IO':
        return true;
      case 'IOB1':
        return after.prefix !== 'B' || (isOpen && isSame);
      case 'IOB2':
        return after.prefix !== 'I' || (isOpen && isSame);
      case 'BIOES':
      case 'BILOU':
        return /[IE]/.test(after.prefix) ? isOpen && isSame : !isOpen;
    }
  };
  // Before the first word and behind the last stands a word of no entity.
  const step = Array.from({ length: count + 1 }, (_, from) =>
    Array.from({ length: count + 1 }, (_, to) => isAllowed(from < count ? from : -1, to < count ? to : -1)),
  );
  return {
    tags(rows) {
      const best: Int32Array[] = [];
      let scores = new Float64Array(count);
      for (const [i, row] of rows.entries()) {
        const logs = logSoftmax(row);
        const next = new Float64Array(count);
        const came = new Int32Array(count);
        for (let to = 0; to < count; to++) {
          let [top, from] = [Number.NEGATIVE_INFINITY, 0];
          if (i === 0) top = step[count]?.[to] ? 0 : top;
          else {
            for (let tag = 0; tag < count; tag++) {
              if (!step[tag]?.[to] || (scores[tag] as number) <= top) continue;
              [top, from] = [scores[tag] as number, tag];
            }
          }
          next[to] = top + (logs[to] as number);
          came[to] = from;
        }
        best.push(came);
        scores = next;
      }
      const result = new Int32Array(rows.length);
      if (rows.length === 0) return result;
      let tag = -1;
      for (let last = 0; last < count; last++) {
        if (step[last]?.[count] && (tag < 0 || (scores[last] as number) > (scores[tag] as number))) tag = last;
      }
      for (let i = rows.length - 1; i >= 0; i--) {
        result[i] = Math.max(0, tag);
        tag = best[i]?.[Math.max(0, tag)] ?? 0;
      }
      return result;
    },
  };
}

/** An entity of a list of words, [start, end), with the mean probability of its words' tags. */
export interface ScoredSpan extends Span {
  readonly score: number;
}

/** The entities of words. @param rows logits of each word [labels] */
export function decoded(
  decoder: TagDecoder,
  labels: readonly string[],
  rows: readonly ArrayLike<number>[],
): ScoredSpan[] {
  const tags = decoder.tags(rows);
  const probability = (word: number) => Math.exp(logSoftmax(rows[word] ?? [])[tags[word] as number] ?? 0);
  return spansOfTags(Array.from(tags, (tag) => labels[tag] ?? '')).map((span) => {
    let sum = 0;
    for (let word = span.start; word < span.end; word++) sum += probability(word);
    return { ...span, score: sum / (span.end - span.start) };
  });
}

/** Logarithms of the probabilities of one row of logits. */
export function logSoftmax(logits: ArrayLike<number>): Float64Array {
  let largest = Number.NEGATIVE_INFINITY;
  for (let i = 0; i < logits.length; i++) largest = Math.max(largest, logits[i] as number);
  let total = 0;
  for (let i = 0; i < logits.length; i++) total += Math.exp((logits[i] as number) - largest);
  const log = largest + Math.log(total);
  return Float64Array.from(logits, (logit) => logit - log);
}
