import { BertuneError, messageOf, UsageError } from '../core/errors.ts';
import { nearestName } from '../core/suggest.ts';
import { messageWithoutSecrets, passwordsOf, withoutSecrets } from '../remote/address.ts';
import type { DatabaseSource } from './databaseSource.ts';
import { type Database, identifier, quoted } from './duckdb.ts';
import { type ExtensionName, loadExtension } from './extensions.ts';
import { openRelation, type Table } from './table.ts';

const extensions: Readonly<Record<DatabaseSource['scheme'], ExtensionName>> = {
  postgres: 'postgres_scanner',
  mysql: 'mysql_scanner',
  sqlite: 'sqlite_scanner',
};

/**
 * Attaches a database, to be read only, and opens the table or query that a source names.
 *
 * @throws UsageError for a missing extension, a refused password, a table that is not there; BertuneError without an answer
 */
export async function openDatabase(source: DatabaseSource, index: number, database: Database): Promise<Table> {
  const { scheme, query } = source;
  await loadExtension(extensions[scheme], database);
  const alias = `remote${index}`;
  const failure = (error: unknown) => databaseFailure(error, source);
  await attach(source, alias, database).catch((error: unknown) => Promise.reject(failure(error)));
  if (query !== undefined) {
    const asked = `${scheme}_query(${quoted(alias)}, ${quoted(query)})`;
    try {
      return await openRelation(scheme === 'sqlite' ? await copied(asked, alias, database) : asked, database);
    } catch (error) {
      throw failure(error);
    }
  }
  let named = source.table;
  try {
    named ??= await onlyTable(source, alias, database);
    return await openRelation(`${alias}.${tableName(named)}`, database);
  } catch (error) {
    if (named === undefined || !/Catalog Error|Binder Error: Catalog/.test(messageOf(error))) throw failure(error);
    throw missingTable(named, await tablesOf(alias, database), source);
  }
}

/** SQLite's answers cannot be read piece by piece: they are copied to disk. @returns the copy */
async function copied(relation: string, alias: string, database: Database): Promise<string> {
  const copy = `${alias}_copy`;
  await database.all(`ATTACH ${quoted(database.newFile())} AS ${copy}`);
  await database.all(`CREATE TABLE ${copy}.answer AS FROM ${relation}`);
  return `${copy}.answer`;
}

/** What went wrong with a database, in one line without secrets. */
export function databaseFailure(error: unknown, source: DatabaseSource): BertuneError {
  if (error instanceof BertuneError) return error;
  const { name, scheme, connection } = source;
  const [whole = ''] = messageOf(error)
    .split('\n')
    .filter((line) => line.trim() !== '');
  let named = whole.replaceAll(connection, withoutSecrets(connection));
  // The driver may say it in a form of its own.
  for (const password of passwordsOf(connection)) named = named.replaceAll(password, '***');
  const said = messageWithoutSecrets(named);
  const cause = said
    .replace(/^[\w ]+ Error: /, '')
    .replace(/^(Unable to connect|Failed to connect) to .*?": /, '')
    .replace(/^Failed to prepare (?:MySQL query|query|COPY) ".*": (?:ERROR: +)?/, '')
    .replace(/^.* failed: (?:FATAL: +)?/, '')
    .replace(/\. Attempted host: .*$/, '');
  const env = scheme === 'mysql' ? 'MYSQL_PWD' : 'PGPASSWORD or ~/.pgpass';
  if (
    /password authentication failed|access denied for user .*using password|no password supplied|pgpass/i.test(cause)
  ) {
    return new UsageError(`${name}: the server takes no such user or password (${cause}); set ${env}`);
  }
  if (
    /connection refused|could not translate|can't connect|timeout|timed out|unknown .*host|no route|server has gone|lost connection|closed the connection/i.test(
      cause,
    )
  ) {
    return new BertuneError(`${name}: no connection (${cause}); check host and port, and whether the server runs`);
  }
  if (scheme === 'sqlite' && /not a database/.test(cause)) return new BertuneError(`${name} is no SQLite database`);
  return new UsageError(`${name}: ${cause}`);
}

async function attach({ scheme, connection }: DatabaseSource, alias: string, database: Database): Promise<void> {
  const to = (address: string) => database.all(`ATTACH ${quoted(address)} AS ${alias} (TYPE ${scheme}, READ_ONLY)`);
  if (scheme !== 'postgres') {
    await to(connection);
    return;
  }
  const hurried = process.env.PGCONNECT_TIMEOUT ? connection : withParameter(connection, 'connect_timeout', '10');
  try {
    // A table that others read, too, would otherwise begin somewhere in its middle.
    await to(withParameter(hurried, 'options', '-csynchronize_seqscans%3Doff'));
  } catch (error) {
    // Poolers take no options.
    if (!/unsupported startup parameter/i.test(messageOf(error))) throw error;
    await to(hurried);
  }
}

function withParameter(address: string, name: string, value: string): string {
  if (new RegExp(`[?&]${name}=`).test(address)) return address;
  return `${address}${address.includes('?') ? '&' : '?'}${name}=${value}`;
}

/** The table to read where none is named. @throws UsageError when there is not just one */
async function onlyTable(source: DatabaseSource, alias: string, database: Database): Promise<string> {
  const tables = await tablesOf(alias, database);
  const [only] = tables;
  if (only !== undefined && tables.length === 1) return only;
  const named = tables.length === 0 ? 'it has no tables' : `it has ${listed(tables)}`;
  throw new UsageError(`${source.name} does not say what to read: add ?table=NAME or ?query=SELECT …; ${named}`);
}

function missingTable(name: string, tables: readonly string[], source: DatabaseSource): UsageError {
  const nearest = nearestName(name, tables);
  const hint = nearest === undefined ? `it has ${listed(tables)}` : `did you mean ${nearest}?`;
  return new UsageError(`${source.name} has no table ${name}; ${tables.length === 0 ? 'it has none' : hint}`);
}

/** Names of the tables and views, with their schema where it is not the usual one. */
async function tablesOf(alias: string, database: Database): Promise<string[]> {
  const rows = await database.all(
    `SELECT schema_name, table_name AS name FROM duckdb_tables() WHERE database_name = ${quoted(alias)}
     UNION ALL SELECT schema_name, view_name FROM duckdb_views() WHERE database_name = ${quoted(alias)}`,
  );
  const own = rows
    .map(([schema, name]) => [String(schema), String(name)] as const)
    .filter(([schema]) => !/^(information_schema|pg_\w+|mysql|sys|performance_schema)$/i.test(schema));
  const schemas = new Set(own.map(([schema]) => schema));
  const isUsual = (schema: string) => schemas.size === 1 || schema === 'public' || schema === 'main';
  return own.map(([schema, name]) => (isUsual(schema) ? name : `${schema}.${name}`)).sort();
}

function listed(names: readonly string[]): string {
  return names.length > 8 ? `${names.slice(0, 7).join(', ')} and ${names.length - 7} more` : names.join(', ');
}

/** `messages`, `schema.messages`, and either part in double quotes. */
function tableName(text: string): string {
  const parts = text.match(/"(?:[^"]|"")*"|[^."]+/g) ?? [text];
  return parts.map((part) => (part.startsWith('"') ? part : identifier(part))).join('.');
}
