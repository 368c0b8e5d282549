import { stdout } from 'node:process';
import type { Reporter, TestCase, TestModule } from 'vitest/node';
import type { ParityError } from './parity.ts';
import { aligned } from './parityReport.ts';

/**
 * A vitest reporter that prints one table after a run: the largest difference from the reference of each kind of number
 * and engine, as a share of the largest number that was expected. Tests name their engine by a `describe` of its title.
 */
export default class EngineReport implements Reporter {
  onTestRunEnd(modules: readonly TestModule[]): void {
    const tests = modules.flatMap((module) => [...module.children.allTests()]);
    const rows = new Map<string, Map<string, number>>();
    const engines = new Set<string>();
    for (const test of tests) {
      const titles = test.fullName.split(' > ');
      const engine = engineOf(titles);
      if (engine === undefined) continue;
      for (const error of test.meta().parity ?? []) {
        engines.add(engine);
        note(rows, rowOf(test, titles, error), engine, error);
      }
    }
    const head = ['case', ...engines];
    const lines = [...rows].map(([row, found]) => [row, ...[...engines].map((engine) => shown(found.get(engine)))]);
    stdout.write(`${aligned([head, ...lines])}\n`);
    const held = modules.every((module) => module.ok());
    stdout.write(`${held ? 'every difference is within its tolerance' : 'some tests failed'}\n`);
  }
}

/** The title without what follows it, as in `on loops of WebAssembly, arithmetic …`. */
function engineOf(titles: readonly string[]): string | undefined {
  return titles
    .find((title) => /^on (onnxruntime|tfjs \w+$|loops)/.test(title))
    ?.split(',')[0]
    ?.slice('on '.length);
}

/** Cases of ops are told by the op alone, whole steps by what is trained. */
function rowOf(test: TestCase, titles: readonly string[], { quantity }: ParityError): string {
  const isOp = test.module.relativeModuleId.startsWith('test/engine/');
  return isOp ? quantity : `${titles[0]}: ${quantity}`;
}

/** Numbers that are all zero but for rounding have no share: their difference counts as it is. */
function note(rows: Map<string, Map<string, number>>, row: string, engine: string, error: ParityError): void {
  const found = rows.get(row) ?? new Map<string, number>();
  rows.set(row, found);
  found.set(engine, Math.max(found.get(engine) ?? 0, error.relative ?? error.absolute));
}

function shown(difference: number | undefined): string {
  if (difference === undefined) return '-';
  return difference === 0 ? '0' : difference.toExponential(1);
}
