import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { checkOutputFile } from '../../src/data/outputFile.ts';
import { cachedCorpus } from '../../src/data/tokenCache.ts';
import { adapt } from '../../src/jobs/adapt.ts';
import { embed } from '../../src/jobs/embed.ts';
import { findModel } from '../../src/jobs/findModel.ts';
import { join as joinParts } from '../../src/jobs/join.ts';
import type { JobEvent } from '../../src/jobs/types.ts';
import { fetchObject, findObject } from '../../src/remote/objects.ts';
import { loadTokenizer } from '../../src/text/tokenizer.ts';
import { readAll, runSql, textsOf } from '../data/files.ts';
import { saveTinyClassifier, writeVocabulary } from '../jobs/tiny.ts';
import { temporaryFolder } from '../temporary.ts';
import { startWeb, type WebFile } from './servers.ts';

const texts = Array.from({ length: 20_000 }, (_, i) => `text ${i}, with ä and 😀`);
const lines = Buffer.from(texts.join('\n'));
const files: Record<string, WebFile> = {
  '/ranges.txt': { content: lines, ranges: true, tag: true },
  '/plain.txt': { content: lines },
  '/rows.jsonl.gz': { content: gzipSync(texts.map((text) => JSON.stringify({ text })).join('\n')), tag: true },
  '/export': { content: Buffer.from('id,text\n1,one\n2,two\n'), type: 'text/csv; charset=utf-8' },
  '/empty.txt': { content: Buffer.alloc(0) },
};
const folder = temporaryFolder();
let web: Awaited<ReturnType<typeof startWeb>>;

beforeAll(async () => {
  const parquet = join(folder, 'rows.parquet');
  await runSql(`COPY (SELECT range AS id, 'text ' || range AS text FROM range(3000)) TO '${parquet}' (FORMAT parquet)`);
  const content = await import('node:fs').then(({ readFileSync }) => readFileSync(parquet));
  files['/rows.parquet'] = { content, ranges: true, tag: true };
  files['/whole.parquet'] = { content };
  web = await startWeb(files);
});
afterAll(() => web.close());

const failure = (address: string) =>
  readAll(address).then(
    () => 'no failure',
    (error: Error) => error.message,
  );

test.each(['ranges.txt', 'plain.txt', 'rows.jsonl.gz'])('%s has the texts that it has on disk', async (name) => {
  expect(await textsOf(`${web.url}/${name}`)).toEqual(texts);
});

test.each(['rows.parquet', 'whole.parquet'])('%s, from a server with and without ranges', async (name) => {
  const { rows } = await readAll(`${web.url}/${name}`);
  expect(rows.length).toBe(3000);
  expect(rows[2999]).toEqual({ id: 2999, text: 'text 2999' });
});

test('an address without an ending is what the server says it is', async () => {
  expect((await readAll(`${web.url}/export?format=csv&token=abc`)).rows).toEqual([
    { id: 1, text: 'one' },
    { id: 2, text: 'two' },
  ]);
});

test('signatures and passwords stand in no message', async () => {
  expect(await failure(`${web.url}/none.csv?X-Amz-Signature=abcdef`)).toBe(
    `--corpus: ${web.url}/none.csv?… is not there`,
  );
  const address = web.url.replace('://', '://me:secret@');
  expect(await failure(`${address}/none.csv`)).toBe(
    `--corpus: ${address.replace('me:secret', '***')}/none.csv is not there`,
  );
  expect(await failure('http://127.0.0.1:1/x.csv?key=abc')).toMatch(
    /^--corpus: http:\/\/127\.0\.0\.1:1\/x\.csv\?…: no connection/,
  );
  expect(await failure(`${web.url}/empty.txt`)).toBe(`--corpus: ${web.url}/empty.txt is empty`);
});

test('a web page is refused, unless its name says that it is a file', async () => {
  const content = Buffer.from('<html><body>sign in</body></html>');
  files['/html'] = { content, type: 'text/html; charset=utf-8' };
  files['/page.php'] = { content, type: 'TEXT/HTML' };
  files['/lines.txt'] = { content, type: 'text/html' };
  for (const name of ['html', 'page.php']) {
    expect(await failure(`${web.url}/${name}`)).toBe(
      `--corpus: ${web.url}/${name} is a web page (text/html), no file of texts; give the address of the file itself, or save the page's text as .txt`,
    );
  }
  expect(await textsOf(`${web.url}/lines.txt`)).toEqual([`${content}`]);
});

test('a percent sign that encodes nothing stands for itself', async () => {
  files['/a%b.csv'] = { content: Buffer.from('text\none\n') };
  web.seen.length = 0;
  const { rows } = await readAll(`${web.url.replace('://', '://me:Sek%ret%20@')}/a%b.csv`);
  expect(rows).toEqual([{ text: 'one' }]);
  const login = `Basic ${Buffer.from('me:Sek%ret ').toString('base64')}`;
  expect(new Set(web.seen.map(({ headers }) => headers.authorization))).toEqual(new Set([login]));
});

test('an endpoint of S3 that is no address is told by the name of its variable', async () => {
  const before = process.env.AWS_ENDPOINT_URL;
  process.env.AWS_ENDPOINT_URL = 'garbage';
  try {
    expect(await failure('s3://bucket/a.csv')).toBe(
      '--corpus: AWS_ENDPOINT_URL must be an address such as http://127.0.0.1:9000, got "garbage"',
    );
  } finally {
    if (before === undefined) delete process.env.AWS_ENDPOINT_URL;
    else process.env.AWS_ENDPOINT_URL = before;
  }
});

test.each(['gs', 'az', 'hdfs', 'abfss'])('%s:// is told not to be read or written', async (scheme) => {
  expect(await failure(`${scheme}://me:SEKRET@place/*.csv`)).toBe(
    `--corpus: ${scheme}://***@place/*.csv: ${scheme}:// is not read; files are, s3://, https://, postgres://, mysql:// and, in a query, hf://; copy it to one of these`,
  );
  await expect(checkOutputFile(`${scheme}://place/a.csv`)).rejects.toThrow(
    `${scheme}://place/a.csv cannot be written to; give a file, or s3://BUCKET/KEY`,
  );
  const corpus = { files: ['nonesuch.txt'] };
  await expect(adapt({ model: 'nonesuch', corpus, output: `${scheme}://place/run` })).rejects.toThrow(
    `output ${scheme}://place/run cannot be written to; give a folder, or s3://BUCKET/FOLDER`,
  );
  await expect(findModel(`${scheme}://place/model`)).rejects.toThrow(
    `model ${scheme}://place/model: models are not read from there; give a folder, s3://BUCKET/FOLDER or a name of the Hub`,
  );
});

test('a name and a password are sent as the web has them', async () => {
  web.seen.length = 0;
  await textsOf(`${web.url.replace('://', '://me:p%40ss@')}/ranges.txt`);
  const login = `Basic ${Buffer.from('me:p@ss').toString('base64')}`;
  expect(new Set(web.seen.map(({ headers }) => headers.authorization))).toEqual(new Set([login]));
});

test('a server that is out of order for a moment, and connections that break', async () => {
  files['/shaky.txt'] = {
    content: lines,
    ranges: true,
    tag: true,
    failing: [503, 500],
    breaking: [100_000, 50_000, 1],
  };
  expect(await textsOf(`${web.url}/shaky.txt`)).toEqual(texts);
  files['/shaky.txt'] = { content: lines, breaking: [100_000] };
  expect(await textsOf(`${web.url}/shaky.txt`)).toEqual(texts);
  files['/shaky.txt'] = { content: lines, failing: Array.from({ length: 20 }, () => 503) };
  expect(await failure(`${web.url}/shaky.txt`)).toMatch(/: the server answered 503, again and again; try later$/);
});

test('what changes while it is read is refused', async () => {
  const file: WebFile = { content: lines, ranges: true, tag: true };
  files['/changing.txt'] = file;
  const found = await findObject(`${web.url}/changing.txt`);
  if (!found || !('scheme' in found)) throw new Error('not found');
  file.content = Buffer.from('something else');
  await expect(fetchObject(found, join(folder, 'copy'))).rejects.toThrow('changed while it was read; run again');
});

test('without an ETag, what differs after the ? is another corpus', async () => {
  const tokenizer = loadTokenizer(writeVocabulary(join(folder, 'words')));
  files['/export'] = { content: Buffer.from('one text\nanother\n'), changed: 'Thu, 02 Jan 2020 03:04:05 GMT' };
  const take = (query: string) => {
    const records = { files: [`${web.url}/export?${query}`], flag: '--corpus' };
    const options = { records, tokenizer, mostTokens: 62, threads: 1 };
    return cachedCorpus(options, join(folder, 'kept'), join(folder, 'apart'));
  };
  expect(await take('n=1')).toMatchObject({ found: false });
  expect(await take('n=1')).toMatchObject({ found: true });
  expect(await take('n=2')).toMatchObject({ found: false });
});

test('a tokenized corpus is kept while the ETag stays, and read anew where nothing tells', async () => {
  const tokenizer = loadTokenizer(writeVocabulary(join(folder, 'vocabulary')));
  const file: WebFile = { content: Buffer.from('one text\nanother\n'), tag: true };
  files['/corpus.txt'] = file;
  const take = (signature: string) => {
    const records = { files: [`${web.url}/corpus.txt?signature=${signature}`], flag: '--corpus' };
    return cachedCorpus({ records, tokenizer, mostTokens: 62, threads: 1 }, join(folder, 'cache'), join(folder, 'own'));
  };
  const kept = await take('a');
  expect(kept).toMatchObject({ found: false, tokenized: { counts: { texts: 2 } } });
  expect(kept.folder.startsWith(join(folder, 'cache'))).toBe(true);
  expect(await take('b')).toMatchObject({ found: true, tokenized: { counts: { texts: 2 } } });
  file.content = Buffer.from('one text\nanother\nand a third\n');
  expect(await take('b')).toMatchObject({ found: false, tokenized: { counts: { texts: 3 } } });
  file.tag = false;
  const own = { found: false, folder: join(folder, 'own'), tokenized: { counts: { texts: 3 } } };
  expect(await take('b')).toMatchObject(own);
  expect(await take('b')).toMatchObject(own);
});

test('a part is kept while the ETag and the whole address stay, and made anew where nothing tells', async () => {
  const model = join(folder, 'model');
  await saveTinyClassifier(model, ['asks', 'wants']);
  const output = join(folder, 'vectors.jsonl');
  const part = `${output}.part-1-of-1`;
  const file: WebFile = { content: Buffer.from('text\none\n'), type: 'text/csv', tag: true };
  files['/page'] = file;
  const make = async (query: string) => {
    const notes: string[] = [];
    const onEvent = (event: JobEvent) => event.type === 'note' && notes.push(event.text);
    await embed({ model, input: { files: [`${web.url}/page${query}`] }, output, shard: '1/1' }, { onEvent });
    await joinParts({ output });
    const { text } = JSON.parse(readFileSync(output, 'utf8').split('\n')[0] ?? '');
    return [text, ...notes.filter((note) => note.startsWith(part)).map((note) => note.slice(part.length))];
  };
  const unknown = ' is there already, but nothing tells whether input changed: it is made anew';
  expect(await make('?n=1')).toEqual(['one']);
  expect(await make('?n=1')).toEqual(['one', ' is there already, whole and of the same work: kept']);
  // The same ETag, as a server may say it of all its pages.
  const other = ' is of other data, another model or other settings: it is made anew';
  expect(await make('?n=2')).toEqual(['one', other]);
  file.tag = false;
  expect(await make('?n=2')).toEqual(['one', unknown]);
  file.content = Buffer.from('text\ntwo\n');
  expect(await make('?n=2')).toEqual(['two', unknown]);
});
