import type { Graph, Value } from './graph.ts';
import { formatType } from './ops/shapes.ts';
import { SymbolicSize } from './sizes.ts';

/** The live part of a graph as text, a line a node: `%4: float32[2, 3] = matmul(%0, %1, transposeB=true)`. */
export function printGraph(graph: Graph): string {
  const names = new Map<Value, string>();
  const lines: string[] = [];
  for (const [name, value] of graph.inputs) {
    names.set(value, name);
    lines.push(`input ${name}: ${formatType(value)}`);
  }
  for (const [value, tensor] of graph.constants) {
    names.set(value, tensor.data.length === 1 ? String(tensor.data[0]) : `constant ${formatType(value)}`);
  }
  const nameOf = (value: Value) => names.get(value) ?? `%${value.id}`;
  for (const node of graph.liveNodes()) {
    const results = node.outputs.map((output) => `${nameOf(output)}: ${formatType(output)}`).join(', ');
    const attributes = Object.entries(node.attributes).map(([key, value]) => `${key}=${formatAttribute(value)}`);
    lines.push(`${results} = ${node.op}(${[...node.inputs.map(nameOf), ...attributes].join(', ')})`);
  }
  for (const [name, value] of graph.outputs) lines.push(`output ${name} = ${nameOf(value)}`);
  return lines.join('\n');
}

function formatAttribute(value: unknown): string {
  if (value instanceof SymbolicSize) return String(value);
  return Array.isArray(value) ? `[${value.join(',')}]` : JSON.stringify(value);
}
