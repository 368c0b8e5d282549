import type { RemoteObject } from '../remote/objects.ts';

/** How the records of a file are written. */
export type Format = 'text' | 'csv' | 'tsv' | 'jsonl' | 'json' | 'parquet' | 'xlsx';

/** A file of records. */
export interface FileSource {
  readonly kind: 'file';
  /** As the user would write it, without secrets. */
  readonly path: string;
  /** Where it lies, when that is not on this machine. */
  readonly remote?: RemoteObject;
  /** The file with its content, when that is another than the path. */
  readonly content?: string;
  readonly format: Format;
  readonly gzip: boolean;
  /** The sheet of a workbook that is meant; absent: all of them. */
  readonly sheet?: string;
}

/** What a file's name says of it. */
export interface NamedFormat {
  /** Undefined for a name that says nothing, such as `syslog` or `part-00000`: what the file holds tells. */
  readonly format: Format | undefined;
  readonly gzip: boolean;
}

const formats: Readonly<Record<string, Format>> = {
  txt: 'text',
  text: 'text',
  log: 'text',
  md: 'text',
  markdown: 'text',
  csv: 'csv',
  psv: 'csv',
  tsv: 'tsv',
  tab: 'tsv',
  jsonl: 'jsonl',
  ndjson: 'jsonl',
  json: 'json',
  parquet: 'parquet',
  pq: 'parquet',
  xlsx: 'xlsx',
  xlsm: 'xlsx',
};

/** Whether a format is compressed by itself. */
function isBinary(format: Format | undefined): boolean {
  return format === 'parquet' || format === 'xlsx';
}

/** For messages. */
export const knownEndings = `${Object.keys(formats)
  .filter((name) => !isBinary(formats[name]))
  .map((name) => `.${name}`)
  .join(', ')} (each also .gz), .parquet, .xlsx`;

/**
 * The format that a file's name says, through the marks of rotation (`app.log.1`, `app.log-20240101.gz`, `app.log.old`);
 * undefined for a name that says something else.
 */
export function formatOfName(path: string): NamedFormat | undefined {
  const [, base = path] = /([^/\\]*)$/.exec(path) ?? [];
  const plain = unrotated(base.replace(packed, ''));
  const name = unrotated(plain.replace(packed, ''));
  const gzip = packed.test(base) || packed.test(plain);
  const ending = /\.([^.]*)$/.exec(name)?.[1]?.toLowerCase();
  if (ending === undefined) return isPlainName(name) ? { format: undefined, gzip } : undefined;
  // `app.log.old` is the log before; an old table is rather a copy of the new one.
  const isOld = ending === 'old' && /\.log\.old$/i.test(name);
  const format = isOld ? 'text' : Object.hasOwn(formats, ending) ? formats[ending] : undefined;
  return format === undefined || (isBinary(format) && gzip) ? undefined : { format, gzip };
}

/** Files that tell of a folder's others rather than hold its texts. */
export function isAboutFolder(path: string): boolean {
  const about = 'readme|licen[sc]e|copying|changelog|contributing|citation|makefile|dockerfile|_success';
  return new RegExp(`(^|[/\\\\])(${about})(\\.(md|markdown|txt|text))?$`, 'i').test(path);
}

/** Whether the name says that the file holds prose rather than records: it may stand beside tables to explain them. */
export function isProse(path: string): boolean {
  const named = formatOfName(path);
  return named !== undefined && (named.format === undefined || /\.(md|markdown)(\.gz)?$/i.test(path));
}

const packed = /\.(gz|gzip)$/i;

/** Numbers and times at a name's end: `.1`, `-20240101`, `.2024-01-01`, `.2024-01-01T10:00`, `-1704067200`. */
const rotation =
  /[.\-_](\d{1,4}|\d{6}|\d{10}|\d{13}|\d{8}([-T_.]?\d{2,10})?|\d{4}-\d{2}(-\d{2})?([-T_.]\d{2}([-:.]?\d{2}){0,2})?)$/;

function unrotated(name: string): string {
  const shorter = name.replace(rotation, '');
  return shorter === name || shorter === '' ? name : unrotated(shorter);
}

function isPlainName(name: string): boolean {
  return name !== '' && !/~$|^#.*#$/.test(name);
}
