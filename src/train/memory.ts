import { sizeOf } from '../core/tensor.ts';
import { elementsHeld } from '../engine/trainState.ts';
import { peakBytes } from '../graph/memory.ts';
import type { Reduction } from './collective.ts';
import { chooseOptimizer, defaultOptimizer, type OptimizerOptions } from './optimizers/optimizers.ts';
import { stepGraph } from './programs.ts';
import type { TrainingTask } from './task.ts';

/** What a run is going to need, in bytes. */
export interface MemoryEstimate {
  /** Parameters, gradients and the optimizer's state. */
  readonly state: number;
  /** What a step keeps between its halves and works with. */
  readonly step: number;
  /** The same when each segment is computed once more. */
  recomputed(): number;
}

/** What the memory of a run goes by beside its task. */
export interface EstimateOptions {
  readonly optimizer?: OptimizerOptions;
  readonly reduction?: Reduction;
  /** Processes that share out the micro-batches. */
  readonly processes?: number;
}

/** Estimates the memory of a run from the graph of its first step, without running anything. */
export async function estimateMemory(
  task: TrainingTask,
  { optimizer = defaultOptimizer, reduction, processes = 1 }: EstimateOptions = {},
): Promise<MemoryEstimate> {
  const elements = task.parameters.reduce((sum, { shape }) => sum + sizeOf(shape), 0);
  const isOrdered = reduction === 'exact' && processes > 1;
  let [batches, key] = [0, ''];
  for await (const batch of task.update({ epoch: 0, index: 0 }).microBatches) {
    ({ key } = batch);
    batches++;
    if (batches === 2 && !isOrdered) break;
  }
  // Each program keeps the memory it works with.
  const bytes = (recompute?: boolean) =>
    (task.keys ?? [key]).reduce((sum, each) => {
      const lossGraph = task.lossGraph(each);
      return sum + peakBytes(stepGraph({ ...lossGraph, recompute: recompute ?? lossGraph.recompute }));
    }, 0);
  const gradients = isOrdered ? Math.ceil(batches / processes) : Math.min(2, batches);
  const held = elementsHeld(chooseOptimizer(optimizer).rule, gradients);
  return { state: elements * 4 * held, step: bytes(), recomputed: () => bytes(true) };
}
