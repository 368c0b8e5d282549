import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A request as the server saw it. */
export interface SeenRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
}

export interface Repository {
  readonly files: Map<string, Buffer>;
  /** Names stored by LFS: listed with their SHA-256 and sent by the other host. */
  readonly large: Set<string>;
  commit: string;
  /** Revisions beside `main` and the commit. */
  readonly revisions: Map<string, string>;
  isPrivate: boolean;
  /** Files of commits that have others than the newest. */
  readonly others: Map<string, Map<string, Buffer>>;
  /** Open and closed ones, as the Hub tells them. */
  readonly discussions: object[];
  /** Commits of a revision by its name, the newest first. */
  readonly commits: Map<string, string[]>;
}

/** How the next answers of a file go wrong. */
export interface Faults {
  /** Ends the connection after so many bytes of a large file, once for each entry. */
  readonly breakAfter: number[];
  /** Content sent in place of a file's. */
  readonly replaced: Map<string, Buffer>;
  /** Entries put before the listing. */
  readonly listed: object[];
  /** Ignores `Range`. */
  noRanges: boolean;
}

export interface HubServer {
  readonly url: string;
  readonly seen: SeenRequest[];
  readonly repositories: Map<string, Repository>;
  /** Contents uploaded by LFS, by SHA-256. */
  readonly objects: Map<string, Buffer>;
  readonly faults: Faults;
  /** The token that may read what is private, and write. */
  readonly token: string;
  close(): Promise<void>;
}

/**
 * A server on 127.0.0.1 that speaks the Hub's routes: model information, discussions, commits, listings, files (large ones by a redirect to
 * another host), making repositories, LFS uploads and commits.
 */
export async function startHub(): Promise<HubServer> {
  const hub: Mutable<HubServer> = {
    url: '',
    seen: [],
    repositories: new Map(),
    objects: new Map(),
    faults: { breakAfter: [], replaced: new Map(), listed: [], noRanges: false },
    token: 'hf_test',
    close: async () => {},
  };
  const storage = createServer((request, response) => void sendStored(hub, request, response));
  const server = createServer((request, response) => void answer(hub, storageUrl, request, response));
  const listen = (one: typeof server) =>
    new Promise<string>((resolve) =>
      one.listen(0, '127.0.0.1', () => resolve(`http://127.0.0.1:${(one.address() as AddressInfo).port}`)),
    );
  // By another name, since huggingface_hub takes the answer of a redirect within one host for the Hub's own.
  const storageUrl = (await listen(storage)).replace('127.0.0.1', 'localhost');
  hub.url = await listen(server);
  hub.close = async () => {
    for (const one of [server, storage]) {
      one.closeAllConnections();
      await new Promise((resolve) => one.close(resolve));
    }
  };
  return hub;
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

/** Puts a repository on the server. */
export function addRepository(
  hub: HubServer,
  name: string,
  files: Readonly<Record<string, Buffer | string>>,
  large: readonly string[] = [],
): Repository {
  const entries = Object.entries(files).map(([path, content]) => [path, Buffer.from(content)] as const);
  const repository: Repository = {
    files: new Map(entries),
    large: new Set(large),
    commit: sha1(name),
    revisions: new Map(),
    isPrivate: false,
    others: new Map(),
    discussions: [],
    commits: new Map(),
  };
  hub.repositories.set(name, repository);
  return repository;
}

export function sha256(content: Buffer): string {
  return createHash('sha256').update(content).digest('hex');
}

export function gitBlob(content: Buffer): string {
  return createHash('sha1').update(`blob ${content.length}\0`).update(content).digest('hex');
}

export function sha1(text: string): string {
  return createHash('sha1').update(text).digest('hex');
}

async function answer(hub: HubServer, storageUrl: string, request: IncomingMessage, response: ServerResponse) {
  const url = new URL(request.url ?? '/', hub.url);
  const body = await bodyOf(request);
  hub.seen.push({ method: request.method ?? '', path: url.pathname, headers: request.headers, body: body.toString() });
  const refuse = (status: number, code = '', message = 'no') => {
    response.writeHead(status, { 'content-type': 'application/json', ...(code ? { 'x-error-code': code } : {}) });
    response.end(JSON.stringify({ error: message }));
  };
  const json = (value: unknown, headers = {}) => {
    response.writeHead(200, { 'content-type': 'application/json', ...headers });
    response.end(JSON.stringify(value));
  };
  const isKnown = request.headers.authorization === `Bearer ${hub.token}`;

  if (url.pathname === '/api/repos/create') {
    if (!isKnown) return refuse(401);
    const { name, organization, visibility } = JSON.parse(body.toString());
    const full = `${organization}/${name}`;
    if (hub.repositories.has(full)) return refuse(409, '', 'You already created this model repo');
    addRepository(hub, full, {}).isPrivate = visibility === 'private';
    return json({ url: `${hub.url}/${full}`, name: full });
  }
  const [, name = ''] =
    /^\/(?:api\/models\/)?([^/]+\/[^/]+?)(?:\.git)?(?:\/(?:revision|tree|resolve|preupload|commits?|info)\/|\/discussions$|$)/.exec(
      url.pathname,
    ) ?? [];
  const repository = hub.repositories.get(name);
  if (!repository || (repository.isPrivate && !isKnown)) {
    // The Hub does not tell strangers which names exist.
    return isKnown ? refuse(404, 'RepoNotFound') : refuse(401, 'RepoNotFound', 'Invalid username or password.');
  }
  const rest = url.pathname.slice(url.pathname.indexOf(name) + name.length);
  if (rest === '/discussions') return json({ discussions: repository.discussions, start: 0 });
  const [, route = '', revision = '', path = ''] = /^(?:\.git)?\/([a-z]+)\/([^/]+)(?:\/(.+))?$/.exec(rest) ?? [];
  const commit = commitOf(repository, decodeURIComponent(revision));
  if (route === 'commits') {
    return json((repository.commits.get(decodeURIComponent(revision)) ?? []).map((id) => ({ id, title: 'a commit' })));
  }
  if (route === 'info') return lfsBatch(hub, storageUrl, body, isKnown, refuse, json);
  if (route === 'preupload' || route === 'commit') {
    if (!isKnown) return refuse(401);
    return route === 'commit' ? takeCommit(hub, repository, body, json) : preupload(body, json);
  }
  if (commit === undefined) return refuse(404, 'RevisionNotFound', `Invalid rev id: ${revision}`);
  if (route === 'revision')
    return json({ _id: '1', id: name, sha: commit, private: repository.isPrivate, lastModified: 0 });
  if (route === 'tree') {
    const at = { ...repository, files: filesAt(repository, commit) };
    return json([...hub.faults.listed, ...listing(at, decodeURIComponent(path))]);
  }
  const file = decodeURIComponent(path);
  const content = filesAt(repository, commit).get(file);
  if (route !== 'resolve' || !content) return refuse(404, 'EntryNotFound');
  if (repository.large.has(file)) {
    const { 'user-agent': agent = '' } = request.headers;
    response.writeHead(302, {
      location: `${storageUrl}/${sha256(content)}?name=${name}&file=${encodeURIComponent(file)}`,
      'x-linked-etag': `"${sha256(content)}"`,
      'x-linked-size': content.length,
      'x-repo-commit': commit,
      // Python asks by HEAD and wants these of the first answer.
      etag: `"${sha256(content)}"`,
      'x-agent': agent.slice(0, 20),
    });
    return response.end();
  }
  response.setHeader('etag', `"${gitBlob(content)}"`);
  response.setHeader('x-repo-commit', commit);
  sendContent(hub, request, response, file, content);
}

function commitOf({ commit, revisions }: Repository, revision: string): string | undefined {
  return ['main', 'HEAD', commit].includes(revision) ? commit : revisions.get(revision);
}

function filesAt({ files, others }: Repository, commit: string): Map<string, Buffer> {
  return others.get(commit) ?? files;
}

/** What lies in a folder of the repository, '' being its top: files and folders, not what is in these. */
function listing({ files, large }: Repository, folder: string): object[] {
  const start = folder === '' ? '' : `${folder}/`;
  const inside = [...files].filter(([path]) => path.startsWith(start));
  const deeper = inside.flatMap(([path]) => /^[^/]+(?=\/)/.exec(path.slice(start.length)) ?? []);
  const folders = [...new Set(deeper)].map((name) => ({ type: 'directory', path: `${start}${name}`, size: 0 }));
  const here = inside.filter(([path]) => !path.slice(start.length).includes('/'));
  const found = here.map(([path, content]) =>
    large.has(path)
      ? {
          type: 'file',
          path,
          size: content.length,
          oid: sha1(path),
          lfs: { oid: sha256(content), size: content.length },
        }
      : { type: 'file', path, size: content.length, oid: gitBlob(content) },
  );
  return [...folders, ...found];
}

function sendContent(
  hub: HubServer,
  request: IncomingMessage,
  response: ServerResponse,
  file: string,
  whole: Buffer,
): void {
  const content = hub.faults.replaced.get(file) ?? whole;
  const from = Number(/^bytes=(\d+)-/.exec(request.headers.range ?? '')?.[1] ?? 0);
  const isPartial = from > 0 && !hub.faults.noRanges;
  if (isPartial && from >= content.length) {
    response.writeHead(416).end();
    return;
  }
  const part = isPartial ? content.subarray(from) : content;
  const range = isPartial ? { 'content-range': `bytes ${from}-${content.length - 1}/${content.length}` } : {};
  response.writeHead(isPartial ? 206 : 200, { 'content-length': part.length, ...range });
  const breakAfter = hub.faults.breakAfter.shift();
  if (breakAfter === undefined) response.end(request.method === 'HEAD' ? undefined : part);
  else response.write(part.subarray(0, breakAfter), () => setTimeout(() => response.destroy(), 20));
}

/** The other host: large files, without a token. */
async function sendStored(hub: HubServer, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const url = new URL(request.url ?? '/', hub.url);
  const body = await bodyOf(request);
  hub.seen.push({ method: request.method ?? '', path: url.pathname, headers: request.headers, body: '' });
  if (request.method === 'PUT') {
    hub.objects.set(url.pathname.slice(1), body);
    response.writeHead(200).end();
    return;
  }
  const file = url.searchParams.get('file') ?? '';
  const content = hub.repositories.get(url.searchParams.get('name') ?? '')?.files.get(file);
  if (content) sendContent(hub, request, response, file, content);
  else response.writeHead(404).end();
}

type Json = (value: unknown, headers?: object) => void;

function preupload(body: Buffer, json: Json): void {
  const { files } = JSON.parse(body.toString()) as { files: { path: string }[] };
  const modeOf = (path: string) => (/\.(safetensors|onnx)$/.test(path) ? 'lfs' : 'regular');
  json({ files: files.map(({ path }) => ({ path, uploadMode: modeOf(path) })) });
}

function lfsBatch(
  hub: HubServer,
  storageUrl: string,
  body: Buffer,
  isKnown: boolean,
  refuse: (status: number) => void,
  json: Json,
): void {
  if (!isKnown) {
    refuse(401);
    return;
  }
  const { objects } = JSON.parse(body.toString()) as { objects: { oid: string; size: number }[] };
  json({
    transfer: 'basic',
    objects: objects.map(({ oid, size }) => ({
      ...{ oid, size },
      ...(hub.objects.has(oid) ? {} : { actions: { upload: { href: `${storageUrl}/${oid}`, header: {} } } }),
    })),
  });
}

function takeCommit(hub: HubServer, repository: Repository, body: Buffer, json: Json): void {
  const lines = body.toString().trim().split('\n');
  for (const line of lines) {
    const { key, value } = JSON.parse(line);
    if (key === 'file') repository.files.set(value.path, Buffer.from(value.content, 'base64'));
    if (key === 'lfsFile') {
      repository.files.set(value.path, hub.objects.get(value.oid) ?? Buffer.alloc(0));
      repository.large.add(value.path);
    }
  }
  repository.commit = sha1(lines.join());
  json({ success: true, commitOid: repository.commit, commitUrl: `${hub.url}/commit`, hookOutput: '' });
}

async function bodyOf(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}
