import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { generateAll, intents } from '../../corpora/generate.ts';
import { drawFor } from '../../corpora/grammar/draw.ts';
import { expand } from '../../corpora/grammar/expand.ts';
import { normalizedForm } from '../../src/text/normalize.ts';

const folder = fileURLToPath(new URL('../../corpora/', import.meta.url));
const files = generateAll();

describe('the generated files', () => {
  // With `vitest -u` this writes the files instead.
  test.each([...files])('%s is what the generator writes', async (name, text) => {
    await expect(text).toMatchFileSnapshot(`${folder}${name}`);
  });

  test('are all the data the folder holds', () => {
    const data = readdirSync(folder).filter((name) => /\.(txt|csv)$/.test(name));
    expect(data.sort()).toEqual([...files.keys()].sort());
  });

  test.each([
    ['support.txt', 6000],
    ['support.zh.txt', 1500],
  ])('%s has %i lines, of which fewer than one in twenty repeats another', (name, count) => {
    const forms = linesOf(name).map(normalizedForm);
    expect(forms).toHaveLength(count);
    expect(new Set(forms).size).toBeGreaterThan(count * 0.95);
  });

  test.each(['intents.train.csv', 'intents.test.csv'])('%s has 50 texts of each intent and none twice', (name) => {
    const rows = rowsOf(name);
    const counts = new Map<string, number>();
    for (const { label } of rows) counts.set(label, (counts.get(label) ?? 0) + 1);
    expect(counts).toEqual(new Map(intents.map(({ label }) => [label, 50])));
    expect(new Set(rows.map(({ text }) => normalizedForm(text))).size).toBe(rows.length);
  });

  test('keep every text of the test set out of the logs and the training set', () => {
    const known = [...linesOf('support.txt'), ...rowsOf('intents.train.csv').map(({ text }) => text)]
      .map((line) => `${normalizedForm(line)}\n`)
      .join('');
    const found = rowsOf('intents.test.csv').filter(({ text }) => {
      return sentenceEnds.some((end) => known.includes(bare(text) + end));
    });
    expect(found).toEqual([]);
  });

  test('name no label in a labeled text', () => {
    const texts = [...rowsOf('intents.train.csv'), ...rowsOf('intents.test.csv')];
    expect(texts.filter(({ text, label }) => text.includes(label))).toEqual([]);
  });
});

describe('expand', () => {
  const draw = drawFor(1, 0, 0);

  test('keeps a slot at one value within a message', () => {
    const bindings = new Map<string, string>();
    const slots = { order: ['LM-_____'] };
    const first = expand('{order} (is|is) ((very|very) late|very late) ?', slots, bindings, draw);
    expect(first).toMatch(/^LM-[1-9]{5} is very late\?$/);
    expect(expand('{order}', slots, bindings, draw)).toBe(first.slice(0, 8));
  });

  test('refuses what it cannot expand', () => {
    expect(() => expand('{colour}', {}, new Map(), draw)).toThrow('no slot is named {colour}');
    expect(() => expand('(a|b', {}, new Map(), draw)).toThrow('unclosed bracket in: (a|b');
  });
});

const sentenceEnds = ['\n', '.\n', '?\n', '!\n', '. ', '? ', '! ', ', ', '... '];

function linesOf(name: string): string[] {
  return (files.get(name) ?? '').trimEnd().split('\n');
}

function rowsOf(name: string): { text: string; label: string }[] {
  return linesOf(name)
    .slice(1)
    .map((line) => {
      const comma = line.lastIndexOf(',');
      const text = line.slice(0, comma);
      const quoted = text.startsWith('"') ? text.slice(1, -1).replaceAll('""', '"') : text;
      return { text: quoted, label: line.slice(comma + 1) };
    });
}

/** Without the stop at the end, which another message may lack. */
function bare(text: string): string {
  return normalizedForm(text).replace(/[.!?]$/, '');
}
