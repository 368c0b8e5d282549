import { basename } from 'node:path';
import { schemeOf, withoutSecrets } from '../remote/address.ts';

/** How a card speaks of one source of texts. */
export interface FileDataset {
  /** The name that the `datasets` library has for its kind. */
  readonly type: string;
  /** Without the folders above it: they are none of a reader's business. */
  readonly name: string;
  /** `org/name`, for a file of a data set of the Hub. */
  readonly hub?: string;
}

const kinds: Readonly<Record<string, string>> = {
  csv: 'csv',
  tsv: 'csv',
  json: 'json',
  jsonl: 'json',
  ndjson: 'json',
  parquet: 'parquet',
};

/** What a `files` element is: a file, a glob, or a query. */
export function fileDataset(file = ''): FileDataset {
  if (isDatabase(file)) return { type: 'sql', name: /[?&]query=/i.test(file) ? 'a query' : 'a table of a database' };
  const hub = /hf:\/\/datasets\/([\w.-]+\/[\w.-]+)/.exec(file)?.[1];
  const named = hub === undefined ? {} : { hub };
  if (/^\s*(select|with|from)\s/i.test(file)) return { type: 'sql', name: 'a query', ...named };
  // Of a web address, what follows it may be a signature.
  const path = schemeOf(file) === 'https' ? withoutSecrets(file).replace(/[?#].*$/s, '') : file;
  const ending = /\.([a-z]+)(?:\.gz)?$/i.exec(path)?.[1]?.toLowerCase() ?? '';
  return { type: kinds[ending] ?? 'text', name: hub ?? basename(path), ...named };
}

function isDatabase(file: string): boolean {
  const scheme = schemeOf(file);
  return scheme === 'postgres' || scheme === 'mysql' || /\.(sqlite3?|db3?)(\?|$)/i.test(file);
}
