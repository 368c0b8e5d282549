import { columnOf, hardlyClasses } from './columnKinds.ts';
import { labelNames } from './labels.ts';

/** What there is to say of the labels of texts. */
export interface LabelReview {
  /** Every class with its number of texts, in the fixed order of labels. */
  readonly classes: readonly { readonly label: string; readonly texts: number }[];
  /** Labels that differ in case, spaces or Unicode form alone. */
  readonly alike: readonly (readonly string[])[];
  /** What the labels look like in place of names of classes: `times`; absent where they look like such names. */
  readonly looksLike?: string;
}

/** @param sizes texts of each label */
export function reviewLabels(name: string, sizes: ReadonlyMap<string, number>): LabelReview {
  const labels = labelNames(sizes.keys());
  const spellings = new Map<string, string[]>();
  for (const label of labels) spellings.set(spelling(label), [...(spellings.get(spelling(label)) ?? []), label]);
  return {
    classes: labels.map((label) => ({ label, texts: sizes.get(label) ?? 0 })),
    alike: [...spellings.values()].filter(({ length }) => length > 1),
    looksLike: looksLike(name, sizes),
  };
}

/** What labels share that people take for the same. */
export function spelling(label: string): string {
  const plain = label
    .normalize('NFKC')
    .toLowerCase()
    .replace(/[\s\p{Cf}]+/gu, '');
  // As data frames write whole numbers among which some are missing.
  return /^[+-]?\d+\.0+$/.test(plain) ? plain.replace(/\.0+$/, '') : plain;
}

/** In what labels of one spelling differ, for messages. */
export function differenceOf(labels: readonly string[]): string {
  const isNumber = labels.every((label) => /^[+-]?\d+(\.0+)?$/.test(label));
  return isNumber ? 'zeros behind a point alone' : 'case, spaces or Unicode form alone';
}

/** Fewer distinct numbers are taken for classes, whatever they measure. */
const fewNumbers = 10;

function looksLike(name: string, sizes: ReadonlyMap<string, number>): string | undefined {
  const column = columnOf(name, [...sizes.keys()]);
  const texts = [...sizes.values()].reduce((sum, size) => sum + size, 0);
  const sample = { ...column.sample, values: texts, distinct: sizes.size };
  if (column.kind === 'number' || column.kind === 'integer') {
    // A few texts of each of some classes have many labels, too; numbers on a scale have hardly as many as these.
    const most = column.kind === 'number' ? fewNumbers : Math.max(5 * fewNumbers, texts / 20);
    return sizes.size > most ? 'measurements' : undefined;
  }
  if (column.kind === 'time' || column.kind === 'id') return hardlyClasses(column);
  const reason = texts >= 10 && sizes.size > texts / 2 ? hardlyClasses({ ...column, sample }) : undefined;
  return reason === 'texts' ? 'texts' : reason && 'values that hardly come twice';
}
