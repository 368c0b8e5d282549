import { describe, expect, it, test } from 'vitest';
import { BertuneError } from '../../src/core/errors.ts';
import type { TextTokenizer, TokenizerJson } from '../../src/text/textTokenizer.ts';
import { differences, type Expected, openJson, readFixture } from './references.ts';

/** A tokenizer.json as tests change it. */
type Json = TokenizerJson & { model: { vocab?: object } & Record<string, unknown> };

const openedAlready = new Map<string, TextTokenizer>();

/** A tokenizer of the fixtures, opened once. */
function opened(name: string): TextTokenizer {
  const tokenizer = openedAlready.get(name) ?? openJson(readFixture(name));
  openedAlready.set(name, tokenizer);
  return tokenizer;
}

const { texts, expected } = readFixture<{ texts: string[]; expected: Record<string, Expected[]> }>('expected');

describe('400 strings made to go wrong become the ids, words and offsets of the reference', () => {
  test.each(Object.keys(expected))('%s', (name) => {
    expect(texts).toHaveLength(400);
    expect(differences(opened(name), texts, expected[name] ?? [])).toEqual([]);
  });
});

describe('500 strings, half of them of runs of spaces and of tokens that were added', () => {
  const spaced = readFixture<{ texts: string[]; expected: Record<string, Expected[]> }>('expected-spaced');

  test.each(['byte-level-with-spaces', 'whole-text-bpe'])('%s', (name) => {
    expect(spaced.texts).toHaveLength(500);
    expect(differences(opened(name), spaced.texts, spaced.expected[name] ?? [])).toEqual([]);
  });
});

describe('every kind of normalizer and pre-tokenizer, and every option', () => {
  const small = readFixture<{ texts: string[]; parts: { name: string; tokenizer: Json; expected: Expected[] }[] }>(
    'parts',
  );

  test.each(small.parts.map((part) => [part.name, part] as const))('%s', (_, part) => {
    expect(small.texts).toHaveLength(160);
    expect(differences(openJson(part.tokenizer), small.texts, part.expected)).toEqual([]);
  });
});

describe('what stands around a sequence', () => {
  test.each([
    ['xlm-roberta', [0], [2]],
    ['unigram', [0], [2]],
    ['word-piece', [2], [3]],
    ['word-piece-cased', [2], [3]],
    ['identity-with-bytes', [], []],
  ])('of %s', (name, before, after) => {
    const { frame } = opened(name);
    expect([frame.before, frame.after, frame.size]).toEqual([before, after, before.length + after.length]);
  });

  it('is that of all processors, the last one outermost', () => {
    const json = readFixture<Json>('word-piece');
    const around = (cls: number, sep: number) => ({ type: 'BertProcessing', cls: ['', cls], sep: ['', sep] });
    const processors = [{ type: 'ByteLevel', add_prefix_space: true, trim_offsets: true }, around(5, 6), around(7, 8)];
    const { frame } = openJson({ ...json, post_processor: { type: 'Sequence', processors } } as Json);
    expect([frame.before, frame.after]).toEqual([
      [7, 5],
      [6, 8],
    ]);
  });

  it('is refused where it is not a frame', () => {
    const open = (single: object[]) => () =>
      openJson({
        ...readFixture<Json>('word-piece'),
        post_processor: { type: 'TemplateProcessing', single, special_tokens: {} },
      } as Json);
    const sequence = { Sequence: { id: 'A', type_id: 0 } };
    expect(open([sequence, sequence])).toThrow(/must be a template of one sequence, A, not /);
    expect(open([])).toThrow(/must be a template of one sequence, A, not /);
    expect(open([{ Sequence: { id: 'A', type_id: 1 } }])).toThrow(/must be of type 0 in every part, not /);
    expect(open([sequence, { SpecialToken: { id: '[SEP]', type_id: 0 } }])).toThrow(BertuneError);
  });
});

it('prefers worse pieces to an unknown character, which costs ten below the worst', () => {
  const vocab = [
    ['<unk>', 0],
    ['ab', -9],
    ['c', -3],
    ['bc', -0.1],
  ];
  const open = (scored: unknown[]) =>
    openJson({
      ...readFixture<Json>('identity-with-bytes'),
      added_tokens: [],
      normalizer: null,
      pre_tokenizer: null,
      model: { type: 'Unigram', unk_id: 0, vocab: scored },
    } as Json);
  expect(open(vocab).encode('abc').ids).toEqual([1, 2]);
  expect(open([...vocab.slice(0, 2), ['c', -10.5], ['bc', -0.1]]).encode('abc').ids).toEqual([1, 2]);
  expect(open([...vocab.slice(0, 2), ['c', -30.5], ['bc', 2]]).encode('abc').ids).toEqual([0, 3]);
});

it('shows words without the signs that stand for spaces', () => {
  const shown = (name: string, text: string) => opened(name).encode(text).words;
  expect(shown('xlm-roberta', 'where is  my <mask>?')).toEqual(['where', 'is', 'my', '<mask>', '?']);
  expect(shown('byte-level', "it's naïve, 我们")).toEqual(['it', "'s", 'naïve', ',', '我们']);
  expect(opened('byte-level').encodeAligned(' naïve').words).toEqual(['naïve']);
});

it('takes halves of surrogate pairs for replacement characters', () => {
  for (const name of ['xlm-roberta', 'word-piece', 'byte-level', 'word-piece-cased']) {
    const tokenizer = opened(name);
    for (const [broken, whole] of [
      ['a\ud83d b', 'a\ufffd b'],
      ['\ude00\ud83d', '\ufffd\ufffd'],
      ['x\ud83d\ud83d\ude00y', 'x\ufffd😀y'],
    ] as const) {
      expect(tokenizer.encode(broken)).toEqual(tokenizer.encode(whole));
      expect(tokenizer.encodeAligned(broken)).toEqual(tokenizer.encodeAligned(whole));
    }
  }
});

it('makes text of pieces again', () => {
  const again = (name: string, text: string) => {
    const tokenizer = opened(name);
    return tokenizer.decode(tokenizer.encode(text).ids);
  };
  for (const name of ['xlm-roberta', 'identity-with-bytes', 'spm-nmt', 'byte-level', 'unigram']) {
    expect(again(name, 'the parcel arrived late')).toBe('the parcel arrived late');
  }
  expect(again('identity-with-bytes', '\u{1f9ff} the')).toBe('\u{1f9ff} the');
  expect(again('bpe-unknown', 'the parcel')).toBe('the parcel');
});

describe('time is linear in the length of', () => {
  test.each([
    ['a long word', 'ab'],
    ['marks', 'e\u0301\u0327'],
    ['spaces inside', ' '],
    ['emoji', '👩\u200d'],
    ['ideographs', '北京'],
    ['flags', '🇩'],
    ['unknown characters', '\u{1f9ff}'],
  ])('%s', (_, part) => {
    for (const name of ['xlm-roberta', 'spm-bpe', 'word-piece', 'byte-level']) {
      const tokenizer = opened(name);
      const text = `a${part.repeat(60_000 / part.length)}b`;
      tokenizer.encode(text.slice(0, 1000));
      const started = performance.now();
      tokenizer.encode(text);
      // Quadratic time would be minutes.
      expect(performance.now() - started).toBeLessThan(3000);
    }
  });
});

describe('tokens that are missing', () => {
  it('an unknown token is asked for where a character needs it', () => {
    const json = readFixture<Json>('xlm-roberta');
    const open = () => openJson({ ...json, model: { ...json.model, unk_id: null } as object });
    expect(open().encode('the').ids.length).toBeGreaterThan(0);
    expect(() => open().encode('\u{1f9ff}')).toThrow(
      new BertuneError('the fixture: "\u{1f9ff}" is no piece of the vocabulary, and its Unigram model has no unk_id'),
    );
  });

  it('broken vocabularies are refused by what is broken', () => {
    const json = readFixture<Json>('xlm-roberta');
    const open = (model: object) => () => openJson({ ...json, model: { ...json.model, ...model } });
    expect(open({ vocab: [['a']] })).toThrow(
      'entry 0 of the vocab of tokenizer.json is no pair of a piece and its score',
    );
    expect(open({ unk_id: 99_999 })).toThrow(
      /unk_id of the model Unigram in tokenizer.json must be a place in the vocab/,
    );
    const pair = readFixture<Json>('byte-level');
    const broken = { ...pair, model: { ...pair.model, merges: [['th', 'no such piece']] } };
    expect(() => openJson(broken)).toThrow('merge 0 of tokenizer.json has a piece that its vocab lacks');
  });
});
