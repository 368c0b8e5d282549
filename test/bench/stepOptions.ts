import { randomBelow } from '../../src/core/random.ts';
import { benchWeights, familyWeights } from './models.ts';
import type { StepShape } from './shapes.ts';

/** What every side of a step's benchmark starts from: the same weights, the same block. */
export interface StepOptions {
  /** Folder of the start weights. */
  readonly model: string;
  readonly shape: StepShape;
  readonly dropout: number;
  /** What computes it: ONNX Runtime without it, else TensorFlow.js on this backend. */
  readonly backend?: 'cpu' | 'wasm' | 'tensorflow';
  /** rows x width tokens. */
  readonly inputIds: readonly number[];
  /** What is predicted at places spread evenly over the block. */
  readonly labels: readonly number[];
}

/** Random weights, made once and kept, and random tokens. @param family `model_type`; BERT's own shape without it */
export async function stepOptions(shape: StepShape, dropout: number, family?: string): Promise<StepOptions> {
  const token = (purpose: 'sample' | 'order') => (_: unknown, i: number) =>
    randomBelow(shape.vocabularySize, 2, purpose, i);
  return {
    ...{ model: await (family === undefined ? benchWeights(shape) : familyWeights(shape, family)), shape, dropout },
    inputIds: Array.from({ length: shape.rows * shape.width }, token('sample')),
    labels: Array.from({ length: shape.predictions }, token('order')),
  };
}
