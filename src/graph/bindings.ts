import type { Shape } from '../core/tensor.ts';
import { isFree, type Size, type SymbolicShape, type SymbolicType } from './sizes.ts';

/** What the symbols of a graph stand for in one run, by name. */
export type Bindings = ReadonlyMap<string, number>;

/** Where a run finds the number that a symbol stands for: an axis of an input is `factor` times it. */
export interface Measure {
  readonly input: string;
  readonly axis: number;
  readonly factor: number;
}

type Inputs = Iterable<readonly [name: string, type: Pick<SymbolicType, 'shape'>]>;

/** @throws when no input has the symbol, alone or times a number, as one of its sizes */
export function measureOf(symbol: string, inputs: Inputs): Measure {
  const measures: Measure[] = [];
  for (const [input, { shape }] of inputs) {
    shape.forEach((size, axis) => {
      if (isFree(size) && size.symbols.length === 1 && size.symbols[0] === symbol) {
        measures.push({ input, axis, factor: size.factor });
      }
    });
  }
  const measure = measures.find(({ factor }) => factor === 1) ?? measures[0];
  if (!measure) throw new Error(`graph: no input tells the size of ${symbol}`);
  return measure;
}

/** Where a run finds each symbol of the shapes. */
export function measuresOf(shapes: Iterable<SymbolicShape>, inputs: Inputs): ReadonlyMap<string, Measure> {
  const measures = new Map<string, Measure>();
  for (const size of [...shapes].flat()) {
    if (!isFree(size)) continue;
    for (const symbol of size.symbols) if (!measures.has(symbol)) measures.set(symbol, measureOf(symbol, inputs));
  }
  return measures;
}

/** A size in numbers. @throws when a symbol is not bound */
export function boundSize(size: Size, bindings: Bindings): number {
  if (!isFree(size)) return size;
  return size.symbols.reduce((product, symbol) => {
    const number = bindings.get(symbol);
    if (number === undefined) throw new Error(`sizes: nothing says what ${symbol} is`);
    return product * number;
  }, size.factor);
}

/** A shape in numbers. Throws as `boundSize`. */
export function boundShape(shape: SymbolicShape, bindings: Bindings): Shape {
  return shape.map((size) => boundSize(size, bindings));
}
