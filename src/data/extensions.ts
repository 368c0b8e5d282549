import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { messageOf, UsageError } from '../core/errors.ts';
import { type Database, firstLine, quoted } from './duckdb.ts';

/** What DuckDB reads other places with; none comes with its package. */
export type ExtensionName = 'httpfs' | 'postgres_scanner' | 'mysql_scanner' | 'sqlite_scanner';

/** An extension that is not on this machine: the message says how to get it. */
export class MissingExtensionError extends UsageError {
  override name = 'MissingExtensionError';
}

/**
 * Loads an extension from the folder that BERTUNE_EXTENSIONS names, or from where DuckDB's own INSTALL puts it. Nothing
 * is fetched.
 *
 * @throws MissingExtensionError when it is in neither; UsageError when it is of another version
 */
export async function loadExtension(name: ExtensionName, database: Database): Promise<void> {
  const { BERTUNE_EXTENSIONS: folder } = process.env;
  const [[version, platform] = []] = await database.all('SELECT version(), (SELECT platform FROM pragma_platform())');
  const file = folder ? fileIn(folder, name, String(version), String(platform)) : undefined;
  try {
    await database.all(`LOAD ${file === undefined ? name : quoted(file)}`);
  } catch (error) {
    const isMissing = file === undefined && /not found/i.test(messageOf(error));
    if (isMissing) throw new MissingExtensionError(howToGet(name, String(version), String(platform), folder));
    throw new UsageError(
      `DuckDB's extension ${file ?? name} cannot be loaded into DuckDB ${version}: ${firstLine(error).replace(/^[\w ]+ Error: /, '')}`,
    );
  }
}

/** Those that a query needs by what it names, as far as they are here. */
export async function loadForQuery(sql: string, database: Database): Promise<void> {
  for (const [pattern, name] of ofQueries) if (pattern.test(sql)) await loadExtension(name, database);
}

const ofQueries: readonly (readonly [RegExp, ExtensionName])[] = [
  [/'(s3|https?|hf|gcs|gs|r2):\/\//i, 'httpfs'],
  [/\bpostgres_(scan|query)\w*\s*\(/i, 'postgres_scanner'],
  [/\bmysql_(scan|query)\w*\s*\(/i, 'mysql_scanner'],
  [/\bsqlite_(scan|query)\w*\s*\(/i, 'sqlite_scanner'],
];

/** Where it is in a folder: as DuckDB lays them out, as PyPI's wheels do, or right in it. */
function fileIn(folder: string, name: string, version: string, platform: string): string | undefined {
  const file = `${name}.duckdb_extension`;
  const places = [
    join(version, platform),
    join(`duckdb_extension_${name}`, 'extensions', version),
    join('extensions', version),
    version,
    '',
  ];
  return places.map((place) => resolve(folder, place, file)).find((path) => existsSync(path));
}

function howToGet(name: string, version: string, platform: string, folder: string | undefined): string {
  const wheel = `duckdb-extension-${name.replaceAll('_', '-')}==${version.replace(/^v/, '')}`;
  const here = folder ? `neither in ${folder} nor in` : 'not in';
  return (
    `DuckDB's extension ${name} is ${here} ~/.duckdb/extensions/${version}/${platform}, and nothing fetches it by itself: ` +
    `run "INSTALL ${name}" in DuckDB ${version} where there is a network, ` +
    `or "pip download --no-deps ${wheel}", unzip the wheel and set BERTUNE_EXTENSIONS to the folder`
  );
}
