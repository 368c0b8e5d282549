import type { DType, Shape } from '../core/tensor.ts';

/**
 * Size of one dimension of a value: a number, or a product that is known only when the graph runs. Sizes are compared
 * with `===`.
 */
export type Size = number | SymbolicSize;

/** Sizes of a value's dimensions, outermost first; `[]` is a scalar. */
export type SymbolicShape = readonly Size[];

/** Type of a value in a graph. That of a tensor, whose shape is known, is one of them. */
export interface SymbolicType {
  readonly dtype: DType;
  readonly shape: SymbolicShape;
}

/**
 * A product of symbols and a positive number, as `rows·width·64`. Equal products are one object, so it can stand as a key
 * and be compared as a number can.
 */
export class SymbolicSize {
  static readonly #made = new Map<string, SymbolicSize>();
  /** Names in order, a power of one as often as it is multiplied; never empty. */
  readonly symbols: readonly string[];
  readonly factor: number;
  readonly #text: string;

  private constructor(symbols: readonly string[], factor: number, text: string) {
    this.symbols = symbols;
    this.factor = factor;
    this.#text = text;
  }

  /** The product of symbols and a number; the number itself without symbols, or when it is 0. */
  static of(symbols: readonly string[], factor: number): Size {
    if (!isKnownSize(factor)) throw new Error(`sizes: ${[...symbols, factor].join('·')} is no size`);
    if (symbols.length === 0 || factor === 0) return factor;
    const sorted = symbols.toSorted();
    const text = [...sorted, ...(factor === 1 ? [] : [factor])].join('·');
    const made = SymbolicSize.#made.get(text) ?? new SymbolicSize(sorted, factor, text);
    SymbolicSize.#made.set(text, made);
    return made;
  }

  toString(): string {
    return this.#text;
  }
}

/**
 * A size that is known only when a graph runs, for shapes of its inputs and of what is computed from them. Equal names
 * are equal sizes. `Graph.freeDimension` sees to it that a graph gives a name once.
 *
 * @throws when the name could not be told from a product
 */
export function symbol(name: string): SymbolicSize {
  if (!/^[A-Za-z_]\w*$/.test(name))
    throw new Error(`sizes: a name is letters, digits and _, got ${JSON.stringify(name)}`);
  return SymbolicSize.of([name], 1) as SymbolicSize;
}

/** Whether a size is known only when the graph runs. */
export function isFree(size: Size): size is SymbolicSize {
  return typeof size !== 'number';
}

/** Whether no size of a shape has to wait for a run. */
export function isKnownShape(shape: SymbolicShape): shape is Shape {
  return !shape.some(isFree);
}

/** The shape in numbers. @throws `what: ... must be known before the graph runs` */
export function knownShape(shape: SymbolicShape, what: string): Shape {
  if (isKnownShape(shape)) return shape;
  throw new Error(`${what} must be known before the graph runs, got [${shape.join(', ')}]`);
}

/** The size as a number. Throws as `knownShape`. */
export function knownSize(size: Size, what: string): number {
  if (isFree(size)) throw new Error(`${what} must be known before the graph runs, got ${size}`);
  return size;
}

/** @throws when a factor is no size, or numbers multiply to more than a number holds exactly */
export function product(...sizes: SymbolicShape): Size {
  return SymbolicSize.of(
    sizes.flatMap(symbolsOf),
    sizes.reduce<number>((factor, size) => factor * factorOf(size), 1),
  );
}

/** Number of elements of a shape. */
export function elementsOf(shape: SymbolicShape): Size {
  return product(...shape);
}

/** The size that `divisor` has to be multiplied with. @throws when it is not known to divide, whatever the symbols are */
export function quotient(size: Size, divisor: Size): Size {
  if (size === 0 && divisor !== 0) return 0;
  const left = [...symbolsOf(size)];
  const missing = symbolsOf(divisor).filter((name) => {
    const found = left.indexOf(name);
    if (found >= 0) left.splice(found, 1);
    return found < 0;
  });
  const factor = factorOf(size) / factorOf(divisor);
  if (missing.length > 0 || !isKnownSize(factor)) {
    throw new Error(`sizes: ${size} is not known to be a multiple of ${divisor}`);
  }
  return SymbolicSize.of(left, factor);
}

/** Whether a number can be a size: not negative, and counted exactly. */
export function isKnownSize(number: number): boolean {
  return Number.isSafeInteger(number) && number >= 0;
}

function symbolsOf(size: Size): readonly string[] {
  return isFree(size) ? size.symbols : [];
}

function factorOf(size: Size): number {
  return isFree(size) ? size.factor : size;
}
