import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { type TextTokenizer, type TokenizerJson, textTokenizer } from '../../src/text/textTokenizer.ts';

/** What the reference makes of a text: ids, ids of words, and offsets, from and to in characters. */
export type Expected = readonly [ids: number[], wordIds: number[], offsets: number[]];

export const fixtures = join(import.meta.dirname, '../fixtures/tokenizers');

/** A file of the fixtures. */
export function readFixture<T>(name: string): T {
  return JSON.parse(gunzipSync(readFileSync(join(fixtures, `${name}.json.gz`))).toString());
}

/** A tokenizer.json opened alone. What pads is none of these tests' business: the first token with such a name, or any. */
export function openJson(json: TokenizerJson & { readonly model: { readonly vocab?: object } }): TextTokenizer {
  const vocab = json.model.vocab ?? {};
  const pieces = Array.isArray(vocab) ? vocab.map(([piece]) => piece) : Object.keys(vocab);
  const pad = ['<pad>', '[PAD]'].find((token) => pieces.includes(token)) ?? pieces[0];
  return textTokenizer({ where: 'the fixture', json, config: {}, special: { pad }, files: new Map() });
}

/** Texts of which a tokenizer makes anything else than is expected, in either of its ways. */
export function differences(tokenizer: TextTokenizer, texts: readonly string[], expected: readonly Expected[]) {
  return texts.flatMap((text, i) => {
    const [ids, wordIds, offsets] = expected[i] ?? [[], [], []];
    const places = placesOf(text);
    const right = { ids, wordIds, offsets: offsets.map((character) => places[character]) };
    const fast = tokenizer.encode(text);
    const aligned = tokenizer.encodeAligned(text);
    const found = { ids: aligned.ids, wordIds: aligned.wordIds, offsets: aligned.offsets.flat() };
    const { offsets: _, ...rest } = aligned;
    const same = JSON.stringify(found) === JSON.stringify(right) && JSON.stringify(fast) === JSON.stringify(rest);
    return same ? [] : [{ text, found, fast, right }];
  });
}

/** Where each character of a text begins, and where the text ends, in code units. */
function placesOf(text: string): number[] {
  const places = [0];
  for (const character of text) places.push((places.at(-1) ?? 0) + character.length);
  return places;
}
