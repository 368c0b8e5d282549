import { describe, expect, test } from 'vitest';
import { randomUnit } from '../../../src/core/random.ts';
import { decoded, logSoftmax, schemeOfTags, tagDecoder } from '../../../src/text/tagging/decode.ts';
import { type Scheme, strictSpansOfTags, tagsOfSpans } from '../../../src/text/tagging/scheme.ts';

const tagsOf: Readonly<Record<Exclude<Scheme, 'IO'>, string[]>> = {
  IOB1: ['O', 'B-A', 'I-A', 'B-X', 'I-X'],
  IOB2: ['O', 'B-A', 'I-A', 'B-X', 'I-X'],
  BIOES: ['O', 'B-A', 'I-A', 'E-A', 'S-A', 'B-X', 'E-X'],
  BILOU: ['O', 'B-A', 'I-A', 'L-A', 'U-A', 'U-X'],
};

const rowsOf = (seed: number, words: number, tags: number) =>
  Array.from({ length: words }, (_, i) =>
    Float32Array.from({ length: tags }, (_, tag) => 4 * randomUnit(seed, 'sample', i, tag)),
  );

/** Every list of so many tags. */
function* lists(tags: number, words: number): Generator<number[]> {
  if (words === 0) yield [];
  else for (const rest of lists(tags, words - 1)) for (let tag = 0; tag < tags; tag++) yield [...rest, tag];
}

describe('decoding', () => {
  test.each(['IOB1', 'IOB2', 'BIOES', 'BILOU'] as const)(
    '%s: the best of all lists that the scheme allows',
    (scheme) => {
      const labels = tagsOf[scheme];
      const decoder = tagDecoder(labels, scheme);
      let changed = 0;
      for (let seed = 0; seed < 20; seed++) {
        const rows = rowsOf(seed, 4, labels.length);
        let [best, top] = [[] as number[], Number.NEGATIVE_INFINITY];
        for (const tags of lists(labels.length, rows.length)) {
          const names = tags.map((tag) => labels[tag] ?? '');
          // Whole by the strict rules of the scheme, and written as it writes them.
          const spans = strictSpansOfTags(names, scheme);
          if (tagsOfSpans(spans, names.length, scheme).join(' ') !== names.join(' ')) continue;
          const score = tags.reduce((sum, tag, i) => sum + (logSoftmax(rows[i] ?? [])[tag] as number), 0);
          if (score > top) [best, top] = [tags, score];
        }
        const found = Array.from(decoder.tags(rows));
        expect(found).toEqual(best);
        if (found.join() !== Array.from(tagDecoder(labels, undefined).tags(rows)).join()) changed++;
      }
      expect(changed).toBeGreaterThan(0);
    },
  );

  test('entities have the mean probability of their tags', () => {
    const labels = ['O', 'B-A', 'I-A'];
    const rows = [
      [0, 3, 0],
      [0, 0, 1],
      [2, 0, 0],
    ];
    const [span, ...others] = decoded(tagDecoder(labels, 'IOB2'), labels, rows);
    expect(others).toEqual([]);
    const first = Math.exp(3) / (2 + Math.exp(3));
    const second = Math.E / (2 + Math.E);
    expect(span).toMatchObject({ start: 0, end: 2, label: 'A' });
    expect(span?.score).toBeCloseTo((first + second) / 2, 12);
    expect(decoded(tagDecoder(labels, 'IOB2'), labels, [])).toEqual([]);
  });

  test('the scheme of names of tags', () => {
    expect(schemeOfTags(['O', 'B-PER', 'E-PER'])).toBe('BIOES');
    expect(schemeOfTags(['O', 'B-PER', 'L-PER', 'U-PER'])).toBe('BILOU');
    expect(schemeOfTags(['O', 'B-PER', 'I-PER'])).toBeUndefined();
    expect(schemeOfTags(['NOUN', 'VERB'])).toBe('IO');
  });
});
