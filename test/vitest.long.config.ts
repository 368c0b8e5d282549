import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { configDefaults, defineConfig } from 'vitest/config';
import ordinary from './vitest.config.ts';

/** The checks of `npm run test:long`: those in files of their own, and those that repeat themselves more often here. */
export default defineConfig({
  resolve: ordinary.resolve,
  test: {
    ...ordinary.test,
    include: ['test/**/*.long.test.ts', ...importing('/repetitions.ts'), ...onTensorflow()],
    exclude: configDefaults.exclude,
    env: { BERTUNE_LONG: '1' },
    testTimeout: 1_800_000,
    hookTimeout: 1_800_000,
  },
});

/** The table of cases of the engines, once more where there is one that the ordinary checks do not have. */
function onTensorflow(): string[] {
  return process.env.BERTUNE_TFJS ? importing('/engines.ts') : [];
}

function importing(module: string): string[] {
  const names = readdirSync(import.meta.dirname, { recursive: true, encoding: 'utf8' });
  return names
    .filter((name) => name.endsWith('.test.ts'))
    .filter((name) => readFileSync(join(import.meta.dirname, name), 'utf8').includes(`${module}';`))
    .map((name) => `test/${name}`);
}
