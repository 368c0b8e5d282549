import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { loadTokenizer } from '../../src/text/tokenizer.ts';
import { unitStarts } from '../../src/text/words.ts';
import { openJson, readFixture } from './references.ts';

const wordPiece = loadTokenizer(join(import.meta.dirname, '../fixtures/tokenizer/uncased'));

/** The units of a text, each as its pieces. */
function units(text: string, tokenizer = wordPiece): string[] {
  const encoding = tokenizer.encode(text);
  const starts = unitStarts(encoding);
  expect(starts).toHaveLength(encoding.ids.length);
  const found: string[] = [];
  encoding.ids.forEach((id, i) => {
    if (starts[i] === 1) found.push(tokenizer.tokenOf(id));
    else found[found.length - 1] += ` ${tokenizer.tokenOf(id)}`;
  });
  return found;
}

describe('tokenizers of every family', () => {
  const folder = join(import.meta.dirname, '../fixtures/families/models');
  const families = readdirSync(folder).filter((name) => !name.endsWith('.json'));

  it.each(families)('%s: a unit is a word, whatever its pieces are', (type) => {
    const tokenizer = loadTokenizer(join(folder, type));
    const { mask = -1 } = tokenizer.special;
    const text = `please cancel ${tokenizer.tokenOf(mask)} unbelievable order, refundable`;
    const bare = units(text, tokenizer).map((unit) => unit.replace(/[#ĠĊ▁ ]/g, ''));
    const words = ['please', 'cancel', tokenizer.tokenOf(mask), 'unbelievable', 'order', ',', 'refundable'];
    // Unigram takes a sign at a word's end for a part of the word.
    const joined = ['please', 'cancel', tokenizer.tokenOf(mask), 'unbelievable', 'order,', 'refundable'];
    expect([words, joined]).toContainEqual(bare);
    expect(tokenizer.encode(text).ids.length).toBeGreaterThan(bare.length);
  });
});

describe('unitStarts', () => {
  it('keeps the pieces of a word together', () => {
    expect(units('kamelodu, kamelodu!')).toEqual(['ka ##me ##lo ##du', ',', 'ka ##me ##lo ##du', '!']);
  });

  it('takes Chinese words of several characters as one unit', () => {
    expect(units('我们喜欢北京烤鸭')).toEqual(['我 们', '喜 欢', '北 京', '烤 鸭']);
  });

  it('takes each run of Chinese in mixed text by itself', () => {
    expect(units('order北京refund，谢谢态度!')).toEqual(['order', '北 京', 'refund', '[UNK]', '谢 谢', '态 度', '!']);
    expect(units('北 database 京')).toEqual(['北', 'database', '京']);
  });

  it('keeps special tokens apart', () => {
    expect(units('我们[MASK]喜欢[SEP]baba[MASK]')).toEqual(['我 们', '[MASK]', '喜 欢', '[SEP]', 'ba ##ba', '[MASK]']);
  });

  it('counts ideographs beyond the basic plane as one character', () => {
    expect(units('\u{20000}我们\u{20000}北京')).toEqual(['\u{20000}', '我 们', '\u{20000}', '北 京']);
  });

  it('has nothing of an empty text', () => {
    expect(unitStarts(wordPiece.encode(''))).toEqual(new Uint8Array(0));
  });

  it('finds the words of a tokenizer that takes a whole text for one', () => {
    const tokenizer = openJson(readFixture('whole-text-bpe'));
    const joined = (text: string) => units(text, tokenizer).map((unit) => unit.replaceAll(' ', ''));
    expect(joined("the parcel isn't unbelievable  now, <mask> here")).toEqual([
      ...['the', '▁parcel', "▁isn't", '▁unbelievable', '▁▁now,▁', '<mask>', '▁here'],
    ]);
    expect(joined('รถทำงาน พัสดุ 2')).toEqual(['ร<0xE0><0xB8><0x96>', 'ทำงาน', '▁พัสดุ', '▁2']);
  });

  it('cuts sentences in scripts without spaces into words, of tokenizers that part words at spaces alone', () => {
    const tokenizer = openJson(readFixture('xlm-roberta'));
    expect(units('the parcel 我们喜欢北京烤鸭, ทำงานพัสดุ <mask>', tokenizer)).toEqual([
      '▁the',
      '▁parcel',
      '▁ 我 们',
      '喜 欢',
      '北 京',
      '烤 鸭',
      ',',
      '▁ทํางาน',
      'พ ั ส ด ุ',
      '<mask>',
    ]);
  });

  it('finds the words of a text that is not cut at all', () => {
    const tokenizer = openJson(readFixture('spm-nmt'));
    expect(units('the parcel arrived kamelodu 北京', tokenizer)).toEqual([
      '▁the',
      '▁parcel',
      '▁arrived',
      '▁ ka me lo du',
      '▁ 北 京',
    ]);
  });

  it.each([
    ['of a tokenizer that parts words at spaces', openJson(readFixture('xlm-roberta'))],
    ['of one that takes ideographs apart', wordPiece],
  ])('looks at a long sentence once, piece by piece, %s', (_, tokenizer) => {
    const sentence = '今天天气很好我们去公园玩';
    const lengths: number[] = [];
    const { segment } = Intl.Segmenter.prototype;
    const spy = vi.spyOn(Intl.Segmenter.prototype, 'segment').mockImplementation(function (this: unknown, text) {
      lengths.push(text.length);
      return segment.call(this, text);
    });
    const starts = unitStarts(tokenizer.encode(sentence.repeat(2000)));
    spy.mockRestore();
    expect(Math.max(...lengths)).toBeLessThanOrEqual(2000);
    expect(lengths.reduce((sum, length) => sum + length, 0)).toBeLessThan(1.1 * 2000 * sentence.length);
    // No word is cut where a piece ends: every sentence adds as many words as the ones before.
    const wordsIn = (times: number) => unitStarts(tokenizer.encode(sentence.repeat(times))).reduce((a, b) => a + b, 0);
    const found = starts.reduce((sum, start) => sum + start, 0);
    expect(Math.abs(found - 200 * (wordsIn(20) - wordsIn(10)))).toBeLessThan(20);
  });
});
