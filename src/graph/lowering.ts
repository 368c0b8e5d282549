import type { HostTensor } from '../core/tensor.ts';
import { measureOf } from './bindings.ts';
import type { Graph, Node, Value } from './graph.ts';
import type { Emitter, OnnxGraph, OnnxNode, StoredTensor } from './onnx.ts';
import type { OpAttributes, OpName } from './ops/attributes.ts';
import { onnxType } from './ops/elementwise.ts';
import { at, type OpRecord } from './ops/record.ts';
import { opTable } from './ops/table.ts';
import { isFree, isKnownShape, type Size } from './sizes.ts';

/** A weight of a model: its values, or int8 codes [rows, columns] with the factor of each row, float32 [rows, 1]. */
export type Weight =
  | HostTensor<'float32'>
  | { readonly codes: Extract<StoredTensor, { dtype: 'int8' }>; readonly scales: HostTensor<'float32'> };

export interface LoweringOptions {
  /** Values of inputs that are stored in the model, by name. */
  readonly weights?: ReadonlyMap<string, Weight>;
  /** Results of nodes that are handed in at every run, by the names that they get as inputs. */
  readonly given?: ReadonlyMap<Value, string>;
}

/**
 * Lowers the live part of a graph to ONNX. In training, parameters and data are inputs and only small constants are
 * stored inside.
 */
export function lowerToOnnx(graph: Graph, { weights = new Map(), given = new Map() }: LoweringOptions = {}): OnnxGraph {
  const nodes: OnnxNode[] = [];
  const initializers = new Map<string, StoredTensor>();
  const names = new Map([...nameValues(graph), ...given]);
  for (const [value, tensor] of graph.constants) initializers.set(nameIn(names, value), tensor);
  for (const [name, weight] of weights) {
    initializers.set(name, 'codes' in weight ? weight.codes : weight);
    if ('codes' in weight) initializers.set(scalesOf(name), weight.scales);
  }
  const emit = emitter(graph, nodes, initializers);
  const halves: string[] = [];
  for (const node of graph.liveNodes()) {
    if (node.outputs.every((output) => given.has(output))) continue;
    lowerNode(node, names, emit, weights);
    while (halves.length < nodes.length) halves.push(node.place.half);
  }
  for (const [name, value] of graph.outputs) emit.into([name], 'Identity', [nameIn(names, value)]);
  return {
    inputs: [
      ...[...graph.inputs].flatMap(([name, type]) => (weights.has(name) ? [] : { name, type })),
      ...[...given].map(([type, name]) => ({ name, type })),
    ],
    outputs: [...graph.outputs].map(([name, type]) => ({ name, type })),
    nodes: leavesReversed(
      absorbIdentities(mergeEqual(nodes, halves), new Set([...graph.inputs.keys(), ...given.values()]), initializers),
    ),
    initializers,
  };
}

function lowerNode<K extends OpName>(
  node: Node<K>,
  names: ReadonlyMap<Value, string>,
  emit: Emitter,
  weights: ReadonlyMap<string, Weight>,
): void {
  const record: OpRecord<OpAttributes[K]> = opTable[node.op];
  const inputs = node.inputs.map((value) => nameIn(names, value));
  const context = {
    emit,
    inputs,
    outputs: node.outputs.map((value) => nameIn(names, value)),
    attributes: node.attributes,
    inputTypes: node.inputs,
    outputTypes: node.outputs,
  };
  const coded = inputs.filter((name) => 'codes' in (weights.get(name) ?? {}));
  const [weight] = coded;
  if (weight === undefined) {
    record.lower(context);
    return;
  }
  if (!record.lowerQuantized || weight !== inputs[record.weightInput ?? -1]) {
    throw new Error(`graph: ${node.op} takes no int8 codes in place of ${coded.join(' and ')}`);
  }
  record.lowerQuantized({ ...context, scales: scalesOf(weight) });
}

function scalesOf(weight: string): string {
  return `${weight} scales`;
}

function nameValues(graph: Graph): Map<Value, string> {
  const names = new Map<Value, string>();
  for (const [name, value] of graph.inputs) names.set(value, name);
  for (const [value, { dtype, shape, data }] of graph.constants) {
    const isScalar = dtype === 'float32' && shape.length === 0;
    names.set(value, isScalar ? scalarName(Number(data[0])) : `%${value.id}`);
  }
  for (const node of graph.nodes) for (const output of node.outputs) names.set(output, `%${output.id}`);
  return names;
}

function nameIn(names: ReadonlyMap<Value, string>, value: Value): string {
  const name = names.get(value);
  if (name === undefined) throw new Error('graph: a value of another graph was used');
  return name;
}

function emitter(graph: Graph, nodes: OnnxNode[], initializers: Map<string, StoredTensor>): Emitter {
  let next = 0;
  const shared = (key: string, make: () => HostTensor) => {
    if (!initializers.has(key)) initializers.set(key, make());
    return key;
  };
  const node: Emitter['node'] = (opType, inputs, attributes = {}, domain = '') => {
    const output = `%t${next++}`;
    nodes.push({ opType, domain, inputs, outputs: [output], attributes });
    return output;
  };
  const integers: Emitter['integers'] = (values) =>
    shared(`%integers ${values.join(' ')}`, () => ({
      dtype: 'int64',
      shape: [values.length],
      data: BigInt64Array.from(values, BigInt),
    }));
  const measured = (symbol: string) => {
    const { input, axis, factor } = measureOf(symbol, graph.inputs);
    const length = node('Shape', [input], { start: axis, end: axis + 1 });
    return factor === 1 ? length : node('Div', [length, integers([factor])]);
  };
  const sizeList = (size: Size) => {
    if (!isFree(size)) return integers([size]);
    const factors = size.symbols.map(measured);
    if (size.factor !== 1) factors.push(integers([size.factor]));
    return factors.reduce((product, factor) => node('Mul', [product, factor]));
  };
  const shape: Emitter['shape'] = (sizes) =>
    isKnownShape(sizes) ? integers(sizes) : node('Concat', sizes.map(sizeList), { axis: 0 });
  const into: Emitter['into'] = (outputs, opType, inputs, attributes = {}, domain = '') => {
    nodes.push({ opType, domain, inputs, outputs, attributes });
  };
  const reshape: Emitter['reshape'] = (source, sizes, outputs) => {
    const hasNone = sizes.includes(0); // which a Reshape takes for the size that the source has there
    // One size that is not known a Reshape finds out by itself.
    const isOneFree = !hasNone && sizes.filter(isFree).length === 1;
    const list = isOneFree ? integers(sizes.map((size) => (isFree(size) ? -1 : size))) : shape(sizes);
    const results = outputs ?? [`%t${next++}`];
    into(results, 'Reshape', [source, list], hasNone ? { allowzero: 1 } : {});
    return at(results, 0);
  };
  return {
    node,
    into,
    scalar: (value) =>
      shared(scalarName(Math.fround(value)), () => ({ dtype: 'float32', shape: [], data: Float32Array.of(value) })),
    integers,
    shape,
    reshape,
    size: (size) => node('Cast', [reshape(sizeList(size), [])], { to: onnxType.int32 }),
    shared,
  };
}

/** Scalars of one value share a name, so that nodes that differ in nothing else are equal. */
function scalarName(value: number): string {
  return `%scalar ${Object.is(value, -0) ? '-0' : value}`;
}

/** Leaves out nodes that compute what an earlier one of the same half computes. */
function mergeEqual(nodes: readonly OnnxNode[], halves: readonly string[]): OnnxNode[] {
  const renamed = new Map<string, string>();
  const rename = (name: string) => renamed.get(name) ?? name;
  const seen = new Map<string, OnnxNode>();
  const merged: OnnxNode[] = [];
  nodes.forEach((node, i) => {
    const inputs = node.inputs.map(rename);
    const { opType, domain, attributes } = node;
    const wanted = node.outputs.map((name) => name !== '');
    const key = JSON.stringify([halves[i] ?? i, opType, domain, inputs, attributes, wanted]);
    const equal = seen.get(key);
    if (equal) {
      node.outputs.forEach((name, j) => {
        renamed.set(name, equal.outputs[j] ?? '');
      });
    } else {
      seen.set(key, node);
      merged.push({ ...node, inputs });
    }
  });
  return merged;
}

/** Lets the node that computes a graph output write it under the output's name, instead of copying it at the end. */
function absorbIdentities(
  nodes: OnnxNode[],
  inputs: ReadonlySet<string>,
  initializers: ReadonlyMap<string, StoredTensor>,
): OnnxNode[] {
  const renamed = new Map<string, string>();
  const kept = nodes.filter((node) => {
    if (node.opType !== 'Identity') return true;
    const source = at(node.inputs, 0);
    if (inputs.has(source) || initializers.has(source) || renamed.has(source)) return true;
    renamed.set(source, at(node.outputs, 0));
    return false;
  });
  const rename = (name: string) => renamed.get(name) ?? name;
  return kept.map((node) => ({ ...node, inputs: node.inputs.map(rename), outputs: node.outputs.map(rename) }));
}

/**
 * ONNX Runtime runs what the last leaf needs first, and so back to the first leaf. With the leaves at the end in reverse
 * order it takes the outputs in the graph's order: a step's gradients as the backward half reaches them, each freeing the
 * activations it was the last to need.
 */
function leavesReversed(nodes: readonly OnnxNode[]): OnnxNode[] {
  const used = new Set(nodes.flatMap((node) => node.inputs));
  const isLeaf = (node: OnnxNode) => !node.outputs.some((output) => used.has(output));
  return [...nodes.filter((node) => !isLeaf(node)), ...nodes.filter(isLeaf).reverse()];
}
