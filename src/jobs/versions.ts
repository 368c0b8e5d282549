import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';

/** Versions that a run depends on: of bertune, Node and the libraries that compute or read. */
export function packageVersions(): Record<string, string> {
  const own: { version: string } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'));
  const require = createRequire(import.meta.url);
  const version = (name: string) => (require(`${name}/package.json`) as { version: string }).version;
  return {
    bertune: own.version,
    node: process.versions.node,
    'onnxruntime-node': version('onnxruntime-node'),
    '@duckdb/node-api': duckdbVersion(require),
  };
}

/** The package does not export its package.json; it lies two folders above its entry. */
function duckdbVersion(require: NodeJS.Require): string {
  const entry = require.resolve('@duckdb/node-api');
  const path = `${entry.slice(0, entry.lastIndexOf('node-api') + 'node-api'.length)}/package.json`;
  return (JSON.parse(readFileSync(path, 'utf8')) as { version: string }).version;
}
