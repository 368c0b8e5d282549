import { Readable } from 'node:stream';
import type { ReadableStream } from 'node:stream/web';
import { BertuneError, UsageError } from '../core/errors.ts';
import { decoded, withoutSecrets } from './address.ts';
import { answerFailure, connectionFailure } from './failure.ts';
import type { RemoteObject } from './remoteObject.ts';

/** What a web address leads to. @throws UsageError when there is nothing, or it is refused */
export async function headHttps(address: string): Promise<RemoteObject> {
  const name = withoutSecrets(address);
  // The first byte rather than a HEAD, which servers refuse or answer otherwise, as for signed addresses.
  const response = await request(address, { range: 'bytes=0-0' }, name);
  await response.body?.cancel();
  const { headers } = response;
  const type = (headers.get('content-type')?.split(';')[0] ?? '').trim().toLowerCase();
  const isPart = response.status === 206;
  const whole = isPart ? headers.get('content-range')?.split('/')[1] : headers.get('content-length');
  const isEmpty = response.status === 416;
  // Unpacked on the way: the length is another one.
  const isCoded = headers.has('content-encoding');
  return {
    ...{ scheme: 'https', address, name, version: versionOf(headers), takesRanges: isPart },
    bytes: isEmpty ? 0 : !isCoded && /^\d+$/.test(whole ?? '') ? Number(whole) : undefined,
    fileName: fileNameOf(new URL(address).pathname, type),
    type,
  };
}

/** The bytes from one on: from the beginning where the server has no ranges. */
export async function readHttps(
  { address, name, version }: RemoteObject,
  from: number,
  to?: number,
): Promise<{ readonly body: Readable; readonly from: number }> {
  const headers: Record<string, string> = {};
  if (from > 0 || to !== undefined) headers.range = `bytes=${from}-${to ?? ''}`;
  if (version?.startsWith('"')) headers['if-match'] = version;
  const response = await request(address, headers, name);
  if (version !== undefined && versionOf(response.headers) !== version) {
    await response.body?.cancel();
    throw new BertuneError(`${name} changed while it was read; run again`);
  }
  const body = response.body ? Readable.fromWeb(response.body as ReadableStream) : Readable.from([]);
  return { body, from: response.status === 206 ? from : 0 };
}

async function request(address: string, headers: Record<string, string>, name: string): Promise<Response> {
  const url = parsed(address, name);
  const { username, password } = url;
  // fetch takes no address with a name and password in it.
  [url.username, url.password] = ['', ''];
  const login = Buffer.from(`${decoded(username)}:${decoded(password)}`).toString('base64');
  const all: Record<string, string> = { 'accept-encoding': 'identity', ...headers };
  if (username !== '') all.authorization = `Basic ${login}`;
  const response = await fetch(url, { headers: all }).catch((error: unknown) => {
    throw connectionFailure(error, name, url.host);
  });
  if (response.ok || response.status === 416) return response;
  await response.body?.cancel();
  throw answerFailure(response.status, name, {
    401: 'asks for a name and password; write https://NAME:PASSWORD@HOST/…',
    403: 'is refused; a signed address may have expired',
    404: 'is not there',
    410: 'is not there any more',
    412: 'changed while it was read; run again',
  });
}

function parsed(address: string, name: string): URL {
  try {
    return new URL(address);
  } catch {
    throw new UsageError(`${name} is no web address`);
  }
}

/** What changes when the content does; undefined where nothing tells for sure. */
function versionOf(headers: Headers): string | undefined {
  const tag = headers.get('etag');
  if (tag !== null) return tag;
  // A time to the second is one of a content that was at rest for a while (RFC 9110, 8.8.2.2).
  const [changed, now] = [headers.get('last-modified'), headers.get('date')].map((time) => Date.parse(time ?? ''));
  const isAtRest = changed !== undefined && now !== undefined && now - changed >= 60_000;
  return isAtRest
    ? `${headers.get('last-modified')} ${headers.get('content-range')?.split('/')[1] ?? headers.get('content-length')}`
    : undefined;
}

const endings: Readonly<Record<string, string>> = {
  'text/csv': '.csv',
  'text/tab-separated-values': '.tsv',
  'application/x-ndjson': '.jsonl',
  'application/jsonl': '.jsonl',
  'application/json': '.json',
  'text/plain': '.txt',
  'application/vnd.apache.parquet': '.parquet',
};

/** A file's name, with the ending that the content's type says where it has none. */
function fileNameOf(path: string, type: string): string {
  const name = decoded(path);
  if (/\.[^/.]+$/.test(name)) return name;
  return `${name}${endings[type] ?? ''}`;
}
