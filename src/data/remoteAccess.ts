import { s3Keys } from '../remote/client.ts';
import type { RemoteObject } from '../remote/objects.ts';
import { type Database, quoted } from './duckdb.ts';
import { loadExtension } from './extensions.ts';

/**
 * Lets DuckDB read an object where it lies, with the credentials that bertune itself goes by.
 *
 * @returns false when it has to be copied: where parts cannot be asked for, or DuckDB would take the address for another
 * @throws MissingExtensionError
 */
export async function readsInPlace(object: RemoteObject, database: Database): Promise<boolean> {
  const { scheme, address, takesRanges, bytes } = object;
  if (!takesRanges || bytes === undefined) return false;
  if (scheme === 's3' ? /[*?[\]#%+ ]/.test(address) : new URL(address).username !== '') return false;
  await loadExtension('httpfs', database);
  if (scheme === 's3') await giveKeys(database);
  return true;
}

/** Tells DuckDB the credentials for S3, unless the user told it others. Without any, what is public can be read. */
export async function giveKeys(database: Database): Promise<void> {
  const known = await database.all(`SELECT name FROM duckdb_secrets() WHERE type = 's3' AND name <> '${secretName}'`);
  if (known.length > 0) return;
  const keys = await s3Keys();
  if (!keys) return;
  const { keyId, secret, sessionToken, region, endpoint } = keys;
  const url = endpoint === undefined ? undefined : new URL(endpoint);
  const parts = [
    `KEY_ID ${quoted(keyId)}`,
    `SECRET ${quoted(secret)}`,
    `REGION ${quoted(region)}`,
    sessionToken === undefined ? [] : `SESSION_TOKEN ${quoted(sessionToken)}`,
    url === undefined
      ? []
      : [
          `ENDPOINT ${quoted(`${url.host}${url.pathname.replace(/\/$/, '')}`)}`,
          `URL_STYLE 'path'`,
          `USE_SSL ${url.protocol === 'https:'}`,
        ],
  ].flat();
  await database.all(`CREATE OR REPLACE SECRET ${secretName} (TYPE s3, ${parts.join(', ')})`);
}

const secretName = 'bertune_s3';
