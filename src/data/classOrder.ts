import { randomBelow } from '../core/random.ts';

/** How an epoch's examples are ordered so that those of one class come together. */
export interface ClassOrder {
  /** Class of each example [n]. */
  readonly classes: ArrayLike<number>;
  /** Examples of one class that stand together; an epoch's last ones of a class may be fewer. */
  readonly together: number;
  readonly seed: number;
}

/**
 * The order of an epoch: each example once, drawn by class, so that a batch holds several examples of most classes that
 * it holds at all. A pure function of its arguments.
 *
 * @returns example numbers [n]
 */
export function classOrder({ classes, together, seed }: ClassOrder, epoch: number): Int32Array {
  const members = new Map<number, number[]>();
  for (let i = 0; i < classes.length; i++) {
    const label = classes[i] as number;
    const list = members.get(label);
    if (list) list.push(i);
    else members.set(label, [i]);
  }
  const groups: number[][] = [];
  for (const [label, list] of members) {
    shuffle(list, seed, epoch, label + 1);
    for (let from = 0; from < list.length; from += together) groups.push(list.slice(from, from + together));
  }
  shuffle(groups, seed, epoch, 0);
  return Int32Array.from(groups.flat());
}

/** Fisher and Yates's shuffle, in place. */
function shuffle<T>(list: T[], seed: number, epoch: number, which: number): void {
  for (let i = list.length - 1; i > 0; i--) {
    const j = randomBelow(i + 1, seed, 'classOrder', epoch, which, i);
    [list[i], list[j]] = [list[j] as T, list[i] as T];
  }
}
