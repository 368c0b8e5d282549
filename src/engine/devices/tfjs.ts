import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { messageOf } from '../../core/errors.ts';
import { tfjsEngine } from '../tfjs/engine.ts';
import type { TfModule } from '../tfjs/module.ts';
import type { Device, FoundDevice } from './device.ts';

const ownWay = { ignored: 'does not reach TensorFlow.js, which goes its own way' };

export const tfjs: Device = {
  title: 'TensorFlow.js, brought along',
  isAutomatic: false,
  settings: { threads: ownWay, fastMath: ownWay, int8: 'refused' },
  async find(folder) {
    const broken: string[] = [];
    for (const name of packages) {
      const place = placeOf(name, folder);
      if (place === undefined) continue;
      try {
        return await load(name, place, broken);
      } catch (error) {
        broken.push(`${name} is installed in ${place} but does not load (${messageOf(error).split('\n')[0]})`);
      }
    }
    const wayOut = `npm install @tensorflow/tfjs-node-gpu (an NVIDIA GPU), @tensorflow/tfjs-node, or @tensorflow/tfjs with ${wasmPackage}, in ${folder}`;
    return { isHere: false, reason: broken.join(', and ') || 'no package of TensorFlow.js is installed', wayOut };
  },
};

/** The packages that users bring, the fastest first. */
const packages = ['@tensorflow/tfjs-node-gpu', '@tensorflow/tfjs-node', '@tensorflow/tfjs'];
const wasmPackage = '@tensorflow/tfjs-backend-wasm';

/**
 * The folder to load a package from: the user's, else the one that bertune lies in, else where `npm install --global`
 * puts it. A program finds what is in its own folder first, and so does this.
 */
function placeOf(name: string, folder: string): string | undefined {
  const own = dirname(fileURLToPath(import.meta.url));
  return [folder, own, globalFolder()].find((place) => resolved(name, place) !== undefined);
}

function globalFolder(): string {
  const node = dirname(process.execPath);
  return process.platform === 'win32' ? node : join(node, '..', 'lib');
}

function resolved(name: string, folder: string): string | undefined {
  try {
    return requiring(folder).resolve(name);
  } catch {
    return undefined;
  }
}

/** What a program in the folder would get of `require`. */
function requiring(folder: string): NodeJS.Require {
  return createRequire(join(folder, 'program.js'));
}

/** Loads a package, with its backend in WebAssembly where that lies beside it and nothing faster comes with it. */
async function load(name: string, place: string, notes: readonly string[]): Promise<FoundDevice> {
  // Of TensorFlow's own library: errors alone. It reads this when it is loaded.
  process.env.TF_CPP_MIN_LOG_LEVEL ??= '2';
  const require = requiring(place);
  const tf = require(name) as TfModule & { enableProdMode(): void };
  tf.enableProdMode(); // else it writes advice to the terminal
  if (name === '@tensorflow/tfjs' && resolved(wasmPackage, place) !== undefined) {
    require(wasmPackage);
    await tf.setBackend('wasm');
  }
  await tf.ready();
  const backend = tf.getBackend();
  const slow =
    backend === 'cpu'
      ? [`TensorFlow.js computes in plain JavaScript here; ${wasmPackage} beside it is many times as fast`]
      : [];
  return {
    isHere: true,
    runtime: `${name} ${versionOf(require, name)} (${backend})`,
    notes: [...notes, ...slow],
    open: () => tfjsEngine(tf, { backend }),
  };
}

/** Not every package exports its package.json: the nearest one above its entry with its name is looked for. */
function versionOf(require: NodeJS.Require, name: string): string {
  for (let folder: string = dirname(require.resolve(name)); folder !== dirname(folder); folder = dirname(folder)) {
    const path = join(folder, 'package.json');
    if (!existsSync(path)) continue;
    const manifest: { name?: string; version?: string } = JSON.parse(readFileSync(path, 'utf8'));
    if (manifest.name === name) return manifest.version ?? '';
  }
  return '';
}
