import { configDefaults, defineConfig } from 'vitest/config';

/** The checks of `npm test`: all but the long ones. */
export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    exclude: [...configDefaults.exclude, 'test/**/*.long.test.ts'],
    setupFiles: ['test/setup.ts'],
    reporters: ['default', './test/leftOutReport.ts'],
    testTimeout: 120_000,
    hookTimeout: 120_000,
    pool: 'forks',
    maxWorkers: 2,
  },
});
