import { stdout } from 'node:process';
import type { Reporter, TestCase, TestModule } from 'vitest/node';

/** A vitest reporter that says at the end of a run which checks were left out, by what was missing. */
export default class LeftOutReport implements Reporter {
  onTestRunEnd(modules: readonly TestModule[]): void {
    const byReason = new Map<string, TestCase[]>();
    for (const test of modules.flatMap((module) => [...module.children.allTests('skipped')])) {
      const { leftOut } = test.meta();
      if (leftOut !== undefined) byReason.set(leftOut, [...(byReason.get(leftOut) ?? []), test]);
    }
    if (byReason.size === 0) return;
    const blocks = [...byReason].map(([reason, tests]) =>
      [`  ${count(tests)}, ${reason}`, ...places(tests)].join('\n'),
    );
    stdout.write(`\n Left out (BERTUNE_TEST_ALL=1 lets them fail instead):\n${blocks.join('\n')}\n`);
  }
}

/** A line for each file, with the names of what is left out in it: a group that is left out whole counts as one. */
function places(tests: readonly TestCase[]): string[] {
  const names = new Map<string, Set<string>>();
  for (const test of tests) {
    const { relativeModuleId: file } = test.module;
    names.set(file, (names.get(file) ?? new Set()).add(outermostLeftOut(test)));
  }
  return [...names].map(([file, titles]) => `    ${file}: ${[...titles].join('; ')}`);
}

function outermostLeftOut(test: TestCase): string {
  let name = test.name;
  let above = test.parent;
  while (above.type === 'suite' && above.meta().leftOut !== undefined) {
    name = above.name;
    above = above.parent;
  }
  return name;
}

function count({ length }: readonly TestCase[]): string {
  return `${length} ${length === 1 ? 'check' : 'checks'}`;
}
