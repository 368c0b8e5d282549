import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { fetchModel } from '../../src/hub/fetchModel.ts';
import { hubSettings } from '../../src/hub/settings.ts';
import { addRepository, type HubServer, startHub } from '../hub/hubServer.ts';
import { saveTinyModel } from '../jobs/tiny.ts';
import { needing, python } from '../needs.ts';
import { temporaryFolder } from '../temporary.ts';

/** The cache of the Hub is one with Python's huggingface_hub: each side finds what the other has fetched. */
const folder = temporaryFolder();
const names = ['config.json', 'model.safetensors', 'tokenizer.json', 'tokenizer_config.json', 'vocab.txt'];
let hub: HubServer;

const run = async (script: string, environment: NodeJS.ProcessEnv) => {
  const env = { ...process.env, ...environment, HF_HUB_DISABLE_XET: '1', HF_HUB_DISABLE_PROGRESS_BARS: '1' };
  const { stdout } = await promisify(execFile)(python, ['-c', script], { env });
  return JSON.parse(stdout.trim().split('\n').at(-1) ?? '');
};

needing('python').describe("the cache of Python's huggingface_hub", () => {
  beforeAll(async () => {
    await saveTinyModel(join(folder, 'tiny'));
    const files = Object.fromEntries(names.map((name) => [name, readFileSync(join(folder, 'tiny', name))]));
    hub = await startHub();
    addRepository(hub, 'team/tiny', files, ['model.safetensors']);
  });
  afterAll(() => hub.close());

  const tiny = { repo: 'team/tiny', revision: 'main' };
  const settings = (cache: string, offline = false) => ({
    ...hubSettings(offline, { HF_ENDPOINT: hub.url, HF_HUB_CACHE: cache, HF_TOKEN_PATH: '/none' }),
  });

  test('Python finds what bertune fetched, by branch and by commit, and loads it', async () => {
    const cache = join(folder, 'ours');
    const fetched = await fetchModel(tiny, settings(cache));
    const script = `
import json
from huggingface_hub import hf_hub_download, snapshot_download, scan_cache_dir
from transformers import AutoTokenizer, BertForMaskedLM
here = dict(local_files_only=True)
model = BertForMaskedLM.from_pretrained('team/tiny', **here)
tokenizer = AutoTokenizer.from_pretrained('team/tiny', **here)
info = scan_cache_dir()
print(json.dumps({
    'folder': snapshot_download('team/tiny', **here),
    'file': hf_hub_download('team/tiny', 'config.json', **here),
    'commit': snapshot_download('team/tiny', revision='${fetched.commit}', **here),
    'parameters': model.num_parameters(),
    'ids': tokenizer('where is my order')['input_ids'][:1],
    'warnings': [str(warning) for warning in info.warnings],
    'files': sorted(file.file_name for repo in info.repos for revision in repo.revisions for file in revision.files),
}))`;
    const found = await run(script, { HF_HUB_CACHE: cache, HF_HUB_OFFLINE: '1' });
    expect(found).toMatchObject({
      folder: fetched.folder,
      file: join(fetched.folder, 'config.json'),
      commit: fetched.folder,
      warnings: [],
      files: names,
    });
    expect(found.parameters).toBeGreaterThan(1000);
  });

  test('bertune finds what Python fetched, and fetches none of it again', async () => {
    const cache = join(folder, 'theirs');
    const script = `
import json
from huggingface_hub import hf_hub_download
print(json.dumps([hf_hub_download('team/tiny', name) for name in ${JSON.stringify(names)}]))`;
    const paths = await run(script, { HF_HUB_CACHE: cache, HF_ENDPOINT: hub.url, HF_HUB_OFFLINE: '0' });
    const offline = await fetchModel(tiny, settings(cache, true));
    expect(paths).toEqual(names.map((name) => join(offline.folder, name)));
    hub.seen.length = 0;
    expect(await fetchModel(tiny, settings(cache))).toEqual(offline);
    expect(hub.seen.filter(({ path }) => path.includes('/resolve/'))).toEqual([]);
  });
});
