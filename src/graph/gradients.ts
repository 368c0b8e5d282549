import { tensor } from '../core/tensor.ts';
import { ForwardValues } from './forwardValues.ts';
import * as ops from './functions.ts';
import type { OpAttributes, OpName } from './ops/attributes.ts';
import { at, noGradient, type OpRecord } from './ops/record.ts';
import { broadcastAxes, sameShape } from './ops/shapes.ts';
import { opTable } from './ops/table.ts';
import type { GraphBuilder, Node, Value } from './value.ts';

export interface GradientOptions {
  /**
   * Keep nothing of the graph's segments between the halves but what enters them, and compute each once more in the
   * backward half: the same numbers for less memory and a third more work (Chen et al. 2016).
   */
  readonly recompute?: boolean;
}

/**
 * Reverse-mode differentiation: adds the nodes that compute d loss / d value for each of `values` and returns them in
 * order. Only what lies between `values` and the loss is walked, so nothing is built for frozen parts.
 *
 * @param loss a float32 scalar
 * @throws when the loss is no scalar, does not depend on a value, or the path runs through an op without gradient or
 *   through an output other than an op's first
 */
export function gradients(loss: Value, values: readonly Value[], { recompute = false }: GradientOptions = {}): Value[] {
  if (loss.shape.length > 0) throw new Error(`gradients: the loss must be a scalar, got [${loss.shape.join(', ')}]`);
  return loss.graph.inBackward(() => backward(loss, values, recompute));
}

function backward(loss: Value, values: readonly Value[], recompute: boolean): Value[] {
  const { graph } = loss;
  const dependent = dependents(graph, values);
  const forward = new ForwardValues(dependent, recompute);
  const found = new Map<Value, Value>([[loss, graph.constant(tensor('float32', [], Float32Array.of(1)))]]);
  for (const node of [...graph.nodes].reverse()) {
    const [first, ...further] = node.outputs;
    if (further.some((output) => found.has(output))) {
      throw new Error(`gradients: ${node.op} is differentiable through its first output alone`);
    }
    const gradient = first && found.get(first);
    if (!gradient || !node.outputs.some((output) => dependent.has(output))) continue;
    inputGradients(node, gradient, forward).forEach((contribution, i) => {
      const input = node.inputs[i];
      if (contribution === noGradient || !input || !dependent.has(input)) return;
      const reduced = sumToShape(contribution, input);
      const earlier = found.get(input);
      found.set(input, earlier ? accumulate(earlier, reduced) : reduced);
    });
  }
  return values.map((value, i) => {
    const gradient = found.get(value);
    if (!gradient) throw new Error(`gradients: the loss does not depend on value ${i}`);
    return gradient;
  });
}

function inputGradients<K extends OpName>(
  node: Node<K>,
  gradient: Value,
  forward: ForwardValues,
): (Value | typeof noGradient)[] {
  const record: OpRecord<OpAttributes[K]> = opTable[node.op];
  if (record.gradient === 'not differentiable') throw new Error(`gradients: ${node.op} is not differentiable`);
  const [inputs, outputs] = [forward.inputs(node), forward.outputs(node)];
  return record.gradient({ inputs, outputs, attributes: node.attributes, gradient });
}

/** Every value that depends on one of `values`, these included. */
function dependents(graph: GraphBuilder, values: readonly Value[]): Set<Value> {
  const dependent = new Set<Value>(values);
  for (const node of graph.nodes) {
    if (node.inputs.some((input) => dependent.has(input))) for (const output of node.outputs) dependent.add(output);
  }
  return dependent;
}

/**
 * The sum of two contributions; rows are added to a table that is there already, rather than to one more of zeros, and
 * parts that touch are joined.
 */
function accumulate(earlier: Value, contribution: Value): Value {
  const joined = joinedParts(earlier, contribution) ?? joinedParts(contribution, earlier);
  if (joined) return joined;
  const [indices, updates, table] = contribution.node?.inputs ?? [];
  if (contribution.node?.op !== 'scatterRows' || !indices || !updates || table) return ops.add(earlier, contribution);
  return ops.scatterRows(indices, updates, at(earlier.shape, 0), earlier);
}

/** The sum of two padded parts of which the second begins where the first ends, padded as a whole. */
function joinedParts(a: Value, b: Value): Value | undefined {
  if (a.node?.op !== 'pad' || b.node?.op !== 'pad') return undefined;
  const [first, second] = [a.node.attributes, b.node.attributes] as [OpAttributes['pad'], OpAttributes['pad']];
  const [start, end] = [at(a.node.inputs, 0), at(b.node.inputs, 0)];
  const { axis, before } = first;
  if (axis !== second.axis || before + Number(at(start.shape, axis)) !== second.before) return undefined;
  const [head, ...rest] = [...partsOf(start, axis), ...partsOf(end, axis)];
  const whole = ops.concat([head ?? start, ...rest], axis);
  const isAll = before === 0 && second.after === 0;
  return isAll ? whole : ops.pad(whole, { axis, before, after: second.after });
}

/** What a value was joined of along an axis, or itself. */
function partsOf(value: Value, axis: number): readonly Value[] {
  const { op, attributes, inputs } = value.node ?? {};
  const isJoined = op === 'concat' && (attributes as OpAttributes['concat']).axis === axis;
  return isJoined && inputs ? inputs : [value];
}

/** Undoes broadcasting: sums the gradient over the axes along which the input was repeated. */
function sumToShape(gradient: Value, input: Value): Value {
  if (sameShape(gradient.shape, input.shape)) return gradient;
  const summed = ops.sum(gradient, broadcastAxes(gradient.shape, input.shape));
  return sameShape(summed.shape, input.shape) ? summed : ops.reshape(summed, input.shape);
}
