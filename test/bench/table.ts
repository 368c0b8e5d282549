/** Prints a table under a title: the first column to the left, the others to the right. */
export function printTable(title: string, rows: readonly (readonly string[])[]): void {
  const columns = Math.max(...rows.map((row) => row.length));
  const widths = Array.from({ length: columns }, (_, i) => Math.max(...rows.map((row) => row[i]?.length ?? 0)));
  const lines = rows.map((row) =>
    row
      .map((cell, i) => (i === 0 ? cell.padEnd(widths[i] ?? 0) : cell.padStart(widths[i] ?? 0)))
      .join('   ')
      .trimEnd(),
  );
  process.stdout.write(`${[title, ...lines].join('\n')}\n\n`);
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? upper) + upper) / 2;
}

export function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

export function seconds(value: number): string {
  return `${value.toFixed(value < 10 ? 3 : 1)} s`;
}

export function gigabytes(bytes: number): string {
  return bytes > 0 ? `${(bytes / 1e9).toFixed(2)} GB` : '-';
}

/** A rate with thousands set off. */
export function rate(value: number): string {
  return Number(value.toPrecision(3)).toLocaleString('en');
}

/** Ours over theirs; a dash for the side itself. */
export function ratio(ours: number | undefined, theirs: number): string {
  return ours === undefined || !(theirs > 0) ? '-' : (ours / theirs).toFixed(2);
}

export function percent(share: number): string {
  return `${(100 * share).toFixed(1)} %`;
}
