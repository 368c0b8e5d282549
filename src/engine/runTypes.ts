import { type HostTensor, zeros } from '../core/tensor.ts';
import { type Bindings, boundShape, type Measure, measuresOf } from '../graph/bindings.ts';
import type { Graph, Node } from '../graph/graph.ts';
import { formatType, sameShape } from '../graph/ops/shapes.ts';
import { isFree, isKnownSize, type SymbolicType } from '../graph/sizes.ts';
import type { NamedTensors } from './engine.ts';

/** The types of what a program is handed: those of its graph, where each run tells what the symbols stand for. */
export class RunTypes {
  /** Inputs that every run hands in. */
  readonly inputs: readonly (readonly [name: string, type: SymbolicType])[];
  readonly #measures: ReadonlyMap<string, Measure>;
  readonly #neverZero: ReadonlySet<string>;

  /**
   * @param stored inputs that are part of the program
   * @throws when no input tells what a symbol stands for
   */
  constructor({ inputs, outputs, nodes }: Graph, stored: ReadonlySet<string>) {
    this.inputs = [...inputs].filter(([name]) => !stored.has(name));
    const shapes = [...this.inputs, ...outputs].map(([, { shape }]) => shape);
    this.#neverZero = new Set(nodes.flatMap(reshapedSymbols));
    this.#measures = measuresOf(shapes, this.inputs);
  }

  /** What the symbols stand for in a run. @throws when an input is missing, of another dtype or rank, or empty */
  bind(given: NamedTensors): Bindings {
    for (const [name, type] of this.inputs) {
      const tensor = given[name];
      if (!tensor) throw new Error(`engine: input ${name}: ${formatType(type)} is missing`);
      if (tensor.dtype !== type.dtype || tensor.shape.length !== type.shape.length) throw refusal(name, type, tensor);
    }
    return new Map([...this.#measures].map(([symbol, measure]) => [symbol, this.#measured(symbol, measure, given)]));
  }

  /** Refuses a tensor that is not of the type in this run. */
  check(name: string, type: SymbolicType, tensor: HostTensor, sizes: Bindings): void {
    const fits = tensor.dtype === type.dtype && sameShape(tensor.shape, boundShape(type.shape, sizes));
    if (fits) return;
    const symbols = new Set(type.shape.flatMap((size) => (isFree(size) ? size.symbols : [])));
    const told = [...symbols].map((symbol) => {
      return `${symbol} = ${sizes.get(symbol)} as in ${this.#measures.get(symbol)?.input}`;
    });
    throw refusal(name, type, tensor, told);
  }

  #measured(symbol: string, { input, axis, factor }: Measure, given: NamedTensors): number {
    const tensor = given[input];
    const size = (tensor?.shape[axis] ?? 0) / factor;
    const type = this.inputs.find(([name]) => name === input)?.[1];
    if (!tensor || !type) return size;
    if (size === 0 && this.#neverZero.has(symbol)) throw refusal(input, type, tensor, [`${symbol} of at least 1`]);
    if (!isKnownSize(size)) throw refusal(input, type, tensor);
    return size;
  }
}

/** Symbols of a shape that a Reshape computes in a run, where it takes a 0 for the size that its source has there. */
function reshapedSymbols({ op, outputs }: Node): readonly string[] {
  const free = outputs.flatMap(({ shape }) => shape.filter(isFree));
  const isComputed = op === 'attention' || (op === 'reshape' && free.length > 1);
  return isComputed ? free.flatMap(({ symbols }) => symbols) : [];
}

/** A new tensor of a type in this run. */
export function newTensor({ dtype, shape }: SymbolicType, sizes: Bindings): HostTensor {
  return zeros(dtype, boundShape(shape, sizes));
}

function refusal(name: string, type: SymbolicType, tensor: HostTensor, told: readonly string[] = []): Error {
  const where = told.length > 0 ? ` with ${told.join(' and ')}` : '';
  return new Error(`engine: ${name} must be ${formatType(type)}${where}, got ${formatType(tensor)}`);
}
