import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { addRepository, type HubServer, startHub } from '../hub/hubServer.ts';
import { saveTinyClassifier } from '../jobs/tiny.ts';
import { temporaryFolder } from '../temporary.ts';
import { builtCommand, runCommand } from './build.ts';

const folder = temporaryFolder();
let hub: HubServer;

beforeAll(async () => {
  await builtCommand();
  await saveTinyClassifier(join(folder, 'tiny'), ['asks', 'wants']);
  const names = readdirSync(join(folder, 'tiny'));
  const files = Object.fromEntries(names.map((name) => [name, readFileSync(join(folder, 'tiny', name))]));
  hub = await startHub();
  addRepository(hub, 'team/tiny', files, ['model.safetensors']);
});
afterAll(() => hub.close());

const run = (words: readonly string[], more: NodeJS.ProcessEnv = {}, input = '') => {
  const env = { ...process.env, HF_ENDPOINT: hub.url, HF_HOME: join(folder, 'home'), HF_HUB_CACHE: '', HF_TOKEN: '' };
  return runCommand(words, { env: { ...env, ...more }, input, cwd: folder });
};
const failure = (status: number, message: RegExp) => ({
  code: status,
  stdout: '',
  stderr: expect.stringMatching(new RegExp(`^error: ${message.source}\\n$`)),
});

test('a model of the Hub, then of the cache with --offline; stdout holds the result alone', async () => {
  const online = await run(['predict', '--model', 'team/tiny', '--threads', '1'], {}, 'where is my order\n');
  expect(online).toMatchObject({ code: 0, stderr: '' });
  expect(JSON.parse(online.stdout)).toMatchObject({ text: 'where is my order' });
  hub.seen.length = 0;
  const offline = await run(['inspect', '--model', 'team/tiny@main', '--offline', '--json'], {}, '');
  expect(JSON.parse(offline.stdout)).toMatchObject({ path: 'team/tiny@main', labels: ['asks', 'wants'] });
  expect(hub.seen).toEqual([]);
});

test('one line for a revision that does not exist, a model that is not in the cache, a path, no network', async () => {
  expect(await run(['inspect', '--model', 'team/tiny@v2'])).toEqual(
    failure(2, /team\/tiny has no revision v2; see .+/),
  );
  expect(await run(['inspect', '--model', 'team/other', '--offline'])).toEqual(
    failure(2, /no folder team\/other here, .+/),
  );
  expect(await run(['inspect', '--model', 'tiny/none'])).toEqual(
    failure(2, /tiny\/none does not exist: give a folder with config\.json, model\.safetensors and a tokenizer/),
  );
  expect(await run(['inspect', '--model', 'team/none'], { HF_ENDPOINT: 'http://127.0.0.1:9' })).toEqual(
    failure(1, /no connection to http:\/\/127\.0\.0\.1:9 \(.+\): check the network, or give a folder/),
  );
});

test('push, and what it needs', async () => {
  const words = ['push', '--model', 'tiny', '--repo', 'team/pushed'];
  expect(await run(words)).toEqual(failure(2, /a token is needed to write to team\/pushed: .+/));
  const { code, stdout, stderr } = await run([...words, '--private', '--json'], { HF_TOKEN: hub.token });
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  expect(JSON.parse(stdout)).toMatchObject({ url: `${hub.url}/team/pushed`, created: true });
  expect(hub.repositories.get('team/pushed')?.isPrivate).toBe(true);
});

test('serve and card: one line for what cannot be', async () => {
  expect(await run(['serve', '--model', 'none', '--port', '0'])).toEqual(failure(2, /none does not exist: .+/));
  expect(await run(['serve', '--model', 'tiny', '--port', '70000'])).toEqual(
    failure(2, /--port must be a port from 0 \(any free one\) to 65535, got "70000"/),
  );
  expect(await run(['serve'])).toEqual(
    failure(2, /serve needs --model \(on the command line or in the --config file\)/),
  );
  expect(await run(['card', '--model', 'tiny'])).toEqual(failure(2, /tiny holds no finished run .+/));
});
