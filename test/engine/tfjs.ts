import '@tensorflow/tfjs-backend-cpu';
import '@tensorflow/tfjs-backend-wasm';
import * as tf from '@tensorflow/tfjs-core';
import { tfjsEngine } from '../../src/engine/tfjs/engine.ts';

// Else it advertises another package at its first use.
tf.enableProdMode();

export { tf };
export const tfjsCpu = tfjsEngine(tf, { backend: 'cpu' });
export const tfjsWasm = tfjsEngine(tf, { backend: 'wasm' });
