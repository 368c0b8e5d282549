import type { Shape } from '../core/tensor.ts';
import type { Graph, Value } from './graph.ts';
import type { OpAttributes } from './ops/attributes.ts';
import { isKnownShape } from './sizes.ts';

/** A dropout mask that an engine may draw before a run, as its key is an input of the graph. */
export interface DrawnMask {
  readonly attributes: OpAttributes['dropoutMask'];
  readonly shape: Shape;
  /** Name of the graph's input with the key. */
  readonly key: string;
  readonly value: Value;
}

/** Dropout masks that a graph draws once each: one that it draws twice, it does not want to keep between its halves. */
export function masksDrawnOnce(graph: Graph): DrawnMask[] {
  const inputs = new Map([...graph.inputs].map(([name, value]) => [value, name]));
  const found = new Map<string, DrawnMask>();
  const twice = new Set<string>();
  for (const node of graph.liveNodes()) {
    if (node.op !== 'dropoutMask') continue;
    const attributes = node.attributes as OpAttributes['dropoutMask'];
    const [source, value] = [node.inputs[0], node.outputs[0]];
    const key = source && inputs.get(source);
    const { shape } = attributes;
    if (key === undefined || !value || !isKnownShape(shape)) continue;
    const name = JSON.stringify([key, attributes]);
    if (found.has(name)) twice.add(name);
    found.set(name, { attributes, shape, key, value });
  }
  return [...found].flatMap(([name, mask]) => (twice.has(name) ? [] : [mask]));
}
