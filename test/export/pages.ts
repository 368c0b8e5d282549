import { createReadStream, existsSync } from 'node:fs';
import { createServer } from 'node:http';
import { extname, join, resolve, sep } from 'node:path';
import { fileURLToPath } from 'node:url';

const packages = fileURLToPath(new URL('../../node_modules', import.meta.url));

/** For a browser without a screen that asks nobody for anything. */
export const browserFlags = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

const types: Readonly<Record<string, string>> = {
  '.html': 'text/html',
  '.js': 'text/javascript',
  '.mjs': 'text/javascript',
  '.json': 'application/json',
  '.wasm': 'application/wasm',
};

/** A static server on 127.0.0.1: a page, transformers.js with its runtime as they are installed, and exported models. */
export async function servePage(page: string, models: string) {
  const folders = new Map([
    ['transformers', join(packages, '@huggingface', 'transformers', 'dist')],
    ['onnxruntime', join(packages, 'onnxruntime-web', 'dist')],
    ['models', models],
  ]);
  const requested: string[] = [];
  const server = createServer((request, response) => {
    const path = new URL(request.url ?? '/', 'http://page').pathname;
    requested.push(path);
    const file = path === '/' ? page : fileOf(path, folders);
    if (file === undefined || !existsSync(file)) {
      response.writeHead(404).end();
      return;
    }
    response.writeHead(200, { 'content-type': types[extname(file)] ?? 'application/octet-stream' });
    createReadStream(file).pipe(response);
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the server has no port');
  return {
    url: `http://127.0.0.1:${address.port}/`,
    requested,
    close: () => {
      server.closeAllConnections();
      return new Promise((done) => server.close(done));
    },
  };
}

function fileOf(path: string, folders: ReadonlyMap<string, string>): string | undefined {
  const [, top = '', ...names] = path.split('/');
  const folder = folders.get(top);
  if (folder === undefined) return undefined;
  const file = resolve(folder, ...names);
  return file.startsWith(folder + sep) ? file : undefined;
}
