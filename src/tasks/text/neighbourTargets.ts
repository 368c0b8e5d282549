import { breathe } from '../../core/interrupt.ts';
import type { Engine } from '../../engine/engine.ts';
import type { Rows } from '../../evaluation/neighbours.ts';
import { Graph } from '../../graph/graph.ts';
import { shifted } from './objectives/likeStart.ts';

/** Vectors whose targets are computed together. */
const chunk = 256;

/**
 * What each vector is drawn to where texts of one kind are to draw together: the mean of itself and of its neighbours
 * (mean shift, Koohpayegani et al. 2021).
 *
 * @param vectors [n, size]
 * @param neighbours among which they are looked for [m, size]
 * @returns of length 1 [n, size]
 */
export async function neighbourTargets(
  engine: Engine,
  vectors: Rows,
  neighbours: Rows,
  signal?: AbortSignal,
): Promise<Rows> {
  const { data, size } = vectors;
  const graph = new Graph();
  const own = graph.input('vectors', 'float32', [chunk, size]);
  const others = graph.input('neighbours', 'float32', [neighbours.data.length / size, size]);
  graph.output('targets', shifted(own, others));
  const program = await engine.compile(graph);
  const all = { dtype: 'float32', shape: others.shape.map(Number), data: neighbours.data } as const;
  const targets = new Float32Array(data.length);
  try {
    for (let from = 0; from < data.length; from += chunk * size) {
      await breathe(signal);
      const part = new Float32Array(chunk * size);
      part.set(data.subarray(from, from + chunk * size));
      const made = await program.run({
        vectors: { dtype: 'float32', shape: [chunk, size], data: part },
        neighbours: all,
      });
      const rows = made.targets?.data as Float32Array;
      targets.set(rows.subarray(0, Math.min(rows.length, data.length - from)), from);
    }
  } finally {
    await program.dispose();
  }
  return { data: targets, size };
}
