/** A column of a table: texts to the left, numbers to the right. */
export type Alignment = 'left' | 'right';

/** Rows of cells as aligned lines, two spaces between columns. Columns beyond `alignments` are aligned right. */
export function table(rows: readonly (readonly string[])[], alignments: readonly Alignment[]): string {
  const columns = Math.max(0, ...rows.map((row) => row.length));
  const widths = Array.from({ length: columns }, (_, j) => Math.max(...rows.map((row) => displayWidth(row[j] ?? ''))));
  return rows
    .map((row) =>
      row
        .map((cell, j) => pad(cell, widths[j] ?? 0, alignments[j] ?? 'right'))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

/** 0.1234 as "12.3 %". */
export function percent(share: number): string {
  return `${(100 * share).toFixed(1)} %`;
}

/** A number with thousands separated and no decimals. */
export function quantity(value: number): string {
  return Number.isFinite(value) ? Math.round(value).toLocaleString('en-US') : '?';
}

/** Units a second, once there is more than the first step to tell it by. */
export function speed(unitsPerSecond: number, unit = 'tokens'): string[] {
  return unitsPerSecond > 0 ? [`${quantity(unitsPerSecond)} ${unit}/s`] : [];
}

/** Seconds as "45s", "3m 05s" or "2h 07m". */
export function duration(seconds: number): string {
  if (!Number.isFinite(seconds)) return '?';
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole}s`;
  const two = (value: number) => String(value).padStart(2, '0');
  if (whole < 3600) return `${Math.floor(whole / 60)}m ${two(whole % 60)}s`;
  return `${Math.floor(whole / 3600)}h ${two(Math.floor((whole % 3600) / 60))}m`;
}

/** A horizontal bar of `share` × `width` cells, in eighths of a cell. */
export function bar(share: number, width: number): string {
  const eighths = Math.round(Math.min(1, Math.max(0, share)) * width * 8);
  const rest = eighths % 8;
  return '█'.repeat(Math.floor(eighths / 8)) + (rest > 0 ? String.fromCodePoint(0x2590 - rest) : '');
}

/** A text from a file with control characters shown as "?", so that it cannot steer the terminal. */
export function printable(text: string): string {
  return text.replace(/\p{Cc}/gu, '?');
}

/** At most `length` characters, with "…" for what was cut. */
export function shortened(text: string, length: number): string {
  const characters = [...text];
  return characters.length <= length ? text : `${characters.slice(0, length - 1).join('')}…`;
}

function pad(cell: string, width: number, alignment: Alignment): string {
  const space = ' '.repeat(Math.max(0, width - displayWidth(cell)));
  return alignment === 'left' ? cell + space : space + cell;
}

/** Cells that a text takes on a terminal: two for each wide East Asian character. */
function displayWidth(text: string): number {
  let width = 0;
  for (const character of text) width += wide.test(character) ? 2 : 1;
  return width;
}

const wide = /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}\u3000-\u303f\uff01-\uff60]/u;
