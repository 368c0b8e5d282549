import type { Size, SymbolicShape, SymbolicType } from '../sizes.ts';

export function formatType({ dtype, shape }: SymbolicType): string {
  return `${dtype}[${shape.join(', ')}]`;
}

/** @throws `op: expected ..., got ...` */
export function expectShapes(op: string, fits: boolean, expected: string, inputs: readonly SymbolicType[]): void {
  if (!fits) throw new Error(`${op}: expected ${expected}, got ${inputs.map(formatType).join(', ')}`);
}

/**
 * The shape that both broadcast to, by NumPy's rule, or undefined. A size that is known only at a run fits itself and 1;
 * whether it fits others cannot be told, so that it does not.
 */
export function broadcastShapes(a: SymbolicShape, b: SymbolicShape): SymbolicShape | undefined {
  const rank = Math.max(a.length, b.length);
  const shape: Size[] = [];
  for (let i = 0; i < rank; i++) {
    const x = a[a.length - rank + i] ?? 1;
    const y = b[b.length - rank + i] ?? 1;
    if (x !== y && x !== 1 && y !== 1) return undefined;
    shape.push(x === 1 ? y : x);
  }
  return shape;
}

export function allFloat(types: readonly SymbolicType[]): boolean {
  return types.every(({ dtype }) => dtype === 'float32');
}

export function sameShape(a: SymbolicShape, b: SymbolicShape): boolean {
  return a.length === b.length && a.every((size, i) => size === b[i]);
}

/** Axes of `from` that have to be summed to arrive at `to`, which broadcasts to it. */
export function broadcastAxes(from: SymbolicShape, to: SymbolicShape): number[] {
  const offset = from.length - to.length;
  return from.flatMap((size, i) => (i < offset || (to[i - offset] === 1 && size !== 1) ? [i] : []));
}
