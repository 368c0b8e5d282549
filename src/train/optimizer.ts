import { AdamW, type AdamWOptions, adamWDefaults } from './adamW.ts';
import type { FlatArrays } from './flatArrays.ts';
import { Sgd, sgdDefaults } from './sgd.ts';

/** Turns gradients into updates, in place over flat arrays of one layout. */
export interface Optimizer {
  /** What it keeps from step to step, by name, for checkpoints. */
  readonly state: Readonly<Record<string, Float32Array>>;
  step(update: OptimizerStep): Promise<void>;
}

export interface OptimizerStep {
  /** Changed in place. */
  readonly parameters: Float32Array;
  /** Of the summed loss. */
  readonly gradients: Float32Array;
  /** What the gradients are multiplied with first: 1 / weight, times the clipping factor. */
  readonly gradientScale: number;
  readonly learningRate: number;
  /** Number of this update, from 1. */
  readonly step: number;
}

/** Adam is AdamW without weight decay. */
export type OptimizerOptions =
  | ({ readonly name: 'adamw' } & Partial<Omit<AdamWOptions, 'weightDecay'>>)
  | { readonly name: 'sgd'; readonly momentum?: number };

export function createOptimizer(
  arrays: FlatArrays,
  { name, ...options }: OptimizerOptions,
  weightDecay: number,
): Optimizer {
  if (name === 'sgd') return new Sgd(arrays, { ...sgdDefaults, ...options, weightDecay });
  return new AdamW(arrays, { ...adamWDefaults, ...options, weightDecay });
}
