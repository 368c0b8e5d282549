import { sizeOf } from '../core/tensor.ts';
import { elementsHeld } from '../engine/trainState.ts';
import { peakBytes } from '../graph/memory.ts';
import { chooseOptimizer, defaultOptimizer } from './optimizers/optimizers.ts';
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

/** Estimates the memory of a run from the graph of its first step, without running anything. */
export async function estimateMemory(task: TrainingTask, optimizer = defaultOptimizer): Promise<MemoryEstimate> {
  const elements = task.parameters.reduce((sum, { shape }) => sum + sizeOf(shape), 0);
  let [batches, key] = [0, ''];
  for await (const batch of task.update({ epoch: 0, index: 0 }).microBatches) {
    ({ key } = batch);
    if (++batches === 2) break;
  }
  // Each program keeps the memory it works with.
  const bytes = (recompute?: boolean) =>
    (task.keys ?? [key]).reduce((sum, each) => {
      const lossGraph = task.lossGraph(each);
      return sum + peakBytes(stepGraph({ ...lossGraph, recompute: recompute ?? lossGraph.recompute }));
    }, 0);
  const held = elementsHeld(chooseOptimizer(optimizer).rule, batches > 1);
  return { state: elements * 4 * held, step: bytes(), recomputed: () => bytes(true) };
}
