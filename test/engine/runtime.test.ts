import { execFile } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { builtCommand } from '../cli/build.ts';
import { temporaryFolder } from '../temporary.ts';

const model = fileURLToPath(new URL('../../checkpoints/bert-mini-sentences', import.meta.url));

/** Loads a model here or in a thread of the server, and uses it. */
const scripts = {
  'in the process': `
    const { loadModel } = await import(process.argv[1] + 'index.js');
    const loaded = await loadModel(${JSON.stringify(model)});
    await loaded.fillMask('where is my [MASK]?');
    console.log('done');
    await loaded.dispose();`,
  'in a thread': `
    const { createServer } = await import(process.argv[1] + 'index.js');
    const server = await createServer({ models: [${JSON.stringify(model)}], port: 0 });
    console.log('done');
    await server.close();`,
};

test.each(Object.entries(scripts))('the engine reports nothing and takes a long command line %s', async (_, script) => {
  const home = temporaryFolder();
  const root = `${pathToFileURL(join(await builtCommand(), '../..')).href}/`;
  // As on a user's machine: variables of a test run keep ONNX Runtime quiet, too.
  const env = { PATH: process.env.PATH, HOME: home };
  const long = 'x'.repeat(60_000);
  const args = ['--input-type=module', '-e', script, root, long];
  const { stdout } = await promisify(execFile)(process.execPath, args, { env });
  expect(stdout).toBe('done\n');
  // It would keep an identifier of the machine there.
  expect(readdirSync(home)).toEqual([]);
});
