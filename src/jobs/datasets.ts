import { basename } from 'node:path';

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
  const hub = /hf:\/\/datasets\/([\w.-]+\/[\w.-]+)/.exec(file)?.[1];
  const named = hub === undefined ? {} : { hub };
  if (/^\s*(select|with|from)\s/i.test(file)) return { type: 'sql', name: 'a query', ...named };
  const ending = /\.([a-z]+)(?:\.gz)?$/i.exec(file)?.[1]?.toLowerCase() ?? '';
  return { type: kinds[ending] ?? 'text', name: hub ?? basename(file), ...named };
}
