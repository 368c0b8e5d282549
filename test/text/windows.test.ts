import { describe, expect, test } from 'vitest';
import { TextCutter } from '../../src/jobs/textCutter.ts';
import type { TextTokenizer } from '../../src/text/textTokenizer.ts';
import { windowRanges } from '../../src/text/windows.ts';
import { tinyTokenizer } from '../tasks/tiny.ts';

const tokenizer = tinyTokenizer();
/** Words of one token each, and some of three: "z" and two more letters. */
const text = Array.from({ length: 50 }, (_, i) => (i % 7 === 3 ? 'zab' : ['order', 'parcel', 'card'][i % 3])).join(' ');
const encoding = tokenizer.encode(text);
const ranges = (most: number, mostWindows = 16, side: 'left' | 'right' = 'right') =>
  windowRanges(encoding, { most, mostWindows, side });

describe('windows of a text', () => {
  test.each([14, 20, 31, 60])(
    'of at most %i tokens cover it, whole words in each, as even as these let them',
    (most) => {
      const found = ranges(most);
      expect(found[0]?.[0]).toBe(0);
      expect(found.at(-1)?.[1]).toBe(encoding.ids.length);
      found.slice(1).forEach(([from], i) => {
        expect(from).toBe(found[i]?.[1]);
        expect(encoding.wordIds[from]).not.toBe(encoding.wordIds[from - 1]);
      });
      const sizes = found.map(([from, to]) => to - from);
      expect(Math.max(...sizes)).toBeLessThanOrEqual(most);
      expect(found.length).toBeLessThanOrEqual(Math.ceil(encoding.ids.length / (most - 2)));
      // All but the last are within a word of the longest.
      expect(Math.max(...sizes) - Math.min(...sizes.slice(0, -1), Number.POSITIVE_INFINITY)).toBeLessThan(3);
    },
  );

  test('are the first that there may be, or the last of a tokenizer that cuts at the left', () => {
    const all = ranges(10);
    expect(all.length).toBeGreaterThan(4);
    const filled = ranges(10, 3);
    expect(filled).toHaveLength(3);
    expect(filled[0]?.[0]).toBe(0);
    expect(filled[1]?.[0]).toBe(filled[0]?.[1]);
    expect(ranges(10, 3, 'left').at(-1)?.[1]).toBe(encoding.ids.length);
  });

  test('a word that is longer than a window is cut', () => {
    const long = tokenizer.encode('a'.repeat(25));
    expect(windowRanges(long, { most: 10, mostWindows: 16, side: 'right' })).toEqual([
      [0, 9],
      [9, 18],
      [18, 25],
    ]);
  });
});

describe('what is cut of a text', () => {
  const cut = (mostWindows: number, prompt = '', of: TextTokenizer = tokenizer) =>
    new TextCutter(of, 16, prompt, mostWindows);

  test('is nothing where windows hold it all, each with the prompt before it', () => {
    const cutter = cut(16, 'where is ');
    const begin = tokenizer.encode('where is ').ids;
    const windows = cutter.windows(text);
    expect(cutter.truncated).toBe(0);
    expect(cutter.promptTokens).toBe(3);
    for (const ids of windows) expect([...ids.slice(0, 2)]).toEqual(begin);
    expect(windows.flatMap((ids) => [...ids.slice(2)])).toEqual(encoding.ids);
    expect(Math.max(...windows.map(({ length }) => length))).toBeLessThanOrEqual(14);
  });

  test('is the rest after the start, or after the last window', () => {
    const [start, few] = [cut(1), cut(2)];
    expect(start.windows(text)).toEqual([start.encode(text)]);
    expect([...(start.windows(text)[0] ?? [])]).toEqual(encoding.ids.slice(0, 14));
    expect(few.windows(text)).toHaveLength(2);
    expect(few.truncated).toBe(1);
    const notes: unknown[] = [];
    few.noteTruncated({ onEvent: (event) => notes.push(event) });
    expect(notes).toEqual([{ type: 'note', text: '1 text longer than 2 windows of 16 tokens truncated' }]);
  });

  test('of a text that fits nothing differs', () => {
    const cutter = cut(16);
    expect(cutter.windows('where is my card ?')).toEqual([cut(1).encode('where is my card ?')]);
    expect(cutter.isLong('where is my card ?')).toBe(false);
    expect(cutter.isLong(text)).toBe(true);
  });

  test('a prompt that leaves no room reads the start', () => {
    const cutter = cut(16, `${'order '.repeat(14)}`);
    expect(cutter.windows(text)).toHaveLength(1);
  });
});
