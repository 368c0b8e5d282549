import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';

const root = fileURLToPath(new URL('..', import.meta.url));

test('npm has nothing to say of the settings of the project', async () => {
  const { stderr } = await promisify(execFile)('npm', ['config', 'list'], { cwd: root, shell: true });
  expect(stderr).toBe('');
});

test('installing downloads nothing beside the packages: a version of npm that knows no allowScripts goes by the lock file', () => {
  const { packages } = JSON.parse(readFileSync(`${root}/package-lock.json`, 'utf8'));
  expect(packages['node_modules/onnxruntime-node']).toMatchObject({ version: expect.any(String) });
  expect(packages['node_modules/onnxruntime-node']).not.toHaveProperty('hasInstallScript');
  expect(JSON.parse(readFileSync(`${root}/package.json`, 'utf8')).allowScripts['onnxruntime-node']).toBe(false);
});
