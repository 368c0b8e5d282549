/** What was compared of a folder: the largest difference found, of numbers in the size of 1. */
export type Comparison = (typeof columns)[number];

const columns = ['encode', 'adapted', 'classifier', 'transformers.js'] as const;

/** Folders of sentence-transformers against what was compared of them. */
export class SentenceTable {
  readonly #rows = new Map<string, Partial<Record<Comparison, number>>>();

  /** Keeps the largest of a folder. */
  note(folder: string, comparison: Comparison, difference: number): void {
    const row = this.#rows.get(folder) ?? {};
    this.#rows.set(folder, { ...row, [comparison]: Math.max(row[comparison] ?? 0, difference) });
  }

  toString(): string {
    const width = Math.max(6, ...[...this.#rows.keys()].map((name) => name.length));
    const line = (name: string, cells: readonly string[]) =>
      `  ${name.padEnd(width)}${cells.map((cell, i) => cell.padStart((columns[i]?.length ?? 0) + 4)).join('')}\n`;
    const cell = (difference: number | undefined) => difference?.toExponential(1) ?? '–';
    const rows = [...this.#rows].map(([name, row]) =>
      line(
        name,
        columns.map((column) => cell(row[column])),
      ),
    );
    return `  largest difference from sentence-transformers\n${line('folder', columns)}${rows.join('')}`;
  }
}
