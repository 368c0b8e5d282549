import type { TfOps, TfTensor } from '../../graph/tfjs.ts';

/**
 * The module of TensorFlow.js that a user brings: `import * as tf from '@tensorflow/tfjs-node-gpu'`, `tfjs-node`, `tfjs`,
 * or `tfjs-core` with a backend. It is to have the functions that are needed; their own types, which no declaration here
 * could restate without a dependency, are left to it.
 */
export type BroughtTf = { readonly [Name in keyof TfModule]: (...given: never[]) => unknown };

/** What is needed of it beside the ops. */
export interface TfModule extends TfOps {
  tidy(run: () => void): void;
  keep(tensor: TfTensor): TfTensor;
  memory(): { numTensors: number; numBytes: number };
  /** Undefined before the first use. */
  getBackend(): string | undefined;
  setBackend(name: string): Promise<boolean>;
  ready(): Promise<void>;
}
