import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { configDefaults, defineConfig } from 'vitest/config';
import ordinary from './vitest.config.ts';

/** The checks of `npm run test:long`: those in files of their own, and those that repeat themselves more often here. */
export default defineConfig({
  resolve: ordinary.resolve,
  test: {
    ...ordinary.test,
    include: ['test/**/*.long.test.ts', ...repeating()],
    exclude: configDefaults.exclude,
    env: { BERTUNE_LONG: '1' },
    testTimeout: 1_800_000,
    hookTimeout: 1_800_000,
  },
});

function repeating(): string[] {
  const names = readdirSync(import.meta.dirname, { recursive: true, encoding: 'utf8' });
  return names
    .filter((name) => name.endsWith('.test.ts'))
    .filter((name) => readFileSync(join(import.meta.dirname, name), 'utf8').includes("/repetitions.ts';"))
    .map((name) => `test/${name}`);
}
