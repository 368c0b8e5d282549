import { readFileSync } from 'node:fs';
import type { ZodType } from 'zod';
import { BertuneError, messageOf, UsageError } from './errors.ts';
import { errorCode, readError, writeFileAtomic } from './files.ts';

/** A JSON object as it stands in a file. */
export type JsonObject = Readonly<Record<string, unknown>>;

/**
 * A kind of JSON file of bertune's own. Each holds the version of its format; one without a version counts as version 1.
 * What an older version wrote is brought up to date step by step when it is read; what a newer one wrote is refused.
 */
export interface DocumentFormat<T> {
  /** The content of the present version, its version left out. */
  readonly schema: ZodType<T>;
  /** Each makes the content of the next version of that of one; the first takes what `oldest` wrote. */
  readonly migrations: readonly ((content: JsonObject) => JsonObject)[];
  /** The oldest version that can be read; 1 when absent. */
  readonly oldest?: number;
  /** Key of the version; `format` when absent. */
  readonly versionKey?: string;
  /** Throws where a file of this name and version is something else; called before it is migrated and checked. */
  readonly recognize?: (content: JsonObject, file: string) => void;
}

/** A file of a version that this program does not know: it is left as it is. */
export class NewerFormatError extends UsageError {}

/** A file that says nothing that can be used. */
export class DamagedDocumentError extends BertuneError {}

/**
 * The content of a file of bertune's own; undefined when there is none.
 *
 * @throws NewerFormatError; DamagedDocumentError naming file and key; UsageError when it cannot be read or is too old
 */
export function readDocument<T>(file: string, format: DocumentFormat<T>): T | undefined {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes(errorCode(error) ?? '')) return undefined;
    throw readError(file, error);
  }
  return parseDocument(text, file, format);
}

/** The same of a file's text. @param file names it in errors */
export function parseDocument<T>(text: string, file: string, format: DocumentFormat<T>): T {
  const raw = parseObject(text, file);
  const version = checkedVersion(raw, file, format);
  format.recognize?.(raw, file);
  const { [keyOf(format)]: _, ...content } = raw;
  return checked(migrated(content, version, file, format), file, format.schema);
}

/** Writes a file of bertune's own, with the present version of its format. Throws what `writeFileAtomic` throws. */
export function writeDocument(file: string, format: VersionRange, content: object): Promise<void> {
  return writeFileAtomic(file, documentText(format, content));
}

/** What `writeDocument` writes. */
export function documentText(format: VersionRange, content: object): string {
  return `${JSON.stringify({ ...versionKey(format), ...content }, null, 2)}\n`;
}

/** The present version under its key, for what is written in another way. */
export function versionKey(format: VersionRange): JsonObject {
  return { [keyOf(format)]: versionOf(format) };
}

/** The version that this program writes. */
export function versionOf({ oldest = 1, migrations }: VersionRange): number {
  return oldest + migrations.length;
}

/** What tells which versions of a format can be read. */
export type VersionRange = Pick<DocumentFormat<unknown>, 'migrations' | 'oldest' | 'versionKey'>;

/**
 * The version that a file says it is of.
 *
 * @throws NewerFormatError; UsageError when it is too old to be read; DamagedDocumentError when it is no version
 */
export function checkedVersion(content: JsonObject, file: string, format: VersionRange): number {
  const key = keyOf(format);
  const { [key]: found = 1 } = content;
  const [oldest, newest] = [format.oldest ?? 1, versionOf(format)];
  if (typeof found !== 'number' || !Number.isInteger(found) || found < 1) {
    throw damaged(file, `${key} is ${JSON.stringify(found)}, not a whole number from 1`);
  }
  if (found > newest) {
    throw new NewerFormatError(
      `${file} was written by a newer version of bertune (format ${found}; this one reads up to ${newest}); update bertune`,
    );
  }
  if (found < oldest) {
    throw new UsageError(
      `${file} was written by a version of bertune too old to be read (format ${found}; this one reads from ${oldest}); make it anew`,
    );
  }
  return found;
}

/** @throws DamagedDocumentError */
export function parseObject(text: string, file: string): JsonObject {
  try {
    const value: unknown = JSON.parse(text);
    if (isObject(value)) return value;
  } catch {}
  throw damaged(file, 'it is no JSON object');
}

function migrated(content: JsonObject, version: number, file: string, format: VersionRange): JsonObject {
  try {
    return format.migrations.slice(version - (format.oldest ?? 1)).reduce((old, migrate) => migrate(old), content);
  } catch (error) {
    throw damaged(file, `its format ${version} cannot be brought up to date: ${messageOf(error)}`);
  }
}

function checked<T>(content: JsonObject, file: string, schema: ZodType<T>): T {
  const { success, data, error } = schema.safeParse(content);
  if (success) return data;
  const { path = [], message = '' } = error.issues[0] ?? {};
  const found = path.reduce<unknown>((value, key) => Object(value)[key], content);
  throw damaged(file, `${path.join('.')} ${found === undefined ? 'is missing' : `cannot be used (${message})`}`);
}

function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function keyOf(format: VersionRange): string {
  return format.versionKey ?? 'format';
}

function damaged(file: string, reason: string): DamagedDocumentError {
  return new DamagedDocumentError(`${file} is damaged: ${reason}`);
}
