import { describe, expect, test } from 'vitest';
import { randomBelow } from '../../src/core/random.ts';
import { NearDuplicates, nearlySame, similarityOf } from '../../src/data/nearDuplicates.ts';

function found(texts: readonly string[], least?: number) {
  const near = new NearDuplicates((i) => texts[i] ?? '', least);
  for (const text of texts) near.add(text);
  return { near, groups: near.groups().map(({ members }) => [...members]) };
}

/** Similarity and groups as their definitions say, with sets and without any sketch. */
function runs(text: string): Set<string> {
  const form = ` ${text
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, ' ')
    .trim()} `;
  return new Set(Array.from({ length: form.length - 2 }, (_, i) => form.slice(i, i + 3)));
}

function jaccard(a: Set<string>, b: Set<string>): number {
  const both = [...a].filter((one) => b.has(one)).length;
  return both / (a.size + b.size - both);
}

function bruteGroups(texts: readonly string[], least: number): number[][] {
  const sets = texts.map(runs);
  const groupOf = texts.map((_, i) => i);
  for (let i = 0; i < texts.length; i++) {
    for (let j = i + 1; j < texts.length; j++) {
      if (jaccard(sets[i] as Set<string>, sets[j] as Set<string>) < least) continue;
      const [from, to] = [groupOf[j], groupOf[i]];
      for (const [k, group] of groupOf.entries()) if (group === from) groupOf[k] = to as number;
    }
  }
  const groups = new Map<number, number[]>();
  for (const [i, group] of groupOf.entries()) groups.set(group, [...(groups.get(group) ?? []), i]);
  return [...groups.values()].filter(({ length }) => length > 1);
}

const words =
  'where is my card order parcel refund please cancel the account today now why not send back how do i'.split(' ');

/** Texts of drawn words, of which every second changes an earlier one a little. */
function drawnTexts(count: number, seed: number): string[] {
  const texts: string[] = [];
  const draw = (limit: number, i: number, j: number) => randomBelow(limit, seed, 'corpus', i, j);
  for (let i = 0; i < count; i++) {
    const length = 4 + draw(14, i, 0);
    const fresh = Array.from(
      { length },
      (_, j) => `${words[draw(words.length, i, j + 1)]}${draw(3, i, 100 + j) || ''}`,
    );
    if (i % 2 === 0 || i < 4) {
      texts.push(fresh.join(' '));
      continue;
    }
    const kept = (texts[draw(i, i, 200)] ?? '').split(' ');
    for (let changes = draw(4, i, 201); changes > 0; changes--)
      kept[draw(kept.length, i, 210 + changes)] = fresh[0] ?? '';
    texts.push(kept.join(' '));
  }
  return texts;
}

test('similarity is that of the sets of three characters', () => {
  const texts = drawnTexts(60, 3);
  for (let i = 1; i < texts.length; i++) {
    const [a, b] = [texts[i - 1] ?? '', texts[i] ?? ''];
    expect(similarityOf(a, b)).toBe(jaccard(runs(a), runs(b)));
  }
});

test('case, punctuation, spaces and forms of Unicode do not count, digits do', () => {
  expect(similarityOf('How do I  send this back?!', 'how do i send this back')).toBe(1);
  expect(similarityOf('ＣＡＦÉ', 'cafe\u0301')).toBe(1);
  expect(similarityOf('card 1', 'card 2')).toBeLessThan(1);
  expect(similarityOf('!!!', '???')).toBe(0);
  expect(similarityOf('', ' ')).toBe(0);
});

describe('groups are those that comparing all with all finds', () => {
  test.each([
    [1, 0.7],
    [2, 0.7],
    [3, 0.8],
    [4, 0.9],
  ])('seed %i, from a similarity of %f', (seed, least) => {
    const texts = drawnTexts(600, seed);
    const expected = bruteGroups(texts, least);
    expect(expected.length).toBeGreaterThan(50);
    expect(found(texts, least).groups).toEqual(expected);
  });
});

test('one text many times is one group, found without comparing each with each', () => {
  const texts = Array.from({ length: 5000 }, (_, i) => `your parcel has left the depot and comes today ${i % 3}`);
  const { groups } = found(texts);
  expect(groups).toHaveLength(1);
  expect(groups[0]).toHaveLength(5000);
});

test('texts without a character are like none', () => {
  expect(found(['', ' ', '', 'a b', 'a b']).groups).toEqual([[3, 4]]);
});

test('the closest pairs are those asked for, most alike first found for each text', () => {
  const texts = ['where is my card now', 'where is my card now?', 'where is my card', 'something else entirely'];
  const { near, groups } = found(texts);
  expect(groups).toEqual([[0, 1, 2]]);
  const pairs = near.closest({ members: groups[0] ?? [] }, (a, b) => a !== 1 && b !== 1);
  expect(pairs).toEqual([{ first: 0, second: 2, similarity: similarityOf(texts[0] ?? '', texts[2] ?? '') }]);
  expect(pairs[0]?.similarity).toBeGreaterThanOrEqual(nearlySame);
});
