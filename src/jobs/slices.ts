import { counted } from '../core/errors.ts';
import { say, setting } from '../core/message.ts';
import { leastOfSlice, measureSlices, type Slice } from '../evaluation/slices.ts';
import { note } from './note.ts';
import type { JobHooks } from './types.ts';

/**
 * The slices of measured texts by the values of a column; says what cannot be told of them.
 *
 * @param values of each text, '' where it has none
 * @param right whether the answer to each is right
 */
export function slicesOf(
  values: readonly string[],
  right: readonly boolean[],
  column: string,
  hooks: JobHooks,
): Slice[] {
  const slices = measureSlices(
    values.map((value) => (value === '' ? '(none)' : value)),
    right,
  );
  const small = slices.filter(({ texts }) => texts < leastOfSlice);
  const name = say`${setting('sliceColumn')} ${column}`;
  if (slices.length === 1) note(hooks, say`${name}: all texts have one value, so that there is nothing to compare`);
  else if (small.length === slices.length) {
    note(hooks, say`${name}: no value has ${leastOfSlice} texts, so that no slice can be tried`);
  } else if (small.length > 0) {
    note(hooks, say`${name}: ${counted(small.length, 'value')} with fewer than ${leastOfSlice} texts not tried`);
  }
  return slices;
}
