import type { AlignedEncoding } from '../encoding.ts';
import type { Span } from './scheme.ts';

/** A word of a text, as tags are given to it. */
export interface Unit {
  /** Its part of the text, [start, end), in code units. */
  readonly start: number;
  readonly end: number;
  /** The token that stands for it, its first piece; −1 of a word that has none. */
  readonly token: number;
}

/**
 * The words of a text by its tokens: what the tokenizer parts before it cuts pieces, and of tokenizers that part at
 * spaces alone, what letters and digits, or other signs, are together.
 */
export function unitsOf(text: string, { wordIds, offsets }: AlignedEncoding): Unit[] {
  const units: { start: number; end: number; token: number }[] = [];
  let reached = 0;
  let word = -1;
  for (const [token, [from, to]] of offsets.entries()) {
    const start = skipSpace(text, from, to);
    // A sign for a space alone stands for nothing of the text.
    if (start >= to) continue;
    const last = units.at(-1);
    const isNew = wordIds[token] !== word || start > reached || !isInside(text, start);
    // Pieces of one character share its place.
    if (!last || (isNew && start >= reached)) units.push({ start, end: to, token });
    else last.end = Math.max(last.end, to);
    word = wordIds[token] ?? -1;
    reached = Math.max(reached, to);
  }
  return units;
}

/** Words that came with a text, and the first token of each. @param places of the words, in their order */
export function givenUnits(
  text: string,
  { offsets }: AlignedEncoding,
  places: readonly (readonly [number, number])[],
): Unit[] {
  let token = 0;
  return places.map(([start, end]) => {
    const at = (i: number) => skipSpace(text, offsets[i]?.[0] ?? 0, offsets[i]?.[1] ?? 0);
    while (token < offsets.length && (at(token) < start || at(token) >= (offsets[token]?.[1] ?? 0))) token++;
    const isThere = token < offsets.length && at(token) < end;
    return { start, end, token: isThere ? token : -1 };
  });
}

/** Entities of a text as runs of its words. */
export interface OnUnits {
  /** [start, end) in words. */
  readonly spans: readonly Span[];
  /** Entities that begin or end inside of a word, and are taken with all of it. */
  readonly snapped: number;
  /** Entities of which nothing is left: without a token, or in a word that another one has. */
  readonly lost: number;
}

/** The words that entities lie in. @param spans in the order of the text, none overlapping */
export function onUnits(units: readonly Unit[], spans: readonly Span[]): OnUnits {
  const found: Span[] = [];
  let [snapped, lost, at] = [0, 0, 0];
  for (const { start, end, label } of spans) {
    while (at < units.length && (units[at]?.end ?? 0) <= start) at++;
    const first = Math.max(at, found.at(-1)?.end ?? 0);
    let last = first;
    while (last < units.length && (units[last]?.start ?? 0) < end) last++;
    if (last === first) {
      lost++;
      continue;
    }
    if (units[first]?.start !== start || units[last - 1]?.end !== end) snapped++;
    found.push({ start: first, end: last, label });
  }
  return { spans: found, snapped, lost };
}

function skipSpace(text: string, from: number, to: number): number {
  let start = from;
  while (start < to && /[\s▁]/.test(text[start] ?? '')) start++;
  return start;
}

/** Whether a place lies between two letters or digits. */
function isInside(text: string, at: number): boolean {
  return at > 0 && isLetter(before(text, at)) && isLetter(String.fromCodePoint(text.codePointAt(at) ?? 32));
}

function before(text: string, at: number): string {
  const isPair = /[\udc00-\udfff]/.test(text[at - 1] ?? '') && /[\ud800-\udbff]/.test(text[at - 2] ?? '');
  return text.slice(isPair ? at - 2 : at - 1, at);
}

function isLetter(character: string): boolean {
  return /[\p{L}\p{M}\p{N}]/u.test(character);
}
