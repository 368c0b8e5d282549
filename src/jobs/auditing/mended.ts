import { BertuneError, counted } from '../../core/errors.ts';
import { say, setting } from '../../core/message.ts';
import { didYouMean } from '../../core/suggest.ts';
import { openRecords } from '../../data/records.ts';
import { type CellValue, checkRowPath, textColumn, writeRows } from '../../data/rowFile.ts';
import { note } from '../note.ts';
import { checkNotInput } from '../predict.ts';
import { readLabels } from '../readLabels.ts';
import { type Decision, newLabelName } from '../reviewing/item.ts';
import { readReview } from '../reviewing/readReview.ts';
import type { DataOptions, JobHooks } from '../types.ts';
import type { MendResult } from './results.ts';

interface MendOptions {
  readonly data: DataOptions;
  /** The file with the decisions. */
  readonly apply: string;
  readonly output: string;
}

/**
 * Writes the rows of the data, with all columns, under the labels that were decided, without those to be dropped.
 *
 * @throws BertuneError for decisions that do not fit the data: nothing is written then
 */
export async function mended({ data, apply, output }: MendOptions, hooks: JobHooks): Promise<MendResult> {
  await checkRowPath(output);
  checkNotInput(output, data, setting('data'));
  checkNotInput(output, { files: [apply] }, setting('apply'));
  const set = await readLabels(data, setting('data'), hooks, 'single texts');
  const decisions = await readReview(apply, setting('apply'), newLabelName);
  const known = new Map(set.labels.map((label) => [label.trim(), label]));
  const faults: string[] = [];
  const decided = new Map<number, Decision>();
  for (const decision of decisions) {
    const fault = faultIn(decision, set, known, decided);
    if (fault) faults.push(`entry ${decision.place} ${fault}`);
    else decided.set(decision.row, decision);
  }
  if (faults.length > 0) throw new BertuneError(say`${setting('apply')} ${apply}: ${some(faults)}; nothing is written`);
  const records = await openRecords({ ...data, flag: setting('data'), needLabel: true });
  try {
    const whole = await records.whole();
    const at = whole.columns.findIndex(({ name }) => name === records.labelColumn);
    // A label that is decided need not be a number where all others are.
    const columns = whole.columns.map((column, i) => (i === at ? textColumn(column.name) : column));
    const counts = { rows: 0, relabeled: 0, dropped: 0 };
    let row = 0;
    async function* rows(): AsyncGenerator<CellValue[][]> {
      for await (const batch of whole.batches()) {
        const kept: CellValue[][] = [];
        for (const { values } of batch) {
          const label = set.labels[row++];
          const { newLabel: asked, isDropped } = decided.get(row) ?? {};
          const newLabel = asked && known.get(asked.trim());
          if (isDropped) {
            counts.dropped++;
            continue;
          }
          if (newLabel !== undefined && newLabel !== label) counts.relabeled++;
          kept.push(values.map((value, i) => (i === at ? (newLabel ?? label ?? null) : value)));
        }
        counts.rows += kept.length;
        yield kept;
      }
    }
    await writeRows(output, columns, rows(), hooks.signal);
    const open = decisions.filter(({ newLabel, isDropped }) => newLabel === undefined && !isDropped).length;
    const both = decisions.filter(({ newLabel, isDropped }) => newLabel !== undefined && isDropped).length;
    if (both > 0) note(hooks, say`${counted(both, 'text')} of ${apply} with a new label dropped, as they say as well`);
    if (open > 0) note(hooks, say`${counted(open, 'text')} of ${apply} without a decision: left as they are`);
    return { ...counts, output };
  } finally {
    await records.close();
  }
}

/** What does not fit, in words; undefined of a decision that does. */
function faultIn(
  { row, text, label, newLabel }: Decision,
  { texts, labels }: { readonly texts: readonly string[]; readonly labels: readonly string[] },
  known: ReadonlyMap<string, string>,
  decided: ReadonlyMap<number, Decision>,
): string | undefined {
  const own = texts[row - 1];
  if (own === undefined) return `is for row ${row}, and the data has ${texts.length}`;
  if (decided.has(row)) return `is for row ${row} once more`;
  if (plain(own) !== plain(text)) return `has another text than row ${row} of the data`;
  if (label !== undefined && label.trim() !== labels[row - 1]?.trim()) {
    return `says that row ${row} is labeled ${label}, and in the data it is ${labels[row - 1]}`;
  }
  if (newLabel !== undefined && !known.has(newLabel.trim())) {
    return `has the label ${JSON.stringify(newLabel)}, which no text of the data has${didYouMean(newLabel, [...known.keys()])}`;
  }
  return undefined;
}

/** Spreadsheets and web pages change line ends and spaces. */
function plain(text: string): string {
  return text.normalize('NFC').replace(/\s+/gu, ' ').trim();
}

function some(faults: readonly string[]): string {
  const shown = faults.slice(0, 3).join('; ');
  return faults.length > 3 ? `${shown}; and ${faults.length - 3} more` : shown;
}
