import { BertuneError } from '../../core/errors.ts';
import { say, setting } from '../../core/message.ts';
import { didYouMean } from '../../core/suggest.ts';
import { openRecords } from '../../data/records.ts';
import { textOfValue } from '../../data/rowTypes.ts';
import type { Costs } from '../../evaluation/trust/policy.ts';
import { note } from '../note.ts';
import type { JobHooks } from '../types.ts';

/** A row of a table of costs: labels by number, null for any; an answer of −1 is none. */
export interface Cost {
  readonly label: number | null;
  readonly answer: number | null;
  readonly cost: number;
}

const left = -1;

/**
 * Reads a table of costs with the columns `label`, `answer` and `cost`: what an answer to a text of a label costs; an
 * empty answer is a text that is left to a person, `*` any label or any answer but the right one. Later rows win. Right
 * answers cost nothing unless a row names them.
 *
 * @throws BertuneError for a column that is missing, a label that the model has not, or a cost that is no number
 */
export async function readCosts(file: string, labels: readonly string[], hooks: JobHooks): Promise<Cost[]> {
  const flag = setting('costs');
  const onNote = (line: Parameters<typeof note>[1], about?: string) => about === 'files' && note(hooks, line);
  const records = await openRecords({ files: [file], textColumn: 'label', flag, onNote });
  try {
    const whole = await records.whole();
    const names = whole.columns.map(({ name }) => name.toLowerCase());
    const [label, answer, cost] = ['label', 'answer', 'cost'].map((name) => {
      const at = names.indexOf(name);
      if (at < 0) throw new BertuneError(say`${flag} has no column ${name}: it takes label, answer and cost`);
      return at;
    }) as [number, number, number];
    const costs: Cost[] = [];
    const numberOf = (name: string) => {
      if (name === '*') return null;
      if (name === '') return left;
      const found = labels.indexOf(name);
      if (found >= 0) return found;
      throw new BertuneError(
        say`${flag}: row ${costs.length + 1}: ${name} is no label of the model${didYouMean(name, labels)}`,
      );
    };
    for await (const batch of whole.batches()) {
      for (const { values } of batch) {
        const [named, given, price] = [label, answer, cost].map((at) => {
          const column = whole.columns[at];
          return (column && textOfValue(values[at], column.type)?.trim()) ?? '';
        }) as [string, string, string];
        const of = numberOf(named);
        if (of === left) throw new BertuneError(say`${flag}: row ${costs.length + 1} has no label; * stands for any`);
        const number = price === '' ? Number.NaN : Number(price);
        if (!Number.isFinite(number) || number < 0) {
          throw new BertuneError(
            say`${flag}: row ${costs.length + 1}: the cost must be a number of at least 0, got ${price === '' ? 'none' : price}`,
          );
        }
        costs.push({ label: of, answer: numberOf(given), cost: number });
      }
    }
    if (!costs.some(({ answer: of }) => of === left)) {
      throw new BertuneError(
        say`${flag} does not say what a text costs that is left to a person: give a row with an empty answer`,
      );
    }
    return costs;
  } finally {
    await records.close();
  }
}

/** What a table says of every pair; a wrong answer that it does not name costs 1. */
export function costsOf(table: readonly Cost[]): Costs {
  const of = (label: number, answer: number) =>
    table.findLast((row) => {
      const isOf = row.label === null || row.label === label;
      if (row.answer === null) return isOf && answer !== left && answer !== label;
      return isOf && row.answer === answer;
    })?.cost ?? (label === answer ? 0 : 1);
  return { of, left: (label) => of(label, left) };
}
