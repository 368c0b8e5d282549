import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { UsageError } from '../../src/core/errors.ts';
import { workbookToCsv } from '../../src/data/workbook.ts';
import { temporaryFolder } from '../temporary.ts';
import { readAll, textsOf } from './files.ts';

const at = (name: string) => fileURLToPath(new URL(`../fixtures/workbooks/${name}`, import.meta.url));
const folder = temporaryFolder();

test('cells come as the workbook holds them, and empty rows are none', async () => {
  const target = join(folder, 'values.csv');
  expect(await workbookToCsv(at('values.xlsx'), undefined, target)).toBe(true);
  expect(readFileSync(target, 'utf8')).toBe(
    [
      '"id","text","when","amount","paid","label"',
      '"007"," Größe ""XL"", bitte\nzweite Zeile; 你好 👍",2024-01-05,0.3,true,"size"',
      '"008","where is my parcel",2024-01-05 13:45:10,1e+21,false,"parcel"',
      '9,,,12,,"parcel"',
      '10,,,-0.5,,3',
      '',
    ].join('\n'),
  );
  const { rows, columns } = await readAll(at('values.xlsx'), { needLabel: true });
  expect(columns).toEqual(['id', 'text', 'when', 'amount', 'paid', 'label']);
  expect(rows).toEqual([
    { id: '007', text: ' Größe "XL", bitte\nzweite Zeile; 你好 👍', label: 'size' },
    { id: '008', text: 'where is my parcel', label: 'parcel' },
    { id: 9, text: '', label: 'parcel' },
    { id: 10, text: '', label: '3' },
  ]);
});

test('sheets with the same columns are read one after the other; of others one has to be named', async () => {
  const months = ['where is my order', 'the parcel is late', 'i want my money back'];
  expect(await textsOf(at('months.xlsx'))).toEqual(months);
  expect(await textsOf(`${at('months.xlsx')}:February`)).toEqual(months.slice(2));
  const book = at('different.xlsx');
  await expect(textsOf(book)).rejects.toThrow(
    new UsageError(
      `--corpus: ${book} has sheets with different columns (Data, Notes); name the one that is meant: ${book}:Data`,
    ),
  );
  expect(await textsOf(`${book}:Data`)).toEqual(['where is my order']);
  await expect(textsOf(`${book}:data`)).rejects.toThrow(
    new UsageError(`--corpus: ${book} has no sheet data; it has: Data, Notes`),
  );
  await expect(textsOf(at('empty.xlsx'))).rejects.toThrow(`${at('empty.xlsx')} is empty`);
  // A folder of them is read as one of other files.
  expect(await textsOf([at('months.xlsx'), `${book}:Data`])).toEqual([...months, 'where is my order']);
});

test('what is no workbook, or grows beyond bounds, is refused with a way out', async () => {
  const path = join(folder, 'a.xlsx');
  const refusal = async (bytes: string | Buffer) => {
    writeFileSync(path, bytes);
    return textsOf(path).catch((error: unknown) => String(error));
  };
  const wayOut = 'save it anew as .xlsx, without a password, or as .csv';
  expect(await refusal('id,text\n')).toBe(`BertuneError: --corpus: ${path} is no .xlsx workbook; ${wayOut}`);
  const whole = readFileSync(at('months.xlsx'));
  expect(await refusal(whole.subarray(0, whole.length / 2))).toContain(`is no .xlsx workbook; ${wayOut}`);
  const damaged = Buffer.from(whole);
  damaged.fill(7, 40, 2000);
  expect(await refusal(damaged)).toMatch(/cannot be read as an \.xlsx workbook \(.+\); save it anew as \.xlsx/);
  // One part says that it unpacks to 2 GB.
  const large = Buffer.from(whole);
  large.writeUInt32LE(2e9, large.indexOf(Buffer.from('PK\x01\x02', 'latin1')) + 24);
  expect(await refusal(large)).toMatch(/holds 2\d{3} MB, and a workbook is read up to 1000 MB; save it as \.csv/);
  for (const ending of ['xls', 'xlsb', 'ods']) {
    const other = join(folder, `b.${ending}`);
    writeFileSync(other, '');
    await expect(textsOf(other)).rejects.toThrow(
      new UsageError(`--corpus: ${other} is a spreadsheet of a kind that is not read; save it as .xlsx or .csv`),
    );
  }
});
