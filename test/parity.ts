import { expect, TestRunner } from 'vitest';

declare module 'vitest' {
  interface TaskMeta {
    /** What a test compared with the reference; `parityReport.ts` prints it. */
    parity?: ParityError[];
  }
}

/** How far numbers of one kind are from the reference. */
export interface ParityError {
  readonly quantity: string;
  /** Numbers compared. */
  readonly values: number;
  /** Largest difference. */
  readonly absolute: number;
  /** The same over the largest expected magnitude, or null where the reference is no more than rounding itself. */
  readonly relative: number | null;
}

export interface Comparison {
  /** What kind of numbers these are: errors of one kind share a row of the report. */
  readonly quantity: string;
  /** What is compared, for the message; the quantity when absent. */
  readonly name?: string;
  /** Largest difference allowed, as a share of the largest expected magnitude. */
  readonly tolerance: number;
  /**
   * The magnitude that counts where the expected ones are all smaller: that of the terms whose sums these numbers are,
   * and so whose rounding they carry.
   */
  readonly floor?: number;
}

/** Compares numbers with the reference's, and remembers the error for the report. */
export function expectClose(
  found: ArrayLike<number> | undefined,
  expected: ArrayLike<number> | undefined,
  { quantity, name = quantity, tolerance, floor = 0 }: Comparison,
): void {
  if (!found || !expected) throw new Error(`${name}: ${found ? 'nothing to compare with' : 'not found'}`);
  expect(found.length, name).toBe(expected.length);
  let magnitude = 0;
  let absolute = 0;
  for (let i = 0; i < expected.length; i++) {
    magnitude = Math.max(magnitude, Math.abs(expected[i] as number));
    const distance = Math.abs((found[i] as number) - (expected[i] as number));
    absolute = Number.isNaN(distance) ? Number.POSITIVE_INFINITY : Math.max(absolute, distance);
  }
  const relative = magnitude > negligible ? absolute / magnitude : null;
  rememberError({ quantity, values: expected.length, absolute, relative });
  expect(absolute, `${name}: largest difference`).toBeLessThanOrEqual(tolerance * Math.max(floor, magnitude));
}

/** Keeps an error for the report of the run. */
export function rememberError(error: ParityError): void {
  const meta = TestRunner.getCurrentTest()?.meta;
  if (meta) meta.parity = [...(meta.parity ?? []), error];
}

/** Sums that cancel leave about this much in float64. */
const negligible = 1e-12;
