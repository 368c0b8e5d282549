import { open, readFile, writeFile } from 'node:fs/promises';
import { BertuneError, messageOf, UsageError } from '../core/errors.ts';

/** Most bytes of a workbook's parts together: all of it is in memory at once. */
const mostBytes = 1e9;

/** What a cell holds. */
type Cell = string | number | boolean | Date | null;

interface Sheet {
  readonly name: string;
  /** Those that are not empty, the header first. */
  readonly rows: readonly (readonly Cell[])[];
}

/**
 * Writes the rows of an .xlsx workbook as CSV: numbers and dates as the workbook holds them, not as it shows them. Sheets
 * with the same columns are read one after the other.
 *
 * @param sheet name of the one that is meant; without it, all that hold rows have to have the same columns
 * @returns false for a workbook that holds nothing
 * @throws UsageError for a sheet to name, BertuneError for a file that is no workbook or too large
 */
export async function workbookToCsv(path: string, sheet: string | undefined, target: string): Promise<boolean> {
  await checkSize(path);
  const sheets = chosenSheets(await readSheets(path), sheet, path);
  if (sheets.length === 0) return false;
  const lines = sheets.flatMap(({ rows }, i) => rows.slice(i === 0 ? 0 : 1));
  const width = Math.max(...lines.map((row) => row.length));
  await writeFile(target, lines.map((row) => csvLine(row, width)).join(''));
  return true;
}

function chosenSheets(sheets: readonly Sheet[], wanted: string | undefined, path: string): readonly Sheet[] {
  const named = (list: readonly Sheet[]) => list.map(({ name }) => name).join(', ');
  if (wanted !== undefined) {
    const found = sheets.filter(({ name }) => name === wanted);
    if (found.length > 0) return found.filter(({ rows }) => rows.length > 0);
    throw new UsageError(`${path} has no sheet ${wanted}; it has: ${named(sheets)}`);
  }
  const filled = sheets.filter(({ rows }) => rows.length > 0);
  const columns = new Set(filled.map(({ rows: [header = []] }) => JSON.stringify(header)));
  if (columns.size <= 1) return filled;
  throw new UsageError(
    `${path} has sheets with different columns (${named(filled)}); name the one that is meant: ${path}:${filled[0]?.name}`,
  );
}

async function readSheets(path: string): Promise<Sheet[]> {
  try {
    // Loaded when a workbook is read: every other command does without.
    const { default: readWorkbook } = await import('read-excel-file/node');
    const sheets = await readWorkbook(await readFile(path), { trim: false });
    return sheets.map(({ sheet, data }) => ({ name: sheet, rows: (data as Cell[][]).filter(holdsSomething) }));
  } catch (error) {
    throw new BertuneError(
      `${path} cannot be read as an .xlsx workbook (${messageOf(error)}); save it anew as .xlsx, without a password, or as .csv`,
    );
  }
}

function holdsSomething(row: readonly Cell[]): boolean {
  return row.some((cell) => cell !== null && cell !== '');
}

function csvLine(row: readonly Cell[], width: number): string {
  return `${Array.from({ length: width }, (_, i) => csvValue(row[i] ?? null)).join(',')}\n`;
}

function csvValue(cell: Cell): string {
  if (cell === null || cell === '') return '';
  if (typeof cell === 'string') return `"${cell.replaceAll('"', '""')}"`;
  if (cell instanceof Date) return dateText(cell);
  // As many digits as a workbook shows at most: 0.1 + 0.2 is 0.3 there.
  return typeof cell === 'number' ? String(Number(cell.toPrecision(15))) : String(cell);
}

/** Dates and times of a workbook know no time zone. */
function dateText(date: Date): string {
  if (Number.isNaN(date.getTime())) return '';
  const [day = '', time = ''] = date.toISOString().split(/[TZ]/);
  return time === '00:00:00.000' ? day : `${day} ${time.replace(/\.000$/, '')}`;
}

/** @throws BertuneError for a file that is no zip archive, or one that grows beyond all bounds */
async function checkSize(path: string): Promise<void> {
  const file = await open(path);
  try {
    const { size } = await file.stat();
    // The directory of a zip archive stands at its end, its place and length in a record behind it.
    const end = Buffer.alloc(Math.min(size, 66_000));
    await file.read(end, 0, end.length, size - end.length);
    const record = end.lastIndexOf('PK\x05\x06', undefined, 'latin1');
    if (record < 0) {
      throw new BertuneError(`${path} is no .xlsx workbook; save it anew as .xlsx, without a password, or as .csv`);
    }
    const directory = Buffer.alloc(Math.min(end.readUInt32LE(record + 12), 16 << 20));
    await file.read(directory, 0, directory.length, end.readUInt32LE(record + 16));
    let bytes = 0;
    for (let at = 0; at + 46 <= directory.length && directory.readUInt32LE(at) === 0x02014b50; ) {
      bytes += directory.readUInt32LE(at + 24);
      at += 46 + directory.readUInt16LE(at + 28) + directory.readUInt16LE(at + 30) + directory.readUInt16LE(at + 32);
    }
    if (bytes <= mostBytes) return;
    throw new BertuneError(
      `${path} holds ${Math.round(bytes / 1e6)} MB, and a workbook is read up to ${mostBytes / 1e6} MB; save it as .csv`,
    );
  } finally {
    await file.close();
  }
}
