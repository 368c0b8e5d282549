import type { Graph, Node, Value } from '../../graph/graph.ts';

/** The nodes of a graph in the order in which they are computed, with numbers in place of values. */
export interface Plan {
  readonly steps: readonly PlannedStep[];
  /** Places for results. */
  readonly places: number;
  placeOf(value: Value): number;
}

export interface PlannedStep {
  readonly node: Node;
  readonly inputs: readonly number[];
  readonly outputs: readonly number[];
  /** Places that nothing after this step reads. */
  readonly frees: readonly number[];
}

/** Plans the live part of a graph: equal nodes of a half are computed once, and results are freed after their last reader. */
export function planOf(graph: Graph): Plan {
  const places = new Map<Value, number>();
  let next = 0;
  const give = (value: Value, place = next++) => {
    places.set(value, place);
    return place;
  };
  const placeOf = (value: Value) => {
    const place = places.get(value);
    if (place === undefined) throw new Error('graph: a value of another graph was used');
    return place;
  };
  for (const value of graph.inputs.values()) give(value);
  const scalars = new Map<string, number>();
  for (const [value, { dtype, shape, data }] of graph.constants) {
    const key = `${dtype} [${shape}] ${Object.is(data[0], -0) ? '-0' : data[0]}`;
    const place = give(value, data.length === 1 ? scalars.get(key) : undefined);
    if (data.length === 1) scalars.set(key, place);
  }
  const kept = next;
  const seen = new Map<string, readonly number[]>();
  const steps: Omit<PlannedStep, 'frees'>[] = [];
  for (const node of graph.liveNodes()) {
    const inputs = node.inputs.map(placeOf);
    const key = JSON.stringify([node.place.half, node.op, inputs, node.attributes]);
    const equal = seen.get(key);
    const outputs = node.outputs.map((value, i) => give(value, equal?.[i]));
    if (equal) continue;
    seen.set(key, outputs);
    steps.push({ node, inputs, outputs });
  }
  const held = new Set([...graph.outputs.values()].map(placeOf));
  const isFreed = (place: number) => place >= kept && !held.has(place);
  const frees = lastUses(steps).map((used) => used.filter(isFreed));
  return { steps: steps.map((step, i) => ({ ...step, frees: frees[i] ?? [] })), places: next, placeOf };
}

/** For each step, what none after it reads. */
function lastUses(steps: readonly Omit<PlannedStep, 'frees'>[]): number[][] {
  const later = new Set<number>();
  return steps
    .toReversed()
    .map(({ inputs, outputs }) => {
      const last = [...new Set([...inputs, ...outputs])].filter((place) => !later.has(place));
      for (const place of last) later.add(place);
      return last;
    })
    .toReversed();
}
