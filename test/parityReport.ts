import { stdout } from 'node:process';
import type { Reporter, TestCase, TestModule } from 'vitest/node';
import type { ParityError } from './parity.ts';

/**
 * A vitest reporter that prints one table after a run: the largest errors against the reference values by fixture (the
 * outermost `describe`) and kind of number, over all tests that compared any.
 */
export default class ParityReport implements Reporter {
  onTestRunEnd(modules: readonly TestModule[]): void {
    const tests = modules.flatMap((module) => [...module.children.allTests()]);
    const passed = tests.filter((test) => test.result().state === 'passed').length;
    const rows = [...merged(tests)].sort(([a], [b]) => (a < b ? -1 : 1)).map(([key, error]) => [key, ...cells(error)]);
    stdout.write(`${aligned([['fixture and kind', 'numbers', 'absolute', 'relative'], ...rows])}\n`);
    const held = modules.every((module) => module.ok());
    stdout.write(`${passed} tests passed; ${held ? 'every error is within its tolerance' : 'others failed'}\n`);
  }
}

function merged(tests: readonly TestCase[]): Map<string, ParityError> {
  const rows = new Map<string, ParityError>();
  for (const test of tests) {
    for (const error of test.meta().parity ?? []) {
      const [fixture, ...titles] = test.fullName.split(' > ');
      // Errors of ONNX Runtime, which is what runs use, are not to be hidden behind another engine's.
      const other = titles.find((title) => title.startsWith('on tfjs'));
      const key = `${fixture}: ${error.quantity}${other ? ` ${other}` : ''}`;
      const earlier = rows.get(key);
      rows.set(key, earlier ? worst(earlier, error) : error);
    }
  }
  return rows;
}

function worst(a: ParityError, b: ParityError): ParityError {
  const relative = [a.relative, b.relative].filter((value) => value !== null);
  return {
    quantity: a.quantity,
    values: a.values + b.values,
    absolute: Math.max(a.absolute, b.absolute),
    relative: relative.length > 0 ? Math.max(...relative) : null,
  };
}

function cells({ values, absolute, relative }: ParityError): string[] {
  return [String(values), number(absolute), relative === null ? '-' : number(relative)];
}

function number(value: number): string {
  return value === 0 ? '0' : value.toExponential(1);
}

/** Columns as wide as their widest cell, the first to the left. */
export function aligned(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  const cell = (text: string, column: number) =>
    column === 0 ? text.padEnd(widths[0] ?? 0) : text.padStart(widths[column] ?? 0);
  return rows.map((row) => row.map(cell).join('  ')).join('\n');
}
