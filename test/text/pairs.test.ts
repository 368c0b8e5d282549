import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { BlockBuilder } from '../../src/text/packing.ts';
import { framedPair, isBlank, pairSequence, pairText, shownText, textsOfPair } from '../../src/text/pair.ts';
import { countTexts, termTexts } from '../../src/text/terms/countedTexts.ts';
import { keyOfTerm } from '../../src/text/terms/termScanner.ts';
import type { TokenizerJson } from '../../src/text/textTokenizer.ts';
import { openJson, readFixture } from './references.ts';

type Json = TokenizerJson & { model: { vocab?: object } };
type Row = [ids: number[], types: number[]];
interface Made {
  readonly tokenizers: readonly {
    readonly name: string;
    readonly expected: readonly { side: 'left' | 'right'; length: number; digest: string; first: readonly Row[] }[];
  }[];
}

const fixture = join(import.meta.dirname, '../fixtures/pairs/expected.json.gz');
const { tokenizers } = JSON.parse(gunzipSync(readFileSync(fixture)).toString()) as Made;
const { texts } = readFixture<{ texts: string[] }>('expected');

/** A few of the strings after each other: a function of the number, as the script of the fixture has it. */
function textAt(number: number): string {
  const count = 1 + (number % 3);
  const shift = Math.floor(number / texts.length) * (number % 2 === 0 ? 7 : 13);
  const place = (i: number) => (number * 31 + 17 * i * number + shift) % texts.length;
  return Array.from({ length: count }, (_, i) => texts[place(i)]).join(' ');
}

const pairsOfEach = 6000;

describe.each(tokenizers)('$name makes of pairs', ({ name, expected }) => {
  const tokenizer = openJson(readFixture<Json>(name));
  const { frame } = tokenizer;
  const encoded = Array.from({ length: 2 * pairsOfEach }, (_, i) => tokenizer.encode(textAt(i)).ids);

  test.each(expected)(
    '6,000 times what transformers does at $length tokens, cut on the $side',
    ({ side, length, digest, first }) => {
      if (!frame.pair) throw new Error('no way with pairs');
      const rows: Row[] = [];
      for (let i = 0; i < pairsOfEach; i++) {
        const [a = [], b = []] = encoded.slice(2 * i, 2 * i + 2);
        const { ids } = pairSequence(frame.pair, a, b, length - frame.size, side);
        const seen = framedPair(frame, ids);
        rows.push([seen.ids, seen.types]);
      }
      expect(rows.slice(0, first.length)).toEqual(first);
      expect(createHash('sha256').update(JSON.stringify(rows)).digest('hex')).toBe(digest);
    },
  );
});

test('more than 5,000 of the pairs are distinct, at eight settings, types and none among them', () => {
  const pairs = Array.from({ length: pairsOfEach }, (_, i) => pairText(textAt(2 * i), textAt(2 * i + 1)));
  expect(new Set(pairs).size).toBeGreaterThan(5000);
  for (const { expected } of tokenizers) expect(expected).toHaveLength(8);
  const types = tokenizers.map(({ expected }) => Math.max(...(expected[0]?.first.flatMap(([, of]) => of) ?? [])));
  expect(types).toEqual([1, 0, 0]);
});

test('a block holds pairs and single texts beside each other, each as it is by itself', () => {
  const { frame } = openJson(readFixture<Json>('word-piece'));
  if (!frame.pair) throw new Error('no way with pairs');
  const pair = pairSequence(frame.pair, [7, 8], [9], 20, 'right').ids;
  const builder = new BlockBuilder(1, 12, frame, true);
  expect([builder.add([5]), builder.add(pair)]).toEqual([0, 3]);
  const { inputIds, tokenTypes, positionIds, sequenceIds } = builder.block;
  const [cls, sep] = [frame.before[0] ?? 0, frame.after[0] ?? 0];
  expect([...inputIds.data]).toEqual([cls, 5, sep, cls, 7, 8, sep, 9, sep, frame.pad, frame.pad, frame.pad]);
  expect([...(tokenTypes?.data ?? [])]).toEqual([0, 0, 0, 0, 0, 0, 0, 1, 1, 0, 0, 0]);
  expect([...positionIds.data]).toEqual([0, 1, 2, 0, 1, 2, 3, 4, 5, 0, 0, 0]);
  expect([...sequenceIds.data]).toEqual([1, 1, 1, 2, 2, 2, 2, 2, 2, 0, 0, 0]);
});

describe('post-processors that say nothing of pairs, or something else', () => {
  const json = readFixture<Json>('xlm-roberta') as Json & { post_processor: Record<string, unknown> };
  const withPair = (pair: unknown) => openJson({ ...json, post_processor: { ...json.post_processor, pair } } as Json);
  const piece = (id: string, type = 0) => ({ SpecialToken: { id, type_id: type } });
  const text = (id: string, type = 0) => ({ Sequence: { id, type_id: type } });

  test.each([
    ['B before A', [piece('<s>'), text('B'), piece('</s>'), text('A'), piece('</s>')]],
    ['other tokens around', [text('A'), piece('</s>'), text('B'), piece('</s>')]],
    ['a border of types elsewhere', [piece('<s>'), text('A'), piece('</s>', 1), text('B', 1), piece('</s>', 1)]],
    ['three texts', [piece('<s>'), text('A'), text('B'), text('A'), piece('</s>')]],
  ])('%s', (_, pair) => {
    expect(withPair(pair).frame.pair).toBeUndefined();
    expect(withPair(pair).frame.before).toHaveLength(1);
  });
});

test('pairs as one string: both texts come back, and what they hold cannot pass for a border', () => {
  const text = pairText('where is it?', 'it\ufdd0is here');
  expect(textsOfPair(text)).toEqual(['where is it?', 'it\ufffdis here']);
  expect(textsOfPair('single')).toBeUndefined();
  expect(shownText(pairText('a', 'b'))).toEqual({ text: 'a', pair: 'b' });
  expect([pairText('a', ' '), pairText('', 'b'), ' ', pairText('a', 'b')].map(isBlank)).toEqual([
    true,
    true,
    true,
    false,
  ]);
});

test('terms of a pair are those of each text, told apart, and the words of both', () => {
  const blocks = { words: [1, 2], characters: [3, 3] } as const;
  const pairs = [pairText('my red card', 'a Red card my'), pairText('red', 'blue')];
  const { table, counts, offsets } = countTexts(pairs, blocks, 1000);
  const terms = termTexts(pairs, blocks, table);
  const [second, both] = ['\ufdd0', '\ufdd1'];
  const words = terms.filter((term) => [...term].length > 3 || !/ |^.?\p{L}{1,2}$/u.test(term));
  for (const term of [
    'my red',
    `${second}red ${second}card`,
    `${both}my`,
    `${both}red`,
    `${both}card`,
    `${second}blue`,
  ]) {
    expect(terms, `${words}`).toContain(term);
  }
  expect(terms).not.toContain(`${both}a`);
  // Of borders between texts there are no terms.
  expect(terms.some((term) => term.includes(`card ${second}a`))).toBe(false);
  for (const [i, term] of terms.entries()) {
    const found = ([0, 1] as const).some((block) => {
      const key = keyOfTerm(term, block);
      return key && table.find(...key) === i;
    });
    expect(found, term).toBe(true);
  }
  expect(counts.length).toBe(offsets[2]);
});
