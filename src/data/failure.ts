import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import { createGunzip } from 'node:zlib';
import { BertuneError, messageOf } from '../core/errors.ts';
import { type Origin, say } from '../core/message.ts';
import { messageWithoutSecrets } from '../remote/address.ts';
import { firstLine } from './duckdb.ts';
import { LineEndError } from './evenLines.ts';
import { UnreadableLayoutError } from './jsonLayout.ts';
import type { TableFile } from './table.ts';

/**
 * What to throw when DuckDB fails on a file: one line that names the file and, where it can be told, the line.
 * @param name The file as the user wrote it.
 */
export async function fileFailure(error: unknown, file: TableFile, name: string, flag: Origin): Promise<BertuneError> {
  if (error instanceof BertuneError) return error;
  const message = messageOf(error);
  if (error instanceof UnreadableLayoutError) {
    return new BertuneError(say`${flag}: ${name} ${message}; write it with one object a line (.jsonl)`);
  }
  if (error instanceof LineEndError) return new BertuneError(say`${flag}: ${name} line ${error.line} ${message}`);
  const line = /CSV Error on Line: (\d+)/.exec(message)?.[1];
  if (line !== undefined)
    return new BertuneError(say`${flag}: ${name} line ${line} ${csvFault(message, Number(line))}`);
  if (file.format === 'jsonl') {
    const fault = await jsonFault(file);
    if (fault !== undefined) return new BertuneError(say`${flag}: ${name} ${fault}`);
  }
  const cause = messageWithoutSecrets(
    jsonCause(firstLine(error))
      .replace(/^[A-Za-z ]+ Error: /, '')
      .replaceAll(file.path, name),
  );
  return new BertuneError(say`${flag}: cannot read ${name}: ${cause}`);
}

function csvFault(message: string, line: number): string {
  const counts = /Expected Number of Columns: (\d+) Found: (\d+)/.exec(message);
  if (counts !== null) {
    const [header, found] = [Number(counts[1]), Number(counts[2])];
    // Titles above the header, as reports have them; and names of rows under no name, as R writes them.
    const other =
      header === 1
        ? ', and remove what stands above the header'
        : line === 2 && found === header + 1
          ? ', or give the first column a name in the header if it holds names of rows'
          : '';
    return `has ${found} columns, the header has ${header}; put values that hold a delimiter in double quotes${other}`;
  }
  if (message.includes('unterminated quote')) {
    return 'has a quote that is not closed; inside a quoted value a quote has to be doubled';
  }
  const fault = message.split('\n').find((line) => /^(Value|Maximum|Invalid|Error)/.test(line.trim()));
  return `cannot be read: ${fault?.trim() ?? 'malformed CSV'}`;
}

/** The first line that is no JSON object; DuckDB's own line numbers are off by one or more. */
async function jsonFault(file: TableFile): Promise<string | undefined> {
  const bytes = createReadStream(file.path);
  const lines = createInterface({ input: file.gzip ? bytes.pipe(createGunzip()) : bytes, crlfDelay: Infinity });
  let number = 0;
  try {
    for await (const line of lines) {
      number++;
      const fault = line.trim() === '' ? undefined : lineFault(number === 1 ? line.replace(/^\ufeff/, '') : line);
      if (fault !== undefined) return `line ${number} ${fault}`;
    }
    return undefined;
  } finally {
    lines.close();
    bytes.destroy();
  }
}

/** With the way out where a program wrote what JSON has no word for, as Python does. */
function jsonCause(message: string): string {
  const word = /Unexpected token '[NI]'.*\b(NaN|Infinity)\b/.exec(message)?.[1];
  return word === undefined ? message : `it holds ${word}, for which JSON has no word; write null`;
}

function lineFault(line: string): string | undefined {
  let hasLoneSurrogate = false;
  try {
    const value: unknown = JSON.parse(line, (_, part: unknown) => {
      if (typeof part === 'string' && /\p{Surrogate}/u.test(part)) hasLoneSurrogate = true;
      return part;
    });
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return 'is not a JSON object';
  } catch (error) {
    return `is not JSON: ${jsonCause(messageOf(error))}`;
  }
  return hasLoneSurrogate ? 'escapes half of a surrogate pair (\\ud800 to \\udfff), which is no character' : undefined;
}
