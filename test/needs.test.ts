import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';

const here = fileURLToPath(new URL('.', import.meta.url));

/** Runs two files of this suite as on a machine that has neither a browser nor the real data. */
function runWithout(environment: NodeJS.ProcessEnv) {
  const kept = Object.entries(process.env).filter(([name]) => !/^(VITEST|BERTUNE_|FORCE_COLOR|CI$)/.test(name));
  const vitest = ['node_modules/vitest/vitest.mjs', 'run', '--config', 'test/vitest.config.ts'];
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    [...vitest, 'test/server/page', 'test/data/realData'],
    {
      cwd: join(here, '..'),
      env: { ...Object.fromEntries(kept), PATH: '/none', NO_COLOR: '1', ...environment },
      encoding: 'utf8',
    },
  );
  return { status, said: stdout + stderr };
}

describe('a check whose needs are missing', () => {
  test('is left out, and the end of the run says so', () => {
    const { status, said } = runWithout({});
    expect(said).toMatch(/Tests {2}(\d+) skipped \(\1\)/);
    const end = said.slice(said.indexOf('Left out'));
    expect(end).toContain('no Chromium on PATH: install one (Debian: apt-get install chromium)');
    expect(end).toContain('BERTUNE_DATA is not set: set it to the folder with the public data sets');
    expect(end).toContain('test/server/page.test.ts: the page');
    expect(end).toContain('test/data/realData.test.ts: public data');
    expect(status).toBe(0);
  });

  test('fails with the reason under BERTUNE_TEST_ALL', () => {
    const { status, said } = runWithout({ BERTUNE_TEST_ALL: '1' });
    expect(said).toContain(
      'Error: BERTUNE_TEST_ALL is set, and this cannot run. no Chromium on PATH: install one (Debian: apt-get install chromium)',
    );
    expect(said).toContain('this cannot run. BERTUNE_DATA is not set: set it to the folder with the public data sets');
    expect(said).not.toContain('skipped');
    expect(status).toBe(1);
  });
});

test('nothing is left out but by needs.ts', () => {
  const files = readdirSync(here, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.test.ts'));
  expect(files.length).toBeGreaterThan(80);
  const skipping =
    /\b(describe|test|it|suite)(\.\w+)*\.(skip|skipIf|runIf|todo|only|fails)\b|\b(skip|todo|only): true|\bskip\(/;
  expect(files.filter((name) => skipping.test(readFileSync(join(here, name), 'utf8')))).toEqual([]);
});
