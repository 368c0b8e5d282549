import { type DType, sizeOf } from '../core/tensor.ts';
import { type Bindings, boundShape } from './bindings.ts';
import type { Graph, Node, Value } from './graph.ts';
import { masksDrawnOnce } from './masks.ts';

/**
 * Most bytes of results that exist at once while the nodes run in the graph's order, each result freed after the last
 * node that reads it. Inputs, constants and outputs are the caller's and do not count; what an op needs within itself
 * does not, either. Dropout masks that are drawn once are there all the time.
 *
 * @param sizes what the symbols in the graph's shapes stand for
 * @throws when one is missing
 */
export function peakBytes(graph: Graph, sizes: Bindings = new Map()): number {
  const bytesOf = ({ dtype, shape }: Value) => sizeOf(boundShape(shape, sizes)) * elementBytes[dtype];
  const nodes = graph.liveNodes();
  const owned = ownersOf(nodes);
  const kept = new Set([...graph.outputs.values()].map((value) => owned.get(value) ?? value));
  const lastReader = new Map<Value, Node>();
  for (const node of nodes) for (const input of node.inputs) lastReader.set(owned.get(input) ?? input, node);
  const alive = new Map<Value, number>();
  const masks = masksDrawnOnce(graph).map(({ value }) => value);
  let bytes = masks.reduce((sum, mask) => sum + bytesOf(mask), 0);
  let peak = bytes;
  for (const mask of masks) kept.add(mask);
  for (const node of nodes) {
    for (const output of node.outputs) {
      if (owned.has(output) || kept.has(output)) continue;
      alive.set(output, bytesOf(output));
      bytes += bytesOf(output);
    }
    peak = Math.max(peak, bytes);
    for (const value of new Set([...node.inputs, ...node.outputs].map((each) => owned.get(each) ?? each))) {
      const isRead = lastReader.get(value);
      if (isRead !== undefined && isRead !== node) continue;
      bytes -= alive.get(value) ?? 0;
      alive.delete(value);
    }
  }
  return peak;
}

/** Values that are another view of the memory of the value they stand with. */
function ownersOf(nodes: readonly Node[]): Map<Value, Value> {
  const owned = new Map<Value, Value>();
  for (const { op, inputs, outputs } of nodes) {
    const [source] = inputs;
    const [view] = outputs;
    if (op === 'reshape' && source && view) owned.set(view, owned.get(source) ?? source);
  }
  return owned;
}

const elementBytes: Readonly<Record<DType, number>> = { float32: 4, int32: 4, int64: 8, uint32: 4, bool: 1 };
