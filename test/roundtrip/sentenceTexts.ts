import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { randomBelow } from '../../src/core/random.ts';
import { data } from '../needs.ts';

/** 3,000 texts: real ones in English and Chinese, drawn ones in other scripts, long and empty ones. */
export function manyTexts(): string[] {
  const reviews = fileText('chinese/waimai_10k.csv').split('\n').slice(1);
  const wiki = packedLines('text/wiki_en.txt.gz', 1500);
  return [
    ...packedLines('text/cs_logs.txt.gz', 700),
    ...wiki.slice(0, 600),
    ...reviews.slice(0, 400).map((line) => line.slice(line.indexOf(',') + 1)),
    ...packedLines('chinese/wiki_zh.txt.gz', 400),
    ...Array.from({ length: 780 }, (_, i) => drawnText(i)),
    // Over 256 tokens: several paragraphs each.
    ...Array.from({ length: 100 }, (_, i) => wiki.slice(600 + i * 9, 609 + i * 9).join(' ')),
    ...Array.from({ length: 20 }, (_, i) => ' \n\t\u00a0\u3000'.repeat(i).slice(0, i)),
  ];
}

/** First and last character of blocks from which texts are drawn. */
const scripts = [
  [0x21, 0x7e], // ASCII, punctuation included
  [0xc0, 0x17f], // Latin with marks
  [0x391, 0x3c9], // Greek
  [0x400, 0x45f], // Cyrillic
  [0x5d0, 0x5ea], // Hebrew
  [0x621, 0x64a], // Arabic
  [0x904, 0x939], // Devanagari
  [0xe01, 0xe2e], // Thai
  [0x3041, 0x30fa], // kana
  [0x4e00, 0x9fa5], // ideographs
  [0xac00, 0xd7a3], // Hangul
  [0xff01, 0xff5e], // full width
  [0x1f300, 0x1f64f], // emoji
] as const;

/** Words of one script, every tenth character of any: a function of its number alone. */
function drawnText(number: number): string {
  const draw = (limit: number, ...place: [number, number?]) => randomBelow(limit, 5, 'corpus', number, ...place);
  const character = (place: number) => {
    const script = scripts[draw(10, place, 1) === 0 ? draw(scripts.length, place, 2) : number % scripts.length];
    const [first, last] = script ?? scripts[0];
    return String.fromCodePoint(first + draw(last - first + 1, place, 3));
  };
  const length = 1 + draw(60, 0, 4);
  return Array.from({ length }, (_, i) => (draw(6, i, 5) === 0 ? ' ' : character(i))).join('');
}

/** The first lines that are not blank. */
function packedLines(name: string, count: number): string[] {
  const lines = gunzipSync(readFileSync(join(data, name)))
    .toString('utf8')
    .split('\n');
  return lines.filter((line) => line.trim() !== '').slice(0, count);
}

function fileText(name: string): string {
  return readFileSync(join(data, name), 'utf8');
}
