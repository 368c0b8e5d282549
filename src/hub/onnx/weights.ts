import { defined } from '../../core/errors.ts';
import { floatData, type Shape, sizeOf } from '../../core/tensor.ts';
import type { Graph, Value } from '../../graph/graph.ts';
import type { Weight } from '../../graph/lowering.ts';
import type { OnnxGraph, OnnxNode, StoredTensor } from '../../graph/onnx.ts';
import { onnxType } from '../../graph/ops/elementwise.ts';
import { knownShape } from '../../graph/sizes.ts';
import type { ParameterValues } from '../../nn/parameters.ts';
import { narrowToFloat16 } from '../halfPrecision.ts';
import type { ForwardGraph } from './graph.ts';

/** Weights as they are. */
export function fullWeights({ graph, parameters }: ForwardGraph, values: ParameterValues): Map<string, Weight> {
  return new Map(
    parameters.map((name) => {
      const { shape } = parameterType(graph, name);
      return [name, { dtype: 'float32', shape, data: defined(values.get(name), name) }];
    }),
  );
}

/**
 * Largest code of a table that is only read, and of a weight that is multiplied: processors without a dot product of
 * int8 add two products of a uint8 and a code in 16 bits, and 2 · 255 · 64 is what fits there. So the results are the
 * same on all.
 */
const largestCode = { read: 127, multiplied: 64 };

/** Bytes that the weights take in a file. */
export function storedBytes(forward: ForwardGraph, dtype: 'fp32' | 'fp16' | 'q8'): number {
  const bytes = forward.parameters.map((name) => {
    const { shape } = parameterType(forward.graph, name);
    if (dtype === 'q8' && isQuantized(name, shape, forward)) return sizeOf(shape) + 4 * (shape[0] ?? 0);
    return sizeOf(shape) * (dtype === 'fp16' ? 2 : 4);
  });
  return bytes.reduce((sum, size) => sum + size, 0);
}

function parameterType(graph: Graph, name: string): { readonly input: Value; readonly shape: Shape } {
  const input = defined(graph.inputs.get(name), name);
  return { input, shape: knownShape(input.shape, name) };
}

function isQuantized(name: string, shape: Shape, { neverQuantized }: ForwardGraph): boolean {
  return shape.length === 2 && !neverQuantized.has(name);
}

/** Matrices as int8 codes with a factor a row (Jacob et al. 2018), without zero points; the rest as it is. */
export function quantizedWeights(forward: ForwardGraph, values: ParameterValues): Map<string, Weight> {
  const multiplied = new Set(forward.graph.nodes.flatMap(({ op, inputs }) => (op === 'linear' ? inputs.slice(1) : [])));
  const weights = fullWeights(forward, values);
  for (const name of forward.parameters) {
    const { input, shape } = parameterType(forward.graph, name);
    if (!isQuantized(name, shape, forward)) continue;
    const largest = multiplied.has(input) ? largestCode.multiplied : largestCode.read;
    weights.set(name, quantizeRows(defined(values.get(name), name), shape, largest));
  }
  return weights;
}

function quantizeRows(values: Float32Array, shape: Shape, largest: number): Weight {
  const [rows = 0, columns = 0] = shape;
  const codes = new Int8Array(values.length);
  const scales = new Float32Array(rows);
  for (let row = 0; row < rows; row++) {
    const from = row * columns;
    let peak = 0;
    for (let i = from; i < from + columns; i++) peak = Math.max(peak, Math.abs(values[i] as number));
    const scale = Math.fround(peak / largest);
    scales[row] = scale;
    if (scale === 0) continue;
    for (let i = from; i < from + columns; i++) codes[i] = Math.round((values[i] as number) / scale);
  }
  return {
    codes: { dtype: 'int8', shape, data: codes },
    scales: { dtype: 'float32', shape: [rows, 1], data: scales },
  };
}

/**
 * The same model in float16 (IEEE 754 binary16) with float32 outputs.
 *
 * @param until the output up to which it computes in float16; what the model makes of that one stays in float32, as
 * lengths of vectors may lie outside of the other's range
 */
export function inHalfPrecision(model: OnnxGraph, until?: string): OnnxGraph {
  const { nodes, behind } = splitAt(model, until);
  const halves = new Set(nodes.flatMap(({ outputs }) => outputs));
  const outputs = new Map(
    model.outputs.flatMap(({ name }) => (halves.has(name) ? [[name, `%half ${name}`] as const] : [])),
  );
  const rename = (name: string) => outputs.get(name) ?? name;
  const halved = nodes.map(({ opType, domain, inputs, outputs: results, attributes }) => {
    const isToFloat = opType === 'Cast' && attributes.to === onnxType.float32;
    const kept = isToFloat ? { ...attributes, to: onnxType.float16 } : attributes;
    return { opType, domain, inputs: inputs.map(rename), outputs: results.map(rename), attributes: kept };
  });
  const casts: OnnxNode[] = [...outputs].map(([name, half]) => {
    return { opType: 'Cast', domain: '', inputs: [half], outputs: [name], attributes: { to: onnxType.float32 } };
  });
  const read = new Set(nodes.flatMap(({ inputs }) => inputs));
  const initializers = new Map<string, StoredTensor>();
  // Those that both halves of the model read are stored in both types.
  const full = (name: string) => (read.has(name) && isFloat(model.initializers.get(name)) ? `%full ${name}` : name);
  for (const [name, tensor] of model.initializers) {
    initializers.set(name, read.has(name) ? inHalf(tensor) : tensor);
    if (full(name) !== name && behind.some(({ inputs }) => inputs.includes(name))) initializers.set(full(name), tensor);
  }
  const others = behind.map((node) => ({ ...node, inputs: node.inputs.map(full) }));
  return { ...model, nodes: [...halved, ...casts, ...others], initializers };
}

function isFloat(tensor: StoredTensor | undefined): boolean {
  return tensor?.dtype === 'float32';
}

/** The nodes that an output needs, all of them without one, and the others. */
function splitAt({ nodes }: OnnxGraph, output: string | undefined): { nodes: OnnxNode[]; behind: OnnxNode[] } {
  if (output === undefined) return { nodes: [...nodes], behind: [] };
  const needed = new Set([output]);
  const isNeeded = new Set<OnnxNode>();
  for (const node of [...nodes].reverse()) {
    if (!node.outputs.some((name) => needed.has(name))) continue;
    isNeeded.add(node);
    for (const name of node.inputs) needed.add(name);
  }
  return { nodes: nodes.filter((node) => isNeeded.has(node)), behind: nodes.filter((node) => !isNeeded.has(node)) };
}

/** Largest number of float16. */
const largestHalf = 65504;

function inHalf(tensor: StoredTensor): StoredTensor {
  if (tensor.dtype !== 'float32') return tensor;
  const data = new Uint16Array(sizeOf(tensor.shape));
  // What keeps a pair of tokens from attending is so far below zero that it would be minus infinity.
  const values = floatData(tensor);
  const isConstant = tensor.shape.length === 0;
  narrowToFloat16(isConstant ? values.map((x) => Math.max(-largestHalf, Math.min(largestHalf, x))) : values, data);
  return { dtype: 'float16', shape: tensor.shape, data };
}
