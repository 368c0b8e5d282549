import type { TfOps, TfTensor } from '../../graph/tfjs.ts';

/**
 * What is needed of the module of TensorFlow.js that a user brings: `import * as tf from '@tensorflow/tfjs-node-gpu'`,
 * `tfjs-node`, `tfjs`, or `tfjs-core` with a backend.
 */
export interface TfModule extends TfOps {
  tidy(run: () => void): void;
  keep(tensor: TfTensor): TfTensor;
  memory(): { numTensors: number; numBytes: number };
  getBackend(): string;
  setBackend(name: string): Promise<boolean>;
  ready(): Promise<void>;
}
