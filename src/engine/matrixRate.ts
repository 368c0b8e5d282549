import { performance } from 'node:perf_hooks';
import type { HostTensor } from '../core/tensor.ts';
import * as ops from '../graph/functions.ts';
import { Graph, type Value } from '../graph/graph.ts';
import type { Engine } from './engine.ts';

/** Products of one run, so that what comes in and goes out counts little beside them. */
const products = 4;
const sizes = [128, 256, 512, 1024, 2048, 4096];
/** Seconds that a run has to take to be counted on. */
const enough = 0.15;
const repetitions = 3;

/** What an engine makes of square float32 matrices: 10⁹ multiplications and additions a second, the best of three runs. */
export async function matrixRate(engine: Engine): Promise<{ readonly gflops: number; readonly size: number }> {
  let best = { gflops: 0, size: 0 };
  for (const size of sizes) {
    const program = await engine.compile(chain(size));
    const inputs = { x: matrix(size, 1), w: matrix(size, 1 / size) };
    let seconds = Number.POSITIVE_INFINITY;
    for (let run = 0; run <= repetitions; run++) {
      const start = performance.now();
      await program.run(inputs);
      // The first run may still prepare something.
      if (run > 0) seconds = Math.min(seconds, (performance.now() - start) / 1000);
    }
    await program.dispose();
    best = { gflops: (2 * products * size ** 3) / seconds / 1e9, size };
    if (seconds > enough) break;
  }
  return best;
}

function chain(size: number): Graph {
  const graph = new Graph();
  const w = graph.input('w', 'float32', [size, size]);
  let x: Value = graph.input('x', 'float32', [size, size]);
  for (let i = 0; i < products; i++) x = ops.matmul(x, w);
  graph.output('corner', ops.sum(x, [0, 1]));
  return graph;
}

function matrix(size: number, value: number): HostTensor<'float32'> {
  return { dtype: 'float32', shape: [size, size], data: new Float32Array(size * size).fill(value) };
}
