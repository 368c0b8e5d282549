import type { Encoding } from './encoding.ts';
import { splitRanges } from './packing.ts';
import { unitStarts } from './words.ts';

/** Windows in which a long text is read, at most. */
export const usualMostWindows = 16;

/**
 * Ranges of tokens, one after the other and as even as whole words let them be, that cover a text in as few windows as
 * its length asks for; of a text that takes more than `mostWindows`, its first ones, filled.
 *
 * @param most tokens of a window
 * @param side the end at which a text that is too long is cut: of one cut at the left, the last windows are read
 */
export function windowRanges(
  encoding: Encoding,
  { most, mostWindows, side }: { most: number; mostWindows: number; side: 'left' | 'right' },
): [number, number][] {
  const { length } = encoding.ids;
  const starts = unitStarts(encoding);
  const filled = splitRanges(length, most, starts);
  if (filled.length > mostWindows) return side === 'left' ? filled.slice(-mostWindows) : filled.slice(0, mostWindows);
  for (let size = Math.ceil(length / Math.max(1, filled.length)); size < most; size++) {
    const even = splitRanges(length, size, starts);
    if (even.length === filled.length) return even;
  }
  return filled;
}
