import { existsSync } from 'node:fs';
import { UsageError } from '../core/errors.ts';
import { decoded, schemeOf, withoutSecrets } from '../remote/address.ts';

/** A table of a database, or what a query of its own gives. */
export interface DatabaseSource {
  readonly kind: 'database';
  readonly scheme: 'postgres' | 'mysql' | 'sqlite';
  /** The address, or the file of SQLite, as DuckDB takes it: with the password that may be in it. */
  readonly connection: string;
  readonly table?: string;
  /** In the database's own SQL. */
  readonly query?: string;
  /** For messages. */
  readonly name: string;
}

const sqliteFile = /^(.+?\.(?:sqlite3?|db3?))(?:\?(.*))?$/is;

/**
 * What an address or a file of SQLite names: `postgres://user@host/database?table=messages`, `mysql://…`,
 * `file.sqlite?query=SELECT …`; undefined for what is no database.
 *
 * @throws UsageError for an address with both, or with one that is empty
 */
export function databaseSource(text: string): DatabaseSource | undefined {
  const scheme = schemeOf(text);
  const [, file, asked = ''] = scheme === undefined ? (sqliteFile.exec(text) ?? []) : [];
  if (scheme !== 'postgres' && scheme !== 'mysql' && file === undefined) return undefined;
  // A query takes all that follows: it may hold whatever an address may.
  const [, before = text, said] = /^(.*?)[?&]query=(.*)$/is.exec(text) ?? [];
  const table = /[?&]table=([^&]*)/i.exec(before)?.[1];
  const shown = withoutSecrets(text);
  if (table !== undefined && said !== undefined) throw new UsageError(`${shown}: give table= or query=, not both`);
  if (table === '' || (said !== undefined && written(said) === ''))
    throw new UsageError(`${shown} names nothing to read: write ?table=NAME or ?query=SELECT …`);
  if (file !== undefined && asked !== '' && table === undefined && said === undefined) return undefined;
  const connection = file ?? before.replace(/([?&])table=[^&]*(&|$)/i, (_, start, end) => (end === '&' ? start : ''));
  return {
    ...{ kind: 'database', scheme: file === undefined && scheme === 'mysql' ? 'mysql' : file ? 'sqlite' : 'postgres' },
    connection: connection.replace(/^mariadb:/i, 'mysql:'),
    table: table === undefined ? undefined : decoded(table),
    query: said === undefined ? undefined : written(said),
    name: shown,
  };
}

/** Without the file of SQLite there is nothing to attach: DuckDB would make it. */
export function isMissingFile({ scheme, connection }: DatabaseSource): boolean {
  return scheme === 'sqlite' && !existsSync(connection);
}

/** As it stands, or percent-encoded as programs write it: then there is no space in it. */
function written(query: string): string {
  const text = /\s/.test(query) ? query : decoded(query.replaceAll('+', ' '));
  return text.trim().replace(/[;\s]+$/, '');
}
