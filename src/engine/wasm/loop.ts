import { floatData } from '../../core/tensor.ts';
import type { Graph, Node, Value } from '../../graph/graph.ts';
import { isFree } from '../../graph/sizes.ts';
import { type Code, instruction, moduleOf, valueType } from './encoding.ts';

/** Elements that one turn of a loop computes. */
export const turnElements = 16;

/** Bytes that a sum takes where results are written: four partial sums, double precision. */
export const sumBytes = 32;

/**
 * A graph of arithmetic as one loop: `run(count, results, ...vectors, ...scalars)`. `count` is in elements, a multiple of
 * `turnElements`, so shorter vectors need room beyond their end; `results` is the address of the sums; `vectors` are the
 * addresses of the inputs and outputs of the size of the loop, and `scalars` the numbers, in the orders given here.
 */
export interface Loop {
  readonly module: Uint8Array<ArrayBuffer>;
  readonly size: number;
  readonly vectorInputs: readonly string[];
  readonly vectorOutputs: readonly string[];
  readonly scalarInputs: readonly string[];
  readonly sums: readonly string[];
}

/**
 * Turns a graph over float32 vectors of one size and scalars into one pass over memory.
 *
 * @throws when a node is neither arithmetic nor a sum that is an output
 */
export function loopOf(graph: Graph): Loop {
  const inputs = [...graph.inputs];
  const outputs = [...graph.outputs];
  const size = inputs.find(([, value]) => value.shape.length === 1)?.[1].shape[0] ?? 0;
  const isVector = ([, value]: [string, Value]) => value.shape.length === 1 && value.shape[0] === size;
  const isScalar = ([, value]: [string, Value]) => value.shape.length === 0;
  if (!inputs.every((input) => isVector(input) || isScalar(input)) || isFree(size) || size === 0) {
    throw new Error('loops: inputs must be vectors of one size and scalars');
  }
  const vectorInputs = inputs.filter(isVector);
  const scalarInputs = inputs.filter(isScalar);
  const sums = outputs.filter(([, { node }]) => node?.op === 'sum');
  const vectorOutputs = outputs.filter(([, { node }]) => node?.op !== 'sum');
  if (sums.length > 0 && size % turnElements !== 0) {
    throw new Error(`loops: sums are over a multiple of ${turnElements} elements`);
  }
  if (!vectorOutputs.every(isVector)) throw new Error('loops: outputs must be vectors of that size or sums');

  const addresses = vectorInputs.length + vectorOutputs.length;
  const parameters = [
    ...new Array(2 + addresses).fill(valueType.i32),
    ...new Array(scalarInputs.length).fill(valueType.f32),
  ];
  const [count, results, firstAddress, firstScalar] = [0, 1, 2, 2 + addresses];
  let locals = parameters.length;
  const newVector = () => locals++;

  const start: number[] = []; // before the loop
  const fixed = new Map<Value, number>();
  const spread = (value: Value, number: Code) => {
    const vector = newVector();
    fixed.set(value, vector);
    start.push(...number, ...instruction.splat, ...instruction.set(vector));
  };
  scalarInputs.forEach(([, value], i) => {
    spread(value, instruction.get(firstScalar + i));
  });
  for (const [value, tensor] of graph.constants) {
    if (value.shape.length === 0) spread(value, instruction.float(floatData(tensor)[0] ?? 0));
  }
  const sumVectors = sums.map(() => [newVector(), newVector()] as const);

  const nodes = graph.liveNodes();
  const vectorOf = new Map<Value, number>(fixed);
  for (const [, value] of vectorInputs) vectorOf.set(value, newVector());
  for (const { outputs } of nodes) for (const value of outputs) vectorOf.set(value, newVector());
  const at = (value: Value | undefined) => {
    const vector = value && vectorOf.get(value);
    if (vector === undefined) throw new Error('loops: a constant that is no scalar');
    return vector;
  };

  const turn = (offset: number): number[] => [
    ...vectorInputs.flatMap(([, value], i) => [
      ...instruction.get(firstAddress + i),
      ...instruction.load(offset),
      ...instruction.set(at(value)),
    ]),
    ...nodes.flatMap((node) => arithmetic(node, at)),
    ...vectorOutputs.flatMap(([, value], i) => [
      ...instruction.get(firstAddress + vectorInputs.length + i),
      ...instruction.get(at(value)),
      ...instruction.store(offset),
    ]),
    ...sums.flatMap(([, { node }], i) => addTo(sumVectors[i] ?? [0, 0], at(node?.inputs[0]))),
  ];
  const advance = Array.from({ length: addresses }, (_, i) => [
    ...instruction.get(firstAddress + i),
    ...instruction.integer(4 * turnElements),
    ...instruction.addIntegers,
    ...instruction.set(firstAddress + i),
  ]).flat();
  const countDown = [
    ...instruction.get(count),
    ...instruction.integer(turnElements),
    ...instruction.subtractIntegers,
    ...instruction.tee(count),
  ];
  const body = [
    ...start,
    ...instruction.loop([...[0, 16, 32, 48].flatMap(turn), ...advance, ...countDown]),
    ...sumVectors.flatMap((pair, i) =>
      pair.flatMap((vector, half) => [
        ...instruction.get(results),
        ...instruction.get(vector),
        ...instruction.store(i * sumBytes + 16 * half),
      ]),
    ),
  ];
  const names = (pairs: readonly (readonly [string, Value])[]) => pairs.map(([name]) => name);
  return {
    module: moduleOf(parameters, locals - parameters.length, body),
    size,
    vectorInputs: names(vectorInputs),
    vectorOutputs: names(vectorOutputs),
    scalarInputs: names(scalarInputs),
    sums: names(sums),
  };
}

/** Four lanes of a node's result, from those of its inputs. */
function arithmetic({ op, inputs, outputs }: Node, at: (value: Value | undefined) => number): Code {
  if (op === 'sum') return [];
  const known: Partial<Record<Node['op'], Code>> = {
    add: instruction.add,
    subtract: instruction.subtract,
    multiply: instruction.multiply,
    divide: instruction.divide,
    negate: instruction.negate,
    sqrt: instruction.sqrt,
  };
  const code = known[op];
  if (!code) throw new Error(`loops: no ${op}`);
  return [...inputs.flatMap((input) => instruction.get(at(input))), ...code, ...instruction.set(at(outputs[0]))];
}

/** Adds four floats to sums of double precision. */
function addTo([lower, upper]: readonly [number, number], vector: number): Code {
  return [
    ...[...instruction.get(lower), ...instruction.get(vector), ...instruction.widen, ...instruction.addDoubles],
    ...instruction.set(lower),
    ...[...instruction.get(upper), ...instruction.upperHalf(vector), ...instruction.widen, ...instruction.addDoubles],
    ...instruction.set(upper),
  ];
}
