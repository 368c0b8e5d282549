import { BertuneError } from '../core/errors.ts';
import { type Origin, say } from '../core/message.ts';

/** Class numbers of label names. @throws BertuneError for a label that the model does not know */
export function classNumbers(labels: readonly string[], known: readonly string[], flag: Origin): Int32Array {
  const numbers = new Map(known.map((label, i) => [label, i]));
  return Int32Array.from(labels, (label, row) => {
    const number = numbers.get(label);
    if (number === undefined) {
      throw new BertuneError(
        say`${flag}: label "${label}" in row ${row + 1} was not seen in training; known labels: ${listed(known)}`,
      );
    }
    return number;
  });
}

function listed(names: readonly string[]): string {
  const shown = names.slice(0, 12).join(', ');
  return names.length > 12 ? `${shown}, and ${names.length - 12} more` : shown;
}
