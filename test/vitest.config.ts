import { fileURLToPath } from 'node:url';
import { configDefaults, defineConfig } from 'vitest/config';

/** The checks of `npm test`: all but the long ones. */
export default defineConfig({
  resolve: {
    // Examples import the package by its names, as users do; here those are its sources.
    alias: ['', '/runtime', '/train'].map((name) => ({
      find: new RegExp(`^bertune${name}$`),
      replacement: fileURLToPath(new URL(`../src/index${name.replace('/', '.')}.ts`, import.meta.url)),
    })),
  },
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
