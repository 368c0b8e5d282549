import { writeFileSync } from 'node:fs';
import { randomUnit } from '../../src/core/random.ts';

/** Writes rows as CSV with a header and gives the path. */
export function writeCsv(
  path: string,
  header: readonly string[],
  rows: readonly (readonly (number | string)[])[],
): string {
  writeFileSync(path, `${[header, ...rows].map((row) => row.join(',')).join('\n')}\n`);
  return path;
}

/** A series of two columns, each a sum of sines of its own periods, with a little noise. */
export function sines(rows: number): number[][] {
  const wave = (t: number, period: number) => Math.sin((2 * Math.PI * t) / period);
  return Array.from({ length: rows }, (_, t) => [
    20 + 3 * wave(t, 12) + 2 * wave(t, 5) + 0.1 * randomUnit(3, 'sample', t, 0),
    -400 + 100 * wave(t, 9) + 50 * wave(t + 2, 20) + randomUnit(3, 'sample', t, 1),
  ]);
}

/** Rows of five columns that two hidden numbers decide, in scales far apart. */
export function curvedRows(rows: number): number[][] {
  return Array.from({ length: rows }, (_, row) => {
    const [a, b] = [2 * randomUnit(4, 'sample', row, 0) - 1, 2 * randomUnit(4, 'sample', row, 1) - 1];
    return [a, 1000 * b, a * b, 50 + a * a, Math.sin(3 * b)];
  });
}
