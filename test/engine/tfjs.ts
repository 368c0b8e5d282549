import { createRequire } from 'node:module';
import { join } from 'node:path';
import '@tensorflow/tfjs-backend-cpu';
import '@tensorflow/tfjs-backend-wasm';
import * as tf from '@tensorflow/tfjs-core';
import { devices } from '../../src/engine/devices/table.ts';
import type { Engine } from '../../src/engine/engine.ts';
import { tfjsEngine } from '../../src/engine/tfjs/engine.ts';

// Else it advertises another package at its first use.
tf.enableProdMode();

export { tf };
export const tfjsCpu = tfjsEngine(tf, { backend: 'cpu' });
export const tfjsWasm = tfjsEngine(tf, { backend: 'wasm' });

/**
 * `@tensorflow/tfjs-node` of the folder that BERTUNE_TFJS names, on TensorFlow's own library, found as a user's is; undefined
 * where there is none.
 */
export async function tfjsNode(): Promise<Engine | undefined> {
  if (tfjsNodeFolder === '') return undefined;
  const found = await devices.tfjs.find(tfjsNodeFolder);
  if (!found.isHere) throw new Error(`BERTUNE_TFJS: ${found.reason}`);
  return found.open({});
}

const tfjsNodeFolder = process.env.BERTUNE_TFJS ?? '';

/** What the tensors of an engine hold. */
export function heldBy({ name }: Engine): { numTensors: number; numBytes: number } {
  const isNode = name === 'tfjs tensorflow';
  const module: Pick<typeof tf, 'memory'> = isNode
    ? createRequire(join(tfjsNodeFolder, 'program.js'))('@tensorflow/tfjs-node')
    : tf;
  const { numTensors, numBytes } = module.memory();
  return { numTensors, numBytes };
}
