import { closeSync, openSync, readSync } from 'node:fs';
import { constants, gunzipSync } from 'node:zlib';
import { BertuneError, messageOf, UsageError } from '../core/errors.ts';
import { readError } from '../core/files.ts';
import { formatBytes } from '../core/memory.ts';
import { type Message, type Origin, say } from '../core/message.ts';
import { headOfObject } from '../remote/objects.ts';
import { labelNames, textNames } from './columns.ts';
import { csvHeader } from './csv.ts';
import { encodingOf } from './encoding.ts';
import { type Content, contentOf } from './fileContent.ts';
import type { FileSource, Format } from './fileNames.ts';
import type { TableFile } from './table.ts';
import { headBytes, lineAt, repairText, scanText, type TextScan } from './utf8.ts';

/** A file ready for DuckDB. */
export interface OpenedFile {
  readonly file: TableFile;
  /** Of what is text: `UTF-16LE with a byte order mark`. */
  readonly encoding?: string;
  /** How many U+FFFD stand for bytes that were not UTF-8. */
  readonly invalidUtf8: number;
  /** What to say where the file is not what its name says. */
  readonly note?: Message;
}

/**
 * Looks at what a file holds, whatever its name says, and makes it one that DuckDB can read: plain UTF-8, or gzip of
 * it, or Parquet.
 *
 * @param repairedPath where the text is written anew when it cannot be read as it is
 * @returns undefined for a file that holds nothing, as rotated logs often do
 * @throws BertuneError for what is no text; UsageError for what cannot be read
 */
export async function openFile(
  source: FileSource,
  repairedPath: string,
  flag: Origin,
): Promise<OpenedFile | undefined> {
  const { path, content: file = path } = source;
  try {
    const head = headOf(file);
    if (head.length === 0) return undefined;
    const content = contentOf(head);
    refuseOther(content, path, source.format, flag);
    const isParquet = content.kind === 'parquet';
    if (source.format === 'parquet' && !isParquet)
      throw new BertuneError(
        say`${flag}: ${path} is no Parquet file: it does not start as one; give it its own ending`,
      );
    if (!isParquet) return await openText(source, head, repairedPath, flag);
    const note = source.format === 'parquet' ? undefined : say`${flag}: ${path} is read as the Parquet file that it is`;
    return {
      file: { path: file, format: 'parquet', gzip: false, head: '', isWhole: false, longestLine: 0 },
      invalidUtf8: 0,
      note,
    };
  } catch (error) {
    throw readFailure(error, path, flag);
  }
}

/** A Parquet file read where it lies; undefined for what does not start as one. */
export async function openInPlace({ remote, path }: FileSource): Promise<TableFile | undefined> {
  if (!remote || contentOf(await headOfObject(remote, 4)).kind !== 'parquet') return undefined;
  const address = remote.scheme === 's3' ? path : remote.address;
  return { path: address, isRemote: true, format: 'parquet', gzip: false, head: '', isWhole: false, longestLine: 0 };
}

/** @throws BertuneError where a file is of a known kind that holds no texts as it is */
export async function refuseKnown(path: string, flag: Origin): Promise<void> {
  try {
    refuseOther(contentOf(headOf(path)), path, 'text', flag);
  } catch (error) {
    throw readFailure(error, path, flag);
  }
}

/** Whether a file whose name says nothing holds text, by its beginning; an empty one counts. */
export async function holdsText({ path, remote }: Pick<FileSource, 'path' | 'remote'>, flag: Origin): Promise<boolean> {
  try {
    const start = remote ? await headOfObject(remote, headBytes) : headOf(path);
    const head = contentOf(start).kind === 'gzip' ? unpackedHead(start) : start;
    return contentOf(head).kind === 'text' && (!head.includes(0) || encodingOf(head).encoding !== 'utf-8');
  } catch (error) {
    throw readFailure(error, path, flag);
  }
}

async function openText(
  source: FileSource,
  head: Buffer,
  repairedPath: string,
  flag: Origin,
): Promise<OpenedFile | undefined> {
  const { path, content: stored = path, format } = source;
  const gzip = contentOf(head).kind === 'gzip';
  const whole = !gzip && head.length < headBytes ? head : undefined;
  const scan = await scanText(stored, gzip, whole, (bytes) => {
    const inner = contentOf(bytes);
    if (gzip && (inner.kind === 'gzip' || inner.kind === 'parquet'))
      throw new BertuneError(say`${flag}: ${path} has ${inner.kind} inside of gzip; unpack it once`);
    refuseOther(inner, path, format, flag);
  });
  if (scan.blank) return undefined;
  // A JSON document may be one line, however many records it holds.
  if (format !== 'json' && scan.longestLine > longestText) {
    const most = formatBytes(longestText);
    throw new BertuneError(say`${flag}: ${path} has a line of more than ${most}; put each text on a line of its own`);
  }
  const { encoding, isMarked } = scan.encoding;
  if (scan.zeroAt !== undefined) throw await zeroError(source, gzip, scan.zeroAt, flag);
  const isDocument = format === 'jsonl' && /^\s*(\[\s*\{|[[{]\s*\n)/.test(scan.head);
  const isWide = encoding !== 'utf-8';
  const notes = [
    ...(gzip === source.gzip ? [] : [gzip ? 'is gzip, and unpacked' : 'is no gzip file, and read as it is']),
    ...(isWide && !isMarked ? [`is read as ${encoding.toUpperCase()}, without a byte order mark that says so`] : []),
    ...(isDocument ? ['is read as the JSON document that it is'] : []),
    ...(format === 'text' ? tableNotes(scan.head) : []),
  ];
  const note = notes.length > 0 ? say`${flag}: ${path} ${notes.join('; it ')}` : undefined;
  const name = `${encoding.toUpperCase()}${isMarked ? ' with a byte order mark' : ''}`;
  // DuckDB's JSON reader, unlike its CSV reader, stumbles over the mark.
  const isReadable = scan.valid && !(isMarked && (format === 'json' || format === 'jsonl'));
  const text = { format: isDocument ? 'json' : format, head: scan.head, isWhole: scan.isWhole } as const;
  if (isReadable && !(gzip && hasRareHeader(head))) {
    return {
      file: { path: stored, gzip, ...text, longestLine: scan.longestLine },
      encoding: name,
      invalidUtf8: 0,
      note,
    };
  }
  const { replaced, blank, longestLine } = await repairText(stored, gzip, encoding, repairedPath);
  if (blank) return undefined;
  refuseNoise(replaced, scan, source, flag);
  const file = { path: repairedPath, gzip: false, ...text, longestLine };
  return { file, encoding: name, invalidUtf8: replaced, note };
}

/** What there is to say of lines that are rather the rows of a table, by a header that tells. */
function tableNotes(head: string): string[] {
  const { names, delimiter } = csvHeader(head);
  if (names.length < 2 || !names.some((name) => [...textNames, ...labelNames].includes(name.trim().toLowerCase()))) {
    return [];
  }
  const ending = delimiter === '\t' ? '.tsv' : '.csv';
  return [
    `looks like a table (${names.slice(0, 4).join(', ')}), and is read as lines of text; name it ${ending} if it is one`,
  ];
}

/** The first bytes of a file, or all of a small one. */
function headOf(path: string): Buffer {
  // At once rather than in turn with others: of thousands of small files, waiting takes longer than reading.
  const file = openSync(path, 'r');
  try {
    const head = Buffer.allocUnsafe(headBytes);
    let read = 0;
    for (let more = 1; more > 0 && read < head.length; read += more) {
      more = readSync(file, head, read, head.length - read, read);
    }
    return head.subarray(0, read);
  } finally {
    closeSync(file);
  }
}

/** As far as the beginning of a gzip file unpacks; nothing of a damaged one. */
function unpackedHead(head: Buffer): Buffer {
  try {
    return gunzipSync(head, { finishFlush: constants.Z_SYNC_FLUSH });
  } catch {
    return Buffer.alloc(0);
  }
}

/** Whether a gzip header has parts that DuckDB does not read: a checksum of its own, extra fields, a comment. */
function hasRareHeader(head: Buffer): boolean {
  const name = 0x08;
  return ((head[3] ?? 0) & ~name) !== 0;
}

function refuseOther(content: Content, path: string, format: Format, flag: Origin): void {
  if (content.kind === 'other') throw new BertuneError(say`${flag}: ${path} is ${content.title}; ${content.wayOut}`);
  // Lines of text may be those of a page; a table never is one.
  if (content.kind === 'page' && format !== 'text')
    throw new BertuneError(say`${flag}: ${path} is a web page; get the file itself, not a page about it`);
}

async function zeroError(
  { path, content = path }: FileSource,
  gzip: boolean,
  zeroAt: number,
  flag: Origin,
): Promise<BertuneError> {
  const line = await lineAt(content, gzip, zeroAt);
  return new BertuneError(
    say`${flag}: ${path} is no text as it stands: line ${line} holds zero bytes; save it as UTF-8, or remove them (tr -d '\\000')`,
  );
}

/** Bytes of the longest line that is read: of more, DuckDB and Node cannot make one text. */
const longestText = 250e6;

/** Fewer than this may be a name or two in another encoding. */
const fewReplaced = 100;

function refuseNoise(replaced: number, { size, encoding }: TextScan, { path }: FileSource, flag: Origin): void {
  const share = replaced / (encoding.encoding === 'utf-8' ? size : size / 2);
  if (replaced < fewReplaced || share < 0.5) return;
  throw new BertuneError(
    say`${flag}: ${path} is not UTF-8: ${Math.round(share * 100)}% of its bytes cannot be read as such; convert it from its own encoding, as with iconv -f WINDOWS-1251 -t UTF-8`,
  );
}

function readFailure(error: unknown, path: string, flag: Origin): unknown {
  if (error instanceof BertuneError) return error;
  const isZlib = error instanceof Error && 'code' in error && String(error.code).startsWith('Z_');
  if (isZlib) return new BertuneError(say`${flag}: ${path} is not a whole gzip file (${messageOf(error)})`);
  const reason = readError(path, error);
  return reason instanceof BertuneError ? new UsageError(say`${flag}: ${reason.line}`) : reason;
}
