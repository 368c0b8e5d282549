import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { UsageError } from '../../src/core/errors.ts';
import { fetchModel } from '../../src/hub/fetchModel.ts';
import { pushModel } from '../../src/hub/push.ts';
import { hubSettings } from '../../src/hub/settings.ts';
import { saveTinyModel } from '../jobs/tiny.ts';
import { temporaryFolder } from '../temporary.ts';
import { type HubServer, sha256, startHub } from './hubServer.ts';

const folder = temporaryFolder();
const model = join(folder, 'model');
let hub: HubServer;

beforeAll(async () => {
  await saveTinyModel(model);
  for (const name of ['run.json', 'metrics.jsonl', 'notes.txt', 'pytorch_model.bin', '.hidden']) {
    writeFileSync(join(model, name), 'of this machine');
  }
  writeFileSync(join(model, 'README.md'), '# A card');
  for (const name of ['onnx', 'checkpoints']) mkdirSync(join(model, name));
  writeFileSync(join(model, 'onnx', 'model.onnx'), Buffer.alloc(2000, 3));
  writeFileSync(join(model, 'checkpoints', 'step.safetensors'), 'a checkpoint');
  hub = await startHub();
});
afterAll(() => hub.close());
beforeEach(() => {
  hub.seen.length = 0;
});

const settings = (more: object = {}) => ({
  ...hubSettings(false, { HF_ENDPOINT: hub.url, HF_HUB_CACHE: join(folder, 'cache'), HF_TOKEN: hub.token }),
  ...more,
});
const pushed = [
  ...['README.md', 'config.json', 'model.safetensors', 'pooler.safetensors'],
  ...['tokenizer.json', 'tokenizer_config.json', 'vocab.txt', 'onnx/model.onnx'],
];

describe('push', () => {
  test('makes the repository, sends large files by LFS and the rest in one commit', async () => {
    const result = await pushModel({ folder: model, repo: 'team/new', private: true }, settings());
    const repository = hub.repositories.get('team/new');
    expect(result).toEqual({ url: `${hub.url}/team/new`, commit: repository?.commit, files: pushed, created: true });
    expect(repository?.isPrivate).toBe(true);
    expect([...(repository?.files.keys() ?? [])].sort()).toEqual([...pushed].sort());
    for (const name of pushed) {
      expect(repository?.files.get(name)?.equals(readFileSync(join(model, name))), name).toBe(true);
    }
    expect([...(repository?.large ?? [])].sort()).toEqual([
      'model.safetensors',
      'onnx/model.onnx',
      'pooler.safetensors',
    ]);
    expect(hub.objects.has(sha256(readFileSync(join(model, 'model.safetensors'))))).toBe(true);
    expect(hub.seen.filter(({ method }) => method === 'PUT').map(({ headers }) => headers.authorization)).toEqual(
      Array(3).fill(undefined),
    );
  });

  test('a repository that is there is written to; what it has already is not sent again', async () => {
    await pushModel({ folder: model, repo: 'team/twice' }, settings());
    hub.seen.length = 0;
    expect(await pushModel({ folder: model, repo: 'team/twice' }, settings())).toMatchObject({ created: false });
    expect(hub.seen.filter(({ method }) => method === 'PUT')).toEqual([]);
  });

  test('what was pushed can be fetched', async () => {
    await pushModel({ folder: model, repo: 'team/back' }, settings());
    const fetched = await fetchModel({ repo: 'team/back', revision: 'main' }, settings());
    for (const name of ['model.safetensors', 'config.json']) {
      expect(readFileSync(join(fetched.folder, name)).equals(readFileSync(join(model, name)))).toBe(true);
    }
  });

  test('a token of another form, as hubs of a company have', async () => {
    const company = await startHub();
    Object.assign(company, { token: 'company-secret' });
    const ours = settings({ endpoint: company.url, token: company.token });
    expect(await pushModel({ folder: model, repo: 'team/own' }, ours)).toMatchObject({ created: true });
    await company.close();
  });
});

describe('refusals, before anything is sent', () => {
  const failure = (options: object, more: object = {}) =>
    pushModel({ folder: model, repo: 'team/new', ...options }, settings(more)).then(
      () => new Error('no failure'),
      (error: unknown) => error,
    );

  test('no token, a wrong name, no model, offline', async () => {
    expect(await failure({}, { token: undefined })).toEqual(
      new UsageError(
        `a token is needed to write to team/new: make one at ${hub.url}/settings/tokens and set HF_TOKEN to it`,
      ),
    );
    expect(await failure({ repo: 'new' })).toEqual(new UsageError('repo must be org/name, got "new"'));
    expect(await failure({ folder: join(folder, 'none') })).toMatchObject({
      message: expect.stringMatching(/is no folder/),
    });
    expect(await failure({ folder: join(model, 'onnx') })).toMatchObject({
      message: expect.stringMatching(/holds no model \(config\.json and weights\)/),
    });
    expect(await failure({}, { offline: true })).toMatchObject({ message: expect.stringMatching(/with offline/) });
    expect(hub.seen).toEqual([]);
  });

  test('a token that is not taken', async () => {
    expect(await failure({}, { token: 'hf_old' })).toEqual(
      new UsageError('the Hub does not take the token for team/new: set HF_TOKEN to one that is valid (no)'),
    );
  });

  test('no network', async () => {
    expect(await failure({}, { endpoint: 'http://127.0.0.1:9' })).toMatchObject({ name: 'ConnectionError' });
  });
});
