import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { BertuneError } from '../core/errors.ts';
import { breathe } from '../core/interrupt.ts';
import { setting } from '../core/message.ts';
import { CorpusWriter } from '../data/corpusWriter.ts';
import { emptyCorpus } from '../data/tokenizedCorpus.ts';
import { finishFolder } from '../data/tokenizedFolder.ts';
import { readPartHeader, type TokenizedPartHeader, TokenizedPartReader } from '../data/tokenizedPart.ts';
import { checkFree, written } from './tokenize.ts';
import type { JobHooks } from './types.ts';

/** Texts that are read at a time where a part has many together. */
const most = 4096;

/** What `join` tells. */
interface JoinedTokens {
  readonly count: number;
  readonly parts: number;
  readonly output: string;
}

/** Whether parts are those of a tokenized corpus. */
export function areTokenized(paths: Iterable<string>): boolean {
  return [...paths].some((path) => existsSync(join(path, 'part.json')));
}

/**
 * Makes of the parts of a tokenized corpus the folder that `tokenize` writes without `shard`, to the byte.
 *
 * @param found paths of all parts by their names
 * @throws BertuneError for a part that is not whole or not of the same work; UsageError for a folder with other things;
 * InterruptedError
 */
export async function joinTokens(
  output: string,
  found: ReadonlyMap<string, string>,
  { signal }: JobHooks,
): Promise<JoinedTokens> {
  await checkFree(output, true);
  const headers = [...found].map(([name, path]) => ({ name, path, header: headerOf(name, path) }));
  const [first] = headers;
  if (!first) throw new BertuneError(`${output} has no parts`);
  for (const part of headers) checkSame(part, first);
  headers.sort((a, b) => a.header.index - b.header.index);
  const readers: TokenizedPartReader[] = [];
  try {
    for (const { path, header } of headers) readers.push(new TokenizedPartReader(path, header));
    return await written(output, 'join', (folder) => joined(readers, folder, output, signal));
  } finally {
    for (const reader of readers) reader.close();
  }
}

async function joined(
  readers: readonly TokenizedPartReader[],
  folder: string,
  output: string,
  signal?: AbortSignal,
): Promise<JoinedTokens> {
  const headers = readers.map(({ header }) => header);
  const { making, by, tokenized } = headers[0] as TokenizedPartHeader;
  const writer = new CorpusWriter(folder, making.vocabularySize, tokenized.grouped);
  let digest = '';
  try {
    for (const { reader, count } of inOrder(readers, by)) {
      await breathe(signal);
      const { texts, groups } = reader.read(count);
      writer.add(texts, groups);
    }
  } finally {
    digest = writer.finish();
  }
  const sum = (of: 'texts' | 'skipped' | 'split' | 'invalidUtf8') =>
    headers.reduce((total, { tokenized: { counts } }) => total + counts[of], 0);
  const { texts } = writer.counts;
  if (texts !== sum('texts')) throw new BertuneError(`${output}: its parts have ${texts} texts of ${sum('texts')}`);
  if (texts === 0) throw emptyCorpus(setting('corpus'), sum('skipped'));
  const counts = {
    ...{ texts, tokens: writer.tokens, skipped: sum('skipped'), split: sum('split') },
    // Parts of rows have read all of them.
    invalidUtf8: by === 'files' ? sum('invalidUtf8') : tokenized.counts.invalidUtf8,
  };
  await finishFolder(folder, { making, tokenized: { ...tokenized, counts, digest } });
  return { count: texts, parts: readers.length, output };
}

/** Which part has the next texts: whole parts of files one after the other, lists of rows in turn. */
function* inOrder(
  readers: readonly TokenizedPartReader[],
  by: TokenizedPartHeader['by'],
): Generator<{ readonly reader: TokenizedPartReader; readonly count: number }> {
  if (by === 'files') {
    for (const reader of readers) {
      const { texts } = reader.header.tokenized.counts;
      for (let read = 0; read < texts; read += most) yield { reader, count: Math.min(most, texts - read) };
    }
    return;
  }
  for (;;) {
    for (const reader of readers) {
      const count = reader.nextList();
      if (count === undefined) return;
      if (count > 0) yield { reader, count };
    }
  }
}

interface NamedPart {
  readonly name: string;
  readonly header: TokenizedPartHeader;
}

function headerOf(name: string, path: string): TokenizedPartHeader {
  const header = readPartHeader(path);
  if (header) return header;
  throw new BertuneError(`${name} is no whole part of a tokenized corpus; remove it and make the part again`);
}

function checkSame({ name, header: own }: NamedPart, { name: first, header }: NamedPart): void {
  const different = [
    own.work === header.work ? [] : 'of another tokenizer or other settings',
    own.input === header.input && own.by === header.by ? [] : 'of other files or rows, or in another order',
    own.tokenized.columns === header.tokenized.columns ? [] : 'of other columns',
    name.endsWith(`.part-${own.index}-of-${own.of}`) ? [] : 'a part under another name',
  ].flat();
  if (different.length === 0) return;
  throw new BertuneError(
    `${name} cannot be joined with ${first}: it is ${different[0]}; make the one that is wrong again`,
  );
}
