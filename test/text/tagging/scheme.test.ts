import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { type EntityMetrics, entityMetrics } from '../../../src/evaluation/entities.ts';
import {
  brokenIn,
  detectScheme,
  type Scheme,
  type Span,
  spansOfTags,
  strictSpansOfTags,
  tagsOfSpans,
} from '../../../src/text/tagging/scheme.ts';

interface Scores {
  readonly precision: number;
  readonly recall: number;
  readonly f1: number;
  readonly support: number;
}

interface Averages extends Readonly<Record<'micro' | 'macro' | 'weighted', Scores>> {
  readonly types: readonly Scores[];
}

interface Case {
  readonly scheme: Exclude<Scheme, 'IO'>;
  readonly true: string[][];
  readonly predicted: string[][];
  readonly strict: Averages;
  readonly strictEntities: [number, number, string][][];
  readonly default?: Averages;
  readonly entities?: [number, number, string][][];
}

const cases: Case[] = JSON.parse(readFileSync(new URL('../../fixtures/tagging/seqeval.json', import.meta.url), 'utf8'));
const tuples = (spans: readonly Span[]) => spans.map(({ start, end, label }) => [start, end, label]);

function expectScores(found: EntityMetrics, expected: Averages): void {
  for (const average of ['micro', 'macro', 'weighted'] as const) {
    for (const key of ['precision', 'recall', 'f1', 'support'] as const) {
      expect(found[average][key], `${average} ${key}`).toBeCloseTo(expected[average][key], 12);
    }
  }
  expect(found.types).toHaveLength(expected.types.length);
  for (const [i, type] of expected.types.entries()) {
    expect(found.types[i]?.f1).toBeCloseTo(type.f1, 12);
    expect(found.types[i]?.support).toBe(type.support);
  }
}

describe('entities of tags', () => {
  test.each(cases)('$scheme, broken: as seqeval finds and counts them', (one) => {
    const strictly = (lists: string[][]) => lists.map((tags) => strictSpansOfTags(tags, one.scheme));
    expect(strictly(one.predicted).map(tuples)).toEqual(one.strictEntities);
    expectScores(entityMetrics(strictly(one.true), strictly(one.predicted)), one.strict);
    if (!one.default) return;
    expect(one.predicted.map((tags) => tuples(spansOfTags(tags)))).toEqual(one.entities);
    expectScores(entityMetrics(one.true.map(spansOfTags), one.predicted.map(spansOfTags)), one.default);
  });

  test.each(cases)('$scheme: the scheme is told, and tags are written as they were', ({ scheme, true: lists }) => {
    expect(detectScheme(lists)).toEqual({ scheme, broken: 0 });
    expect(lists.map((tags) => tagsOfSpans(spansOfTags(tags), tags.length, scheme))).toEqual(lists);
  });

  test('what breaks the rules of the scheme is counted', () => {
    const broken = [
      ['B-PER', 'I-PER', 'O'],
      ['O', 'I-PER', 'O'],
      ['B-ORG', 'I-PER'],
    ];
    expect(detectScheme(broken)).toEqual({ scheme: 'IOB2', broken: 2, firstBroken: 1 });
    expect(brokenIn(broken, 'IOB1')).toEqual({ scheme: 'IOB1', broken: 2, firstBroken: 0 });
    expect(detectScheme([['PER', 'PER', 'O']])).toEqual({ scheme: 'IO', broken: 0 });
  });

  test('tags of no scheme, or of several, are refused by name', () => {
    expect(() => detectScheme([['B-PER', 'ORG']])).toThrow('tag ORG says not whether an entity begins with it');
    expect(() => detectScheme([['B-PER', 'E-PER', 'U-ORG']])).toThrow(
      'tags begin with BEU: no scheme has all of these',
    );
    expect(() => detectScheme([['I-PER', 'E-PER']])).toThrow('write them as IOB2');
    expect(() => brokenIn([['E-PER']], 'IOB2')).toThrow('IOB2 has no tag E-PER');
  });
});
