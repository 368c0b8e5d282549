import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import type { ParameterValues } from '../../src/nn/parameters.ts';
import { temporaryFolder } from '../temporary.ts';

/** A model folder of test/fixtures/hub. */
export function fixture(name: string): string {
  return join(import.meta.dirname, '..', 'fixtures', 'hub', name);
}

/** A writable copy of such a folder. */
export function fixtureCopy(name: string): string {
  const path = temporaryFolder();
  cpSync(fixture(name), path, { recursive: true });
  return path;
}

/** Changes keys of a folder's config.json; undefined takes a key out. */
export function editConfig(folder: string, changes: Record<string, unknown>): void {
  const path = join(folder, 'config.json');
  writeFileSync(path, JSON.stringify({ ...JSON.parse(readFileSync(path, 'utf8')), ...changes }));
}

/** Size, sum, sum weighted with 1, 2, 3, …, first and last value of each parameter, as transformers loads a folder. */
export function expectedFacts(name: string): Record<string, number[]> {
  return JSON.parse(readFileSync(fixture('expected.json'), 'utf8'))[name];
}

/** Float64 sums in another order than PyTorch's differ by rounding alone. */
export function expectFacts(values: ParameterValues, expected: Record<string, number[]>): void {
  expect([...values.keys()].sort()).toEqual(Object.keys(expected).sort());
  for (const [name, [size, sum, weighted, first, last]] of Object.entries(expected)) {
    const array = values.get(name) ?? new Float32Array();
    expect(array.length, name).toBe(size);
    expect(array[0], name).toBe(first);
    expect(array.at(-1), name).toBe(last);
    expect(
      array.reduce((total, value) => total + value, 0),
      name,
    ).toBeCloseTo(sum ?? Number.NaN, 9);
    expect(
      array.reduce((total, value, index) => total + value * (index + 1), 0),
      name,
    ).toBeCloseTo(weighted ?? Number.NaN, 7);
  }
}
