import { execFileSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { BertuneError, UsageError } from '../../src/core/errors.ts';
import { fetchModel } from '../../src/hub/fetchModel.ts';
import { isRepoName, parseReference } from '../../src/hub/reference.ts';
import { hubSettings } from '../../src/hub/settings.ts';
import { adapt } from '../../src/jobs/adapt.ts';
import { evaluate } from '../../src/jobs/evaluate.ts';
import { exportModel } from '../../src/jobs/exportModel.ts';
import { finetune } from '../../src/jobs/finetune.ts';
import { inspect } from '../../src/jobs/inspect.ts';
import { loadModel } from '../../src/jobs/model.ts';
import { createServer } from '../../src/server/server.ts';
import { labeledCsv, labeledMessages, messages, saveTinyModel } from '../jobs/tiny.ts';
import { temporaryFolder } from '../temporary.ts';
import { addRepository, gitBlob, type HubServer, type Repository, sha1, sha256, startHub } from './hubServer.ts';

const folder = temporaryFolder();
const model = join(folder, 'model');
let hub: HubServer;
let repository: Repository;
let weights: Buffer;
let cache = '';
let caches = 0;

beforeAll(async () => {
  await saveTinyModel(model);
  hub = await startHub();
});
afterAll(() => hub.close());
beforeEach(() => {
  cache = join(folder, `cache ${++caches}`);
  const files = Object.fromEntries(readdirSync(model).map((name) => [name, readFileSync(join(model, name))]));
  const others = {
    'pytorch_model.bin': 'a pickle',
    'training_args.bin': 'a pickle',
    'README.md': '---\nlicense: mit\n---\n',
  };
  repository = addRepository(hub, 'team/tiny', { ...files, ...others }, ['model.safetensors', 'pytorch_model.bin']);
  weights = repository.files.get('model.safetensors') ?? Buffer.alloc(0);
  hub.seen.length = 0;
  Object.assign(hub.faults, { breakAfter: [], replaced: new Map(), listed: [], noRanges: false });
});

const settings = (more: object = {}) => ({
  ...hubSettings(false, { HF_ENDPOINT: hub.url, HF_HUB_CACHE: cache, HF_TOKEN_PATH: join(folder, 'no token') }),
  ...more,
});
const tiny = { repo: 'team/tiny', revision: 'main' };
const storage = () => join(cache, 'models--team--tiny');
const asked = (name: string) => hub.seen.filter(({ path }) => path.endsWith(name));

describe('into the cache', () => {
  test("the layout of Python's huggingface_hub: blobs under their checksums, links, the branch's commit", async () => {
    const { folder: found, commit } = await fetchModel(tiny, settings());
    expect(commit).toBe(repository.commit);
    expect(found).toBe(join(storage(), 'snapshots', commit));
    expect(readFileSync(join(storage(), 'refs', 'main'), 'utf8')).toBe(commit);
    expect(readdirSync(found).sort()).toEqual([
      ...['README.md', 'config.json', 'model.safetensors', 'pooler.safetensors'],
      ...['tokenizer.json', 'tokenizer_config.json', 'vocab.txt'],
    ]);
    expect(readlinkSync(join(found, 'model.safetensors'))).toBe(join('..', '..', 'blobs', sha256(weights)));
    const config = repository.files.get('config.json') ?? Buffer.alloc(0);
    expect(readlinkSync(join(found, 'config.json'))).toBe(join('..', '..', 'blobs', gitBlob(config)));
    expect(readFileSync(join(found, 'model.safetensors')).equals(weights)).toBe(true);
    expect(readdirSync(join(storage(), 'blobs')).filter((name) => !/^[0-9a-f]{40,64}$/.test(name))).toEqual([]);
    expect(readdirSync(join(cache, '.locks', 'models--team--tiny'))).toEqual([]);
  });

  test('no pickle is ever asked for', async () => {
    await fetchModel(tiny, settings());
    expect(asked('.bin')).toEqual([]);
    repository.files.delete('model.safetensors');
    repository.files.delete('pooler.safetensors');
    await expect(fetchModel(tiny, settings({ cache: join(cache, 'other') }))).rejects.toThrow(
      new BertuneError(
        "team/tiny has its weights only in pytorch_model.bin, a pickle, which is never fetched; look for a revision with safetensors (often @refs/pr/1), or save it anew with Python's transformers",
      ),
    );
    expect(asked('.bin')).toEqual([]);
  });

  describe('of a model that is a pickle alone', () => {
    const title = 'Adding `safetensors` variant of this model';
    const converted = sha1('the conversion');

    /** Takes the safetensors out of main; a pull request that comes after it has them. */
    function pickled(discussion: object, parent = repository.commit): void {
      repository.others.set(converted, new Map(repository.files));
      repository.large.delete('model.safetensors');
      for (const name of ['model.safetensors', 'pooler.safetensors']) repository.files.delete(name);
      const open = { num: 7, title, status: 'open', isPullRequest: true, author: { name: 'SFconvertbot' } };
      repository.discussions.push({ ...open, num: 3, title: 'Nice model' }, { ...open, ...discussion });
      repository.revisions.set('refs/pr/7', converted);
      repository.revisions.set(converted, converted);
      repository.commits.set('refs/pr/7', [converted, parent]);
    }

    test("the Hub's own conversion is taken, and told", async () => {
      pickled({});
      const notes: string[] = [];
      const { folder: found, commit } = await fetchModel(tiny, settings(), { onNote: (note) => notes.push(note) });
      expect(commit).toBe(converted);
      expect(readFileSync(join(found, 'model.safetensors')).equals(weights)).toBe(true);
      expect(notes).toEqual([
        "team/tiny has its weights only in pytorch_model.bin, a pickle: the Hub's own conversion of it is taken, team/tiny@refs/pr/7; call it by that name to use it offline",
      ]);
      expect(asked('.bin')).toEqual([]);
      const offline = await fetchModel({ ...tiny, revision: 'refs/pr/7' }, settings({ offline: true }));
      expect(offline).toMatchObject({ commit: converted });
    });

    test.each([
      ['by somebody else', { author: { name: 'somebody' } }, undefined],
      ['closed', { status: 'closed' }, undefined],
      ['under another title', { title: 'Add safetensors' }, undefined],
      ['of an older commit', {}, sha1('an older commit')],
    ])('one %s is not', async (_, discussion, parent) => {
      pickled(discussion, parent);
      await expect(fetchModel(tiny, settings())).rejects.toThrow('a pickle, which is never fetched');
      expect(asked('.safetensors')).toEqual([]);
    });
  });

  test('a second time nothing is fetched but the listing', async () => {
    await fetchModel(tiny, settings());
    hub.seen.length = 0;
    await fetchModel(tiny, settings());
    expect(hub.seen.filter(({ path }) => path.includes('/resolve/'))).toEqual([]);
  });

  test('a model in shards, as its index lists them', async () => {
    const shard = 'model-00001-of-00001.safetensors';
    repository.files.set(shard, weights);
    repository.files.delete('model.safetensors');
    repository.files.set(
      'model.safetensors.index.json',
      Buffer.from(JSON.stringify({ weight_map: { a: shard, b: '../x' } })),
    );
    const { folder: found } = await fetchModel(tiny, settings());
    expect(existsSync(join(found, shard))).toBe(true);
    expect(asked('x')).toEqual([]);
  });

  test('a revision: a branch of its own, with a slash, and a commit', async () => {
    const other = sha1('another commit');
    repository.revisions.set('refs/pr/1', other);
    repository.revisions.set(other, other);
    const { commit } = await fetchModel({ ...tiny, revision: 'refs/pr/1' }, settings());
    expect(commit).toBe(other);
    expect(readFileSync(join(storage(), 'refs', 'refs', 'pr', '1'), 'utf8')).toBe(other);
    expect(await fetchModel({ ...tiny, revision: other }, settings({ offline: true }))).toMatchObject({
      commit: other,
    });
  });

  test('two at once fetch each file once and leave one cache', async () => {
    const [a, b] = await Promise.all([fetchModel(tiny, settings()), fetchModel(tiny, settings())]);
    expect(a).toEqual(b);
    expect(asked(sha256(weights)).length).toBe(1);
    expect(readFileSync(join(a.folder, 'model.safetensors')).equals(weights)).toBe(true);
  });

  test('a lock that a killed process left is taken over', async () => {
    const lock = join(cache, '.locks', 'models--team--tiny', `${sha256(weights)}.bertune`);
    mkdirSync(lock, { recursive: true });
    execFileSync('touch', ['-d', '2 minutes ago', lock]);
    await fetchModel(tiny, settings());
    expect(existsSync(lock)).toBe(false);
  });

  test('the token goes to the endpoint and not to the host of the large files', async () => {
    repository.isPrivate = true;
    await fetchModel(tiny, settings({ token: hub.token }));
    const tokens = (name: string) => new Set(asked(name).map(({ headers }) => headers.authorization));
    expect(tokens('config.json')).toEqual(new Set([`Bearer ${hub.token}`]));
    expect(tokens(sha256(weights))).toEqual(new Set([undefined]));
  });
});

describe('what breaks on the way', () => {
  test('a connection that is dropped goes on from where it was', async () => {
    hub.faults.breakAfter.push(1000, 2000);
    const names = ['config.json', 'README.md', 'tokenizer.json', 'tokenizer_config.json', 'vocab.txt'];
    for (const name of names) if (name !== 'config.json') repository.files.delete(name);
    const { folder: found } = await fetchModel(tiny, settings());
    // The first break comes after the whole of the configuration.
    expect(readFileSync(join(found, 'model.safetensors')).equals(weights)).toBe(true);
    const ranges = hub.seen.flatMap(({ headers }) => headers.range ?? []);
    expect(ranges).toContain('bytes=2000-');
  });

  test('what an earlier process left is gone on with', async () => {
    const blobs = join(storage(), 'blobs');
    mkdirSync(blobs, { recursive: true });
    const left = join(blobs, `${sha256(weights)}.bertune.incomplete`);
    writeFileSync(left, weights.subarray(0, 5000));
    await fetchModel(tiny, settings());
    expect(asked(sha256(weights)).map(({ headers }) => headers.range)).toEqual(['bytes=5000-']);
    expect(existsSync(left)).toBe(false);
    expect(readFileSync(join(blobs, sha256(weights))).equals(weights)).toBe(true);
  });

  test('what was left is thrown away when it is none of the file, or the server knows no ranges', async () => {
    for (const noRanges of [false, true]) {
      const blobs = join(storage(), 'blobs');
      rmSync(cache, { recursive: true, force: true });
      mkdirSync(blobs, { recursive: true });
      writeFileSync(join(blobs, `${sha256(weights)}.bertune.incomplete`), Buffer.alloc(5000, 7));
      hub.faults.noRanges = noRanges;
      const { folder: found } = await fetchModel(tiny, settings());
      expect(readFileSync(join(found, 'model.safetensors')).equals(weights)).toBe(true);
    }
  });

  test.each([
    ['model.safetensors', (content: Buffer) => sha256(content)],
    ['vocab.txt', (content: Buffer) => gitBlob(content)],
  ])('a wrong checksum: %s is not kept', async (name, checksumOf) => {
    const content = repository.files.get(name) ?? Buffer.alloc(0);
    const wrong = Buffer.from(content);
    wrong[wrong.length - 1] = (wrong.at(-1) ?? 0) ^ 1;
    hub.faults.replaced.set(name, wrong);
    await expect(fetchModel(tiny, settings())).rejects.toThrow(
      new BertuneError(
        `${name} of team/tiny came with another checksum than the Hub lists for it (${checksumOf(content)}): not kept; run again`,
      ),
    );
    expect(existsSync(join(storage(), 'snapshots', repository.commit, name))).toBe(false);
    expect(readdirSync(join(storage(), 'blobs')).filter((blob) => blob.startsWith(checksumOf(content)))).toEqual([]);
    hub.faults.replaced.clear();
    await fetchModel(tiny, settings());
  });

  test('more bytes than listed', async () => {
    hub.faults.replaced.set(
      'vocab.txt',
      Buffer.concat([repository.files.get('vocab.txt') ?? Buffer.alloc(0), Buffer.alloc(9)]),
    );
    await expect(fetchModel(tiny, settings())).rejects.toThrow(/vocab\.txt of team\/tiny is longer than the Hub lists/);
  });

  test.each(['../evil.json', '/etc/evil.json', 'a/../../evil.json', '..\\evil.json', 'C:evil.json', 'a//b'])(
    'a listing with the name %j',
    async (path) => {
      hub.faults.listed.push({ type: 'file', path, size: 3, oid: sha1('x') });
      await expect(fetchModel(tiny, settings())).rejects.toThrow(
        new BertuneError(
          `team/tiny lists a file with the name ${JSON.stringify(path)}, which lies outside its folder: nothing was fetched`,
        ),
      );
      expect(existsSync(cache)).toBe(false);
    },
  );

  test.each([
    [
      'a commit that is a path',
      () => Object.assign(repository, { commit: '../../../evil' }),
      /does not answer as the Hub/,
    ],
    [
      'a checksum that is a path',
      () => hub.faults.listed.push({ type: 'file', path: 'config.json', size: 1, oid: '../../x' }),
      /without a checksum/,
    ],
  ])('%s', async (_, spoil, message) => {
    spoil();
    await expect(fetchModel(tiny, settings())).rejects.toThrow(message);
    expect(existsSync(cache)).toBe(false);
  });
});

describe('what the Hub refuses', () => {
  const failure = (reference: object, more: object = {}) =>
    fetchModel({ ...tiny, ...reference }, settings(more)).then(
      () => new Error('no failure'),
      (error: unknown) => error,
    );

  test('a model that does not exist, or is private: without and with a token', async () => {
    repository.isPrivate = true;
    expect(await failure({})).toEqual(
      new UsageError(
        `no folder team/tiny here, and no model of that name at ${hub.url}, or it is private: then set HF_TOKEN`,
      ),
    );
    expect(await failure({ repo: 'team/none' }, { token: hub.token })).toEqual(
      new UsageError(`no folder team/none here, and no model of that name at ${hub.url} that this token may see`),
    );
    expect(await failure({}, { token: 'hf_old' })).toEqual(
      new UsageError(
        'the Hub does not take the token for team/tiny: set HF_TOKEN to one that is valid (Invalid username or password.)',
      ),
    );
  });

  test('a revision that does not exist', async () => {
    expect(await failure({ revision: 'v9' })).toEqual(
      new UsageError(`team/tiny has no revision v9; see ${hub.url}/team/tiny/commits/main`),
    );
  });

  test('a file that is listed and not there', async () => {
    hub.faults.listed.push({ type: 'file', path: 'added_tokens.json', size: 2, oid: sha1('x') });
    expect(await failure({})).toEqual(new UsageError(`team/tiny at ${hub.url} lacks a file (no)`));
  });

  test('no network: what the cache holds, or one line', async () => {
    const closed = { endpoint: 'http://127.0.0.1:9' };
    expect(await failure({}, closed)).toMatchObject({
      name: 'ConnectionError',
      exitCode: 1,
      message: expect.stringMatching(
        /^no connection to http:\/\/127\.0\.0\.1:9 \(.+\): check the network, or give a folder$/,
      ),
    });
    const fetched = await fetchModel(tiny, settings());
    const notes: string[] = [];
    const again = await fetchModel(tiny, settings(closed), { onNote: (text) => notes.push(text) });
    expect(again).toEqual(fetched);
    expect(notes).toEqual([
      'no connection to http://127.0.0.1:9: team/tiny is taken from the cache as it was last fetched',
    ]);
  });

  test('an endpoint that is none of a Hub', async () => {
    const page = await startHub();
    page.repositories.set('team/tiny', { ...repository, commit: 'no commit' });
    expect(await failure({}, { endpoint: page.url })).toMatchObject({
      message: `${page.url} does not answer as the Hub does: no commit for team/tiny`,
    });
    await page.close();
  });
});

describe('offline', () => {
  test('the cache alone', async () => {
    await expect(fetchModel(tiny, settings({ offline: true }))).rejects.toThrow(
      new UsageError(
        `no folder team/tiny here, nor such a model in ${cache}; run once without offline (or HF_HUB_OFFLINE) to fetch it`,
      ),
    );
    expect(hub.seen).toEqual([]);
    const fetched = await fetchModel(tiny, settings());
    hub.seen.length = 0;
    expect(await fetchModel(tiny, settings({ offline: true }))).toEqual(fetched);
    expect(hub.seen).toEqual([]);
  });
});

describe('settings', () => {
  test('the variables of huggingface_hub', () => {
    writeFileSync(join(folder, 'token'), ' hf_file\n');
    expect(hubSettings(undefined, { HF_HOME: folder })).toEqual({
      endpoint: 'https://huggingface.co',
      cache: join(folder, 'hub'),
      token: 'hf_file',
      offline: false,
    });
    expect(
      hubSettings(undefined, {
        ...{ HF_HOME: folder, HF_HUB_CACHE: '/c', HF_TOKEN: 'hf_variable', HF_HUB_OFFLINE: '1' },
        HF_ENDPOINT: 'http://127.0.0.1:8/',
      }),
    ).toEqual({ endpoint: 'http://127.0.0.1:8', cache: '/c', token: 'hf_variable', offline: true });
    expect(() => hubSettings(false, { HF_ENDPOINT: 'my hub' })).toThrow(
      new UsageError('HF_ENDPOINT must be an address such as https://huggingface.co, got "my hub"'),
    );
  });
});

describe('references', () => {
  test.each([
    ['team/tiny', { repo: 'team/tiny', revision: 'main' }],
    ['team/tiny@v1.0', { repo: 'team/tiny', revision: 'v1.0' }],
    ['google-bert/bert-base-uncased@refs/pr/1', { repo: 'google-bert/bert-base-uncased', revision: 'refs/pr/1' }],
    ['hf://src/tiny', { repo: 'src/tiny', revision: 'main' }],
    // `src` and `test` are folders here.
    ['src/tiny', undefined],
    ['src/hub', undefined],
    ['./team/tiny', undefined],
    ['../team', undefined],
    ['/team/tiny', undefined],
    ['team', undefined],
    ['a/b/c', undefined],
    ['team/tiny/', undefined],
    ['team/tiny@../../x', undefined],
    ['team/..', undefined],
  ])('%s', (text, reference) => {
    expect(parseReference(text)).toEqual(reference);
  });

  test('names of repositories', () => {
    expect(['a/b', 'Org.1/name_2-x'].every(isRepoName)).toBe(true);
    expect(['a', 'a/b/c', '.a/b', 'a/b.', 'a--b/c', 'a/b..c', 'a/ b'].some(isRepoName)).toBe(false);
  });
});

/** Runs `work` as a user would who has set the variables. */
async function withHub(work: () => Promise<void>): Promise<void> {
  const before = { ...process.env };
  Object.assign(process.env, { HF_ENDPOINT: hub.url, HF_HUB_CACHE: cache });
  await work().finally(() => {
    process.env = before;
  });
}

test('a model of the Hub is used like a folder', () =>
  withHub(async () => {
    const ours = await loadModel(model, { threads: 1 });
    const theirs = await loadModel('team/tiny@main', { threads: 1 });
    expect(theirs.path).toBe('team/tiny@main');
    expect((await theirs.fillMask('where is my [MASK]')).masks).toEqual(
      (await ours.fillMask('where is my [MASK]')).masks,
    );
    await ours.dispose();
    await theirs.dispose();
    hub.seen.length = 0;
    await (await loadModel('team/tiny', { threads: 1, offline: true })).dispose();
    expect(hub.seen).toEqual([]);
  }));

describe('files that cannot be used: the line calls them as the user did, and says the way out', () => {
  const failureOf = (work: Promise<unknown>) =>
    work.then(
      () => new Error('no failure'),
      (error: Error) => error,
    );
  const elsewhere = 'choose another revision or model';

  /** The weights with one entry of their header changed, or taken out. */
  function withEntry(name: string, change: (entry: { shape: number[] }) => object | undefined): Buffer {
    const end = 8 + Number(weights.readBigUInt64LE(0));
    const header = JSON.parse(weights.toString('utf8', 8, end));
    const changed = change(header[name]);
    if (changed) header[name] = changed;
    else {
      header[`other.${name}`] = header[name];
      delete header[name];
    }
    const json = Buffer.from(JSON.stringify(header));
    const prefix = Buffer.alloc(8);
    prefix.writeBigUInt64LE(BigInt(json.length));
    return Buffer.concat([prefix, json, weights.subarray(end)]);
  }

  const words = 'bert.embeddings.word_embeddings.weight';
  const broken: [string, string, () => Buffer | string, string][] = [
    [
      'weights that are cut short',
      'model.safetensors',
      () => weights.subarray(0, weights.length - 10),
      'model.safetensors of team/tiny@v1 is damaged (cut short: ',
    ],
    [
      'a weight of another shape',
      'model.safetensors',
      () => withEntry(words, ({ shape, ...entry }) => ({ ...entry, shape: shape.toReversed() })),
      `model.safetensors of team/tiny@v1: ${words} must be [`,
    ],
    [
      'a weight that is missing',
      'model.safetensors',
      () => withEntry(words, () => undefined),
      `team/tiny@v1 lacks 1 weight of the BERT that its config.json describes: ${words}: `,
    ],
    ['another kind of model', 'config.json', () => '{"model_type": "t5"}', 'config.json of team/tiny@v1: model_type'],
    ['a tokenizer that is no JSON', 'tokenizer.json', () => '{', 'tokenizer.json of team/tiny@v1 is not valid'],
  ];

  test.each(broken)('%s', (_, name, content, start) =>
    withHub(async () => {
      repository.revisions.set('v1', repository.commit);
      repository.files.set(name, Buffer.from(content()));
      for (const offline of [false, true]) {
        const error = await failureOf(loadModel('team/tiny@v1', { threads: 1, offline }));
        expect(error).toBeInstanceOf(BertuneError);
        expect(error.message.slice(0, start.length)).toBe(start);
        expect(error.message.endsWith(`: ${offline ? `${inCache}; otherwise ` : ''}${elsewhere}`)).toBe(true);
        expect(error.message).not.toContain(cache);
        expect(error.message).not.toContain('copy it');
      }
    }),
  );
  const inCache = 'if the cache lacks a file, run once without offline (or HF_HUB_OFFLINE)';

  test('every job says it so, a server in its threads, too', () =>
    withHub(async () => {
      repository.files.set('model.safetensors', weights.subarray(0, weights.length - 10));
      const model = 'team/tiny';
      const [texts, labeled, output] = ['texts.txt', 'labeled.csv', 'output'].map((name) => join(folder, name));
      writeFileSync(texts ?? '', messages(40).join('\n'));
      writeFileSync(labeled ?? '', labeledCsv(labeledMessages(40)));
      const data = { files: [texts ?? ''] };
      const jobs = [
        () => inspect({ model }),
        () => evaluate({ model, data }),
        () => adapt({ model, corpus: data, output: output ?? '' }),
        () => finetune({ model, train: { files: [labeled ?? ''] }, output: output ?? '' }),
        () => exportModel({ model, output: output ?? '' }),
        () => createServer({ models: [model], port: 0 }),
      ];
      const line = `model.safetensors of team/tiny is damaged (cut short: ${weights.length - 10} of ${weights.length} bytes): ${elsewhere}`;
      for (const job of jobs) expect((await failureOf(job())).message).toBe(line);
    }));

  test('notes, too', () =>
    withHub(async () => {
      repository.files.delete('pooler.safetensors');
      const notes: string[] = [];
      const options = {
        ...{ model: 'team/tiny', train: { files: [join(folder, 'labeled.csv')] }, output: join(folder, 'noted') },
        ...{ maxSteps: 1, threads: 1, reads: 'pooler' as const },
      };
      await finetune(options, { onEvent: (event) => event.type === 'note' && notes.push(event.text) });
      expect(notes).toContain('team/tiny has no pooler and no classifier for these labels: started at random');
      expect(notes.join('\n')).not.toContain(cache);
    }));

  test('what was spoiled in the cache later: fetched anew when its size tells, else removed', () =>
    withHub(async () => {
      const { folder: found } = await fetchModel(tiny, settings());
      const blob = join(storage(), 'blobs', sha256(weights));
      const load = (offline: boolean) => loadModel('team/tiny', { threads: 1, offline });

      writeFileSync(blob, weights.subarray(0, 1000));
      await (await load(false)).dispose();
      expect(readFileSync(join(found, 'model.safetensors')).equals(weights)).toBe(true);

      const spoiled = Buffer.from(weights).fill(0, 8, 20);
      writeFileSync(blob, spoiled);
      expect((await failureOf(load(true))).message).toBe(
        'model.safetensors of team/tiny was damaged in the cache and is removed: run once without offline (or HF_HUB_OFFLINE) to fetch it anew',
      );
      expect((await failureOf(load(true))).message).toBe(
        `no model.safetensors in team/tiny: ${inCache}; otherwise ${elsewhere}`,
      );
      await (await load(false)).dispose();
      expect(readFileSync(blob).equals(weights)).toBe(true);
    }));

  test('a whole file behind an absolute link stays', () =>
    withHub(async () => {
      const { folder: found } = await fetchModel(tiny, settings());
      const link = join(found, 'model.safetensors');
      rmSync(link);
      symlinkSync(join(storage(), 'blobs', sha256(weights)), link);
      for (const name of ['tokenizer.json', 'vocab.txt']) rmSync(join(found, name));
      await failureOf(loadModel('team/tiny', { threads: 1, offline: true }));
      expect(readFileSync(link).equals(weights)).toBe(true);
    }));
});
