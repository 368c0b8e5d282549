import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { BertuneError } from '../../src/core/errors.ts';
import { fetchModel } from '../../src/hub/fetchModel.ts';
import { pushModel } from '../../src/hub/push.ts';
import { hubSettings } from '../../src/hub/settings.ts';
import { removeSpoiled } from '../../src/hub/snapshot.ts';
import { loadModel } from '../../src/jobs/model.ts';
import { expectedVectors, folderNamed, largestDifference, texts } from '../sentenceFolders.ts';
import { temporaryFolder } from '../temporary.ts';
import { addRepository, type HubServer, sha1, startHub } from './hubServer.ts';

/** Sentence encoders on the Hub: their modules lie in folders of their own. */

const folder = temporaryFolder();
let hub: HubServer;
let cache = '';
let caches = 0;

beforeAll(async () => {
  hub = await startHub();
});
afterAll(() => hub.close());
beforeEach(() => {
  cache = join(folder, `cache ${++caches}`);
  hub.seen.length = 0;
  Object.assign(hub.faults, { breakAfter: [], replaced: new Map(), listed: [] });
});

const settings = (more: object = {}) => ({
  ...hubSettings(false, { HF_ENDPOINT: hub.url, HF_HUB_CACHE: cache, HF_TOKEN: hub.token }),
  ...more,
});
const reference = (repo: string) => ({ repo, revision: 'main' });
const filesOf = (path: string) =>
  readdirSync(path, { recursive: true, encoding: 'utf8', withFileTypes: true })
    .filter((entry) => !entry.isDirectory())
    .map((entry) => join(entry.parentPath, entry.name).slice(path.length + 1))
    .sort();

/** A repository of a folder's files, as another program pushed it. */
function addFolder(name: string, path: string, others: Readonly<Record<string, string>> = {}) {
  const names = filesOf(path);
  const files = Object.fromEntries(names.map((file) => [file, readFileSync(join(path, file))]));
  const large = [...names, ...Object.keys(others)].filter((file) => /\.(safetensors|bin)$/.test(file));
  return addRepository(hub, name, { ...files, ...others }, large);
}

async function expectVectors(path: string, name: string) {
  const model = await loadModel(path, { threads: 1 });
  try {
    expect(largestDifference(await model.embed(texts), await expectedVectors(name, 0))).toBeLessThan(1e-5);
  } finally {
    await model.dispose();
  }
}

describe('push', () => {
  test.each(['dense-two', 'all-kinds', 'prompts', 'old-transformer-below', 'old-roberta-settings'])(
    '%s: every module and nothing else, in one commit; fetched, it gives the same vectors',
    async (name) => {
      const path = folderNamed(name);
      const model = filesOf(path);
      for (const extra of ['run.json', 'notes.txt', '1_Pooling/notes.txt', '1_Pooling/pytorch_model.bin']) {
        writeFileSync(join(path, extra), 'of this machine');
      }
      for (const other of ['9_Dense', 'checkpoints']) {
        mkdirSync(join(path, other));
        writeFileSync(join(path, other, 'config.json'), '{}');
      }
      const { files } = await pushModel({ folder: path, repo: `team/${name}` }, settings());
      expect([...files].sort()).toEqual(model);
      const repository = hub.repositories.get(`team/${name}`);
      expect([...(repository?.files.keys() ?? [])].sort()).toEqual(model);
      expect(hub.seen.filter((request) => request.path.includes('/commit/')).length).toBe(1);
      const fetched = await fetchModel(reference(`team/${name}`), settings());
      expect(filesOf(fetched.folder)).toEqual(model);
      await expectVectors(fetched.folder, name);
    },
  );

  test('modules that are no list: nothing is sent', async () => {
    const path = folderNamed('dense-two');
    writeFileSync(join(path, 'modules.json'), '{}');
    await expect(pushModel({ folder: path, repo: 'team/no' }, settings())).rejects.toThrow(
      `${join(path, 'modules.json')} is no list of modules: nothing was pushed`,
    );
    expect(hub.seen).toEqual([]);
  });
});

describe('fetch', () => {
  test('the folders that modules.json names, their settings and weights alone', async () => {
    const path = folderNamed('dense-two');
    const others = {
      ...{ 'pytorch_model.bin': 'a pickle', '2_Dense/pytorch_model.bin': 'a pickle', '2_Dense/notes.txt': 'a note' },
      ...{ 'onnx/model.onnx': 'an export', '9_Dense/config.json': '{}', 'sentence_bert_config.json.bak': '{}' },
    };
    addFolder('team/whole', path, others);
    const fetched = await fetchModel(reference('team/whole'), settings());
    expect(filesOf(fetched.folder)).toEqual(filesOf(path));
    expect(hub.seen.filter(({ path: asked }) => /\.bin$|notes|onnx|9_Dense/.test(asked))).toEqual([]);
    await expectVectors(fetched.folder, 'dense-two');
    // Nothing is fetched twice, and without a network all of it is there.
    hub.seen.length = 0;
    await fetchModel(reference('team/whole'), settings());
    expect(hub.seen.filter(({ path: asked }) => asked.includes('/resolve/'))).toEqual([]);
    await expectVectors((await fetchModel(reference('team/whole'), settings({ offline: true }))).folder, 'dense-two');
  });

  test('what an older version fetched without the modules is completed, and said to lack them offline', async () => {
    const readme = { 'README.md': '---\nlibrary_name: sentence-transformers\n---\n' };
    addFolder('team/old', folderNamed('dense-two'), readme);
    const fetched = await fetchModel(reference('team/old'), settings());
    for (const name of ['modules.json', '1_Pooling', '2_Dense', '3_Dense', 'config_sentence_transformers.json']) {
      rmSync(join(fetched.folder, name), { recursive: true, force: true });
    }
    const notes: string[] = [];
    await fetchModel(reference('team/old'), settings({ offline: true }), { onNote: (text) => notes.push(text) });
    expect(notes).toEqual([
      'the cache has no modules.json of team/old, a sentence encoder by its card: it is read as an encoder alone; fetch it once from the Hub',
    ]);
    hub.seen.length = 0;
    await expectVectors((await fetchModel(reference('team/old'), settings())).folder, 'dense-two');
    expect(hub.seen.filter(({ path: asked }) => asked.endsWith('tokenizer.json'))).toEqual([]);
  });

  test('an encoder in a folder of its own: offline too', async () => {
    addFolder('team/below', folderNamed('old-transformer-below'));
    const fetched = await fetchModel(reference('team/below'), settings());
    expect(existsSync(join(fetched.folder, '0_Transformer', 'model.safetensors'))).toBe(true);
    expect(await fetchModel(reference('team/below'), settings({ offline: true }))).toEqual(fetched);
  });

  test('weights of a module that are only in a pickle', async () => {
    const repository = addFolder('team/pickle', folderNamed('dense-two'), { '3_Dense/pytorch_model.bin': 'a pickle' });
    repository.files.delete('3_Dense/model.safetensors');
    await expect(fetchModel(reference('team/pickle'), settings())).rejects.toThrow(
      new BertuneError(
        "team/pickle has its weights only in 3_Dense/pytorch_model.bin, a pickle, which is never fetched; look for a revision with safetensors (often @refs/pr/1), or save it anew with Python's transformers",
      ),
    );
    expect(hub.seen.filter(({ path }) => /\.bin$|model\.safetensors/.test(path))).toEqual([]);
  });

  test.each(['../elsewhere', '/etc', '2_Dense/../..', 'C:\\modules'])(
    'a module at %s: nothing outside is asked for',
    async (path) => {
      const modules = JSON.parse(readFileSync(join(folderNamed('dense-two'), 'modules.json'), 'utf8'));
      modules[2].path = path;
      addFolder('team/outside', folderNamed('dense-two'), { 'modules.json': JSON.stringify(modules) });
      const fetched = await fetchModel(reference('team/outside'), settings());
      expect(hub.seen.filter(({ path: asked }) => /elsewhere|etc|\.\.|C:/.test(decodeURIComponent(asked)))).toEqual([]);
      await expect(loadModel(fetched.folder)).rejects.toThrow(/modules\.json/);
    },
  );

  test('a listing of a module that names a file outside', async () => {
    addFolder('team/listed', folderNamed('dense-two'));
    hub.faults.listed.push({ type: 'file', path: '2_Dense/../../x', size: 2, oid: sha1('x') });
    await expect(fetchModel(reference('team/listed'), settings())).rejects.toThrow(/which lies outside its folder/);
  });

  test('a wrong checksum of a module is not kept; what is spoiled later is found', async () => {
    addFolder('team/spoiled', folderNamed('dense-two'));
    const weights = readFileSync(join(folderNamed('dense-two'), '2_Dense', 'model.safetensors'));
    hub.faults.replaced.set('2_Dense/model.safetensors', Buffer.alloc(weights.length, 1));
    await expect(fetchModel(reference('team/spoiled'), settings())).rejects.toThrow(
      /^2_Dense\/model\.safetensors of team\/spoiled came with another checksum/,
    );
    hub.faults.replaced.clear();
    const { folder: found } = await fetchModel(reference('team/spoiled'), settings());
    writeFileSync(join(found, '2_Dense', 'model.safetensors'), Buffer.alloc(weights.length, 1));
    expect(await removeSpoiled(found)).toEqual([{ name: join('2_Dense', 'model.safetensors') }]);
    await expectVectors((await fetchModel(reference('team/spoiled'), settings())).folder, 'dense-two');
  });
});
