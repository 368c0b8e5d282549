import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmodSync, chownSync, mkdirSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { type AddressInfo, createServer as createSocket } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { mariadb, postgres, rclone } from '../needs.ts';
import { temporaryFolder } from '../temporary.ts';

/** A server of a test, on 127.0.0.1. */
export interface Running {
  readonly port: number;
  close(): Promise<void>;
}

/** S3 as rclone serves it: each folder in `folder` is a bucket. */
export async function startS3(folder: string): Promise<Running & { readonly env: Readonly<Record<string, string>> }> {
  const port = await freePort();
  const words = ['serve', 's3', '--auth-key', 'test-key,test-secret', '--addr', `127.0.0.1:${port}`, folder];
  const config = join(temporaryFolder(), 'rclone.conf');
  writeFileSync(config, '');
  const server = start(rclone ?? '', [...words, '--config', config]);
  await untilOpen(port);
  const env = {
    AWS_ACCESS_KEY_ID: 'test-key',
    AWS_SECRET_ACCESS_KEY: 'test-secret',
    AWS_ENDPOINT_URL: `http://127.0.0.1:${port}`,
    AWS_REGION: 'us-east-1',
  };
  return { port, env, close: server.close };
}

/** Postgres with a user `owner` whose password is `p@ss/word`, which asks everyone for it. */
export async function startPostgres(): Promise<Running & { readonly sql: (text: string) => void }> {
  const folder = temporaryFolder();
  const port = await freePort();
  const data = join(folder, 'data');
  const password = join(folder, 'password');
  writeFileSync(password, 'p@ss/word\n');
  const as = asUser('postgres', [folder, password]);
  const run = (name: string, words: readonly string[]) => [...as, join(postgres ?? '', name), ...words] as const;
  call(run('initdb', ['-D', data, '-A', 'scram-sha-256', '-U', 'owner', `--pwfile=${password}`, '--no-sync']));
  const [command, ...words] = run('postgres', [
    '-D',
    data,
    '-p',
    `${port}`,
    '-k',
    folder,
    '-c',
    'fsync=off',
    '-h',
    '127.0.0.1',
  ]);
  const server = start(command ?? '', words);
  await untilOpen(port);
  const sql = (text: string) => {
    const env = { ...process.env, PGPASSWORD: 'p@ss/word' };
    const to = ['-h', '127.0.0.1', '-p', `${port}`, '-U', 'owner', '-v', 'ON_ERROR_STOP=1', '-q', '-d', 'postgres'];
    execFileSync(join(postgres ?? '', 'psql'), to, { env, input: text, stdio: ['pipe', 'ignore', 'pipe'] });
  };
  for (let attempt = 0; ; attempt++) {
    try {
      sql('SELECT 1');
      break;
    } catch (error) {
      if (attempt > 100) throw error;
      await sleep(100); // it opens its port before it answers
    }
  }
  return { port, sql, close: server.close };
}

/** MariaDB with a database `shop` and a user `reader` whose password is `p@ss word`. */
export async function startMariadb(): Promise<Running & { readonly sql: (text: string) => void }> {
  const folder = temporaryFolder();
  const port = await freePort();
  const socket = join(folder, 'socket');
  const data = join(folder, 'data');
  const as = asUser('mysql', [folder]);
  const { server: program = '', install = '', client = '' } = mariadb ?? {};
  call([...as, install, '--no-defaults', `--datadir=${data}`, '--auth-root-authentication-method=normal']);
  const words = [
    '--no-defaults',
    `--datadir=${data}`,
    `--port=${port}`,
    '--bind-address=127.0.0.1',
    `--socket=${socket}`,
  ];
  const [command = '', ...rest] = [...as, program, ...words, `--pid-file=${join(folder, 'pid')}`];
  const server = start(command, rest);
  await untilOpen(port);
  const sql = (text: string) => {
    const to = ['--no-defaults', '-S', socket, '-u', 'root', '--default-character-set=utf8mb4'];
    execFileSync(client, to, { input: text, stdio: ['pipe', 'ignore', 'pipe'] });
  };
  for (const host of ['localhost', '127.0.0.1']) {
    sql(`CREATE DATABASE IF NOT EXISTS shop CHARACTER SET utf8mb4; CREATE USER reader@'${host}' IDENTIFIED BY 'p@ss word';
      GRANT SELECT ON shop.* TO reader@'${host}'`);
  }
  return { port, sql, close: server.close };
}

/** How a web server answers. */
export interface WebFile {
  content: Buffer;
  /** Whether it says ETag and takes ranges. */
  ranges?: boolean;
  tag?: boolean;
  /** What it says of when it changed. */
  changed?: string;
  /** Statuses that come first, one a request. */
  failing?: number[];
  /** Ends the connection after so many bytes, once for each. */
  breaking?: number[];
  type?: string;
}

/** A web server with files by their paths. */
export async function startWeb(files: Readonly<Record<string, WebFile>>) {
  const seen: IncomingMessage[] = [];
  const server = createServer((request, response) => {
    seen.push(request);
    const [path = ''] = (request.url ?? '').split('?');
    const file = files[path];
    if (file) answer(file, request, response);
    else response.writeHead(404).end('nothing here');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const close = async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  };
  return { port, url: `http://127.0.0.1:${port}`, seen, close };
}

function answer(file: WebFile, request: IncomingMessage, response: ServerResponse): void {
  const failure = file.failing?.shift();
  if (failure !== undefined) {
    response.writeHead(failure).end('not now');
    return;
  }
  const { content } = file;
  const tag = `"${createHash('md5').update(content).digest('hex')}"`;
  if (request.headers['if-match'] !== undefined && request.headers['if-match'] !== tag) {
    response.writeHead(412).end();
    return;
  }
  const [, from, to] = /^bytes=(\d+)-(\d*)$/.exec((file.ranges && request.headers.range) || '') ?? [];
  const [start, end] = [Number(from ?? 0), to ? Math.min(Number(to) + 1, content.length) : content.length];
  const part = content.subarray(start, end);
  response.setHeader('content-length', part.length);
  if (file.type) response.setHeader('content-type', file.type);
  if (file.tag) response.setHeader('etag', tag);
  if (file.changed) response.setHeader('last-modified', file.changed);
  if (from !== undefined) response.setHeader('content-range', `bytes ${start}-${end - 1}/${content.length}`);
  response.writeHead(from === undefined ? 200 : 206);
  const cut = part.length > 1 ? file.breaking?.shift() : undefined;
  if (cut === undefined) response.end(request.method === 'HEAD' ? undefined : part);
  else response.write(part.subarray(0, cut), () => setTimeout(() => response.destroy(), 20));
}

/** The words that run a program as a user, where this process is root and the program refuses to be. */
function asUser(name: string, paths: readonly string[]): readonly string[] {
  if (process.getuid?.() !== 0) return [];
  const id = (flag: string) => Number(execFileSync('id', [flag, name], { encoding: 'utf8' }));
  for (const path of paths) chownSync(path, id('-u'), id('-g'));
  return ['setpriv', `--reuid=${name}`, `--regid=${name}`, '--clear-groups'];
}

function call([command = '', ...words]: readonly string[]): void {
  execFileSync(command, words, { stdio: ['ignore', 'ignore', 'pipe'], cwd: '/' });
}

function start(command: string, words: readonly string[]): { close(): Promise<void> } {
  const server: ChildProcess = spawn(command, words, { stdio: 'ignore', cwd: '/' });
  const ended = new Promise<void>((resolve) => server.once('exit', () => resolve()));
  const stop = () => server.kill('SIGINT');
  process.once('exit', stop);
  return {
    async close() {
      process.off('exit', stop);
      if (server.exitCode === null) server.kill('SIGINT');
      const late = setTimeout(() => server.kill('SIGKILL'), 5000);
      await ended;
      clearTimeout(late);
    },
  };
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const socket = createSocket();
    socket.once('error', reject);
    socket.listen(0, '127.0.0.1', () => {
      const { port } = socket.address() as AddressInfo;
      socket.close(() => resolve(port));
    });
  });
}

async function untilOpen(port: number): Promise<void> {
  const { connect } = await import('node:net');
  for (let attempt = 0; attempt < 300; attempt++) {
    const isOpen = await new Promise<boolean>((resolve) => {
      const socket = connect(port, '127.0.0.1');
      socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
      socket.once('connect', () => socket.destroy());
    });
    if (isOpen) return;
    await sleep(100);
  }
  throw new Error(`nothing listens at port ${port}`);
}

/** A folder that other users can look into. */
export function sharedFolder(...parts: readonly string[]): string {
  const top = temporaryFolder();
  chmodSync(top, 0o755);
  const folder = join(top, ...parts);
  mkdirSync(folder, { recursive: true });
  return folder;
}
