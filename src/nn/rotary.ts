import * as ops from '../graph/functions.ts';
import type { GraphBuilder, Value } from '../graph/value.ts';

/** Cosines and sines of rotary positions, float32 [places, headSize / 2] each. */
export interface RotaryTables {
  readonly cosines: Value;
  readonly sines: Value;
}

/**
 * The angles of places 0, 1, ... for heads of a size (Su et al. 2021): place · base^(-2i / headSize) in column i. They
 * are rounded where those of transformers are, far from the start of a text to a thousandth: models learned with these.
 */
export function rotaryTables(graph: GraphBuilder, base: number, headSize: number, places: number): RotaryTables {
  const half = headSize / 2;
  const frequencies = Float32Array.from({ length: half }, (_, i) => 1 / Math.fround(base ** ((2 * i) / headSize)));
  const angles = Float32Array.from({ length: places * half }, (_, at) => {
    return Math.floor(at / half) * (frequencies[at % half] as number);
  });
  const table = (f: (angle: number) => number) =>
    graph.constant({ dtype: 'float32', shape: [places, half], data: angles.map(f) });
  return { cosines: table(Math.cos), sines: table(Math.sin) };
}

/** Queries or keys [N, heads · headSize] turned by their places, int32 [N]. */
export function turned(x: Value, places: Value, { cosines, sines }: RotaryTables): Value {
  return ops.rotary(x, places, cosines, sines);
}
