import { mkdirSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';

const require = createRequire(import.meta.url);

/**
 * Installs in a folder what `npm install @tensorflow/tfjs` brings that is used there: the core and the backend in
 * JavaScript, which is all that computes of it in Node; with `wasm`, the backend in WebAssembly beside it.
 */
export function installTfjs(folder: string, { wasm = false } = {}): string {
  const parts = ['@tensorflow/tfjs-core', '@tensorflow/tfjs-backend-cpu'].map(requiring);
  writePackage(folder, '@tensorflow/tfjs', `module.exports = ${parts[0]};\n${parts[1]};\n`);
  const backend = '@tensorflow/tfjs-backend-wasm';
  if (wasm) writePackage(folder, backend, `module.exports = ${requiring(backend)};\n`);
  return folder;
}

/** Installs a package whose one file is of this source. */
export function writePackage(folder: string, name: string, source: string): void {
  const place = join(folder, 'node_modules', name);
  mkdirSync(place, { recursive: true });
  writeFileSync(join(place, 'package.json'), JSON.stringify({ name, version: '4.22.0', main: 'index.js' }));
  writeFileSync(join(place, 'index.js'), source);
}

function requiring(name: string): string {
  return `require(${JSON.stringify(require.resolve(name))})`;
}
