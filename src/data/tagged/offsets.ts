import type { RawSpan } from './spanRecords.ts';

/** What places in texts are counted in: UTF-16 code units, as JavaScript does, or code points, as Python does. */
export const offsetKinds = ['code-points', 'utf-16'] as const;
export type OffsetKind = (typeof offsetKinds)[number];

/** Whether a text has characters that the two count differently, such as emoji. */
export function isWide(text: string): boolean {
  return /[\ud800-\udbff][\udc00-\udfff]/.test(text);
}

/** Places of a text in code units, for those in code points: [code points + 1]. */
export function unitsOfPoints(text: string): number[] {
  const units: number[] = [];
  let at = 0;
  for (const character of text) {
    units.push(at);
    at += character.length;
  }
  units.push(at);
  return units;
}

/** The number of code points before a place in code units. */
export function pointsBefore(text: string, unit: number): number {
  let points = 0;
  for (let i = 0; i < unit; points++) i += (text.codePointAt(i) ?? 0) > 0xffff ? 2 : 1;
  return points;
}

/** A text with parts whose places are counted in one way or the other. */
interface Counted {
  readonly text: string;
  readonly spans: readonly RawSpan[];
}

/** Whether the places of a text are others in code units than in code points. */
export function isCountedTwoWays({ text, spans }: Counted): boolean {
  if (!isWide(text)) return false;
  const units = unitsOfPoints(text);
  return spans.some(({ start, end }) => units[start] !== start || units[end] !== end);
}

/**
 * What the places of texts are counted in, where the texts tell: by what parts are said to hold, else by whether their
 * edges are those of words. Undefined where nothing tells.
 */
export function tellOffsets(records: readonly Counted[]): OffsetKind | undefined {
  let [points, units] = [0, 0];
  for (const { text, spans } of records) {
    const table = unitsOfPoints(text);
    for (const span of spans) {
      const byPoints = [table[span.start], table[span.end]] as const;
      if (byPoints[0] === span.start && byPoints[1] === span.end) continue;
      points += evidence(text, byPoints[0], byPoints[1], span.text);
      units += evidence(text, span.start, span.end, span.text);
    }
  }
  if (points === units) return undefined;
  return points > units ? 'code-points' : 'utf-16';
}

function evidence(text: string, start: number | undefined, end: number | undefined, said: string | undefined): number {
  if (start === undefined || end === undefined || end > text.length) return -1;
  if (said !== undefined) return text.slice(start, end) === said ? 10 : 0;
  return (isEdge(text, start) ? 1 : 0) + (isEdge(text, end) ? 1 : 0);
}

/** Whether no word goes through a place. */
function isEdge(text: string, at: number): boolean {
  const isHalf = /[\udc00-\udfff]/.test(text[at] ?? '');
  return !isHalf && !(isLetter(text[at - 1]) && isLetter(text[at]));
}

function isLetter(character: string | undefined): boolean {
  return character !== undefined && /[\p{L}\p{M}\p{N}_]/u.test(character);
}
