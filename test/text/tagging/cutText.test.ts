import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { cutText } from '../../../src/text/tagging/cutText.ts';
import { onUnits } from '../../../src/text/tagging/units.ts';
import { loadTokenizer } from '../../../src/text/tokenizer.ts';

const bert = loadTokenizer(fileURLToPath(new URL('../../../checkpoints/bert-mini-sentences', import.meta.url)));
const unitsIn = (text: string) => cutText(bert, { text }, 100).units.map(({ start, end }) => text.slice(start, end));

describe('words of a text', () => {
  test('are those of the tokenizer, by their first pieces, with emoji and accents in place', () => {
    const text = 'Order 4711-B: Zoë’s  🙂parcel!';
    expect(unitsIn(text)).toEqual(['Order', '4711', '-', 'B', ':', 'Zoë', '’', 's', '🙂parcel', '!']);
  });

  test('that came with the text are each read at their first piece', () => {
    const text = "It 's U.S. 12-B";
    const words = [
      [0, 2],
      [3, 5],
      [6, 10],
      [11, 15],
    ] as const;
    const { units, windows } = cutText(bert, { text, words }, 100);
    expect(units.map(({ start, end }) => text.slice(start, end))).toEqual(['It', "'s", 'U.S.', '12-B']);
    const { ids } = bert.encode(text);
    const first = (part: string) => ids.findIndex((id, i) => bert.tokenOf(id) === part && i >= 0);
    expect(units.map(({ token }) => token)).toEqual([first('it'), first("'"), first('u'), first('12')]);
    expect(windows).toHaveLength(1);
  });

  test('entities that end inside of a word are taken with all of it, and told', () => {
    const text = 'the airport of Rome';
    const { units } = cutText(bert, { text }, 100);
    const span = (part: string, label: string) => ({
      start: text.indexOf(part),
      end: text.indexOf(part) + part.length,
      label,
    });
    expect(onUnits(units, [span('port', 'P'), span('Rome', 'CITY')])).toEqual({
      spans: [
        { start: 1, end: 2, label: 'P' },
        { start: 3, end: 4, label: 'CITY' },
      ],
      ...{ snapped: 1, lost: 0 },
    });
    expect(onUnits(units, [span('air', 'A'), span('port', 'P')])).toMatchObject({ snapped: 1, lost: 1 });
  });
});

describe('windows of a long text', () => {
  test.each([[10], [17], [40], [63]])('of %i tokens: every word is read once, with tokens around it', (most) => {
    const text = Array.from({ length: 90 }, (_, i) => `unbelievable${i} word`).join(' ');
    const { ids } = bert.encode(text);
    const { units, windows } = cutText(bert, { text }, most);
    expect(windows.length).toBeGreaterThan(1);
    const read = windows.flatMap((window) => window.units);
    expect(read).toEqual(units.map((_, i) => i));
    for (const [number, window] of windows.entries()) {
      expect(window.ids.length).toBeLessThanOrEqual(most);
      const around = Math.floor(most / 4 / 2) - 2;
      for (const [i, place] of window.places.entries()) {
        const { token } = units[window.units[i] ?? 0] ?? { token: -1 };
        expect(window.ids[place]).toBe(ids[token]);
        if (number > 0) expect(place).toBeGreaterThanOrEqual(around);
        if (number < windows.length - 1) expect(window.ids.length - place).toBeGreaterThan(around);
      }
    }
  });

  test('a text that fits is one window, and an empty one none', () => {
    expect(cutText(bert, { text: 'one two three' }, 3).windows).toMatchObject([
      { places: [0, 1, 2], units: [0, 1, 2] },
    ]);
    expect(cutText(bert, { text: '  ' }, 3)).toEqual({ units: [], windows: [] });
  });
});
