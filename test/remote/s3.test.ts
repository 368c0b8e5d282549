import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test as plain } from 'vitest';
import { BertuneError, InterruptedError } from '../../src/core/errors.ts';
import { adapt } from '../../src/jobs/adapt.ts';
import { embed } from '../../src/jobs/embed.ts';
import { inspect } from '../../src/jobs/inspect.ts';
import { join as joinParts } from '../../src/jobs/join.ts';
import { predictFile } from '../../src/jobs/predictFile.ts';
import type { JobEvent } from '../../src/jobs/types.ts';
import { s3Access } from '../../src/remote/client.ts';
import { removeObject, uploadFile } from '../../src/remote/upload.ts';
import { runCommand } from '../cli/build.ts';
import { readAll, runSql, textsOf } from '../data/files.ts';
import { saveTinyClassifier } from '../jobs/tiny.ts';
import { extensions, needing } from '../needs.ts';
import { temporaryFolder } from '../temporary.ts';
import { startS3 } from './servers.ts';

const failure = (files: string | readonly string[]) =>
  readAll(files).then(
    () => 'no failure',
    (error: Error) => error.message,
  );

needing('rclone').describe('S3', () => {
  const top = temporaryFolder();
  const bucket = join(top, 'data');
  const before = { ...process.env };
  let server: Awaited<ReturnType<typeof startS3>>;
  const texts = Array.from({ length: 3000 }, (_, i) => `where is my order ${i}, "please" ä 😀`);

  beforeAll(async () => {
    mkdirSync(join(bucket, 'logs', 'day-1'), { recursive: true });
    mkdirSync(join(bucket, 'empty bucket'), { recursive: true });
    const records = texts.map((text, id) => JSON.stringify({ id, text }));
    writeFileSync(join(bucket, 'rows.jsonl'), records.join('\n'));
    writeFileSync(join(bucket, 'rows.jsonl.gz'), gzipSync(records.join('\n')));
    const csv = texts.map((text, id) => `${id},"${text.replaceAll('"', '""')}"`);
    writeFileSync(join(bucket, 'rows.csv'), ['id,text', ...csv].join('\r\n'));
    writeFileSync(
      join(bucket, 'wide.txt'),
      Buffer.concat([Buffer.from([0xff, 0xfe]), Buffer.from(texts.join('\n'), 'utf16le')]),
    );
    writeFileSync(join(bucket, 'odd [1]%.txt'), texts.join('\n'));
    for (const part of [0, 1, 2]) {
      writeFileSync(
        join(bucket, 'logs', 'day-1', `part-${part}.txt`),
        texts.slice(part * 1000, part * 1000 + 1000).join('\n'),
      );
    }
    writeFileSync(join(bucket, 'logs', 'day-1', '_SUCCESS'), '');
    writeFileSync(join(bucket, 'logs', 'notes.pdf'), '%PDF-');
    await runSql(
      `COPY (SELECT id, text FROM read_json('${join(bucket, 'rows.jsonl')}')) TO '${join(bucket, 'rows.parquet')}' (FORMAT parquet, ROW_GROUP_SIZE 2048)`,
    );
    await saveTinyClassifier(join(bucket, 'models', 'tiny'), ['asks', 'wants']);
    mkdirSync(join(bucket, 'models', 'tiny', 'checkpoints'));
    writeFileSync(join(bucket, 'models', 'tiny', 'checkpoints', 'large.bin'), 'not wanted');
    Object.assign(process.env, { BERTUNE_CACHE: join(temporaryFolder(), 'cache') });
  });
  // Anew for each: it knows nothing of what changed behind its back.
  beforeEach(async () => {
    server = await startS3(top);
    Object.assign(process.env, server.env);
  });
  afterEach(() => server.close());
  afterAll(() => {
    process.env = before;
  });

  plain.each(['rows.jsonl', 'rows.jsonl.gz', 'rows.csv', 'rows.parquet'])(
    '%s has the rows that it has on disk',
    async (name) => {
      const { rows } = await readAll(`s3://data/${name}`);
      expect(rows).toEqual(texts.map((text, id) => ({ id, text })));
    },
  );

  plain('lines in UTF-16, and of keys that DuckDB would take for a pattern', async () => {
    expect(await textsOf('s3://data/wide.txt')).toEqual(texts);
    expect(await textsOf('s3://data/odd [1]%.txt')).toEqual(texts);
  });

  plain('all below a key, with and without a slash, and globs', async () => {
    const { rows, notes } = await readAll('s3://data/logs/');
    expect(rows.map(({ text }) => text)).toEqual(texts);
    expect(notes).toEqual(['--corpus s3://data/logs/: left out: 1 .pdf, 1 _SUCCESS']);
    expect(await textsOf('s3://data/logs')).toEqual(texts);
    expect(await textsOf('s3://data/logs/*/part-[12].txt')).toEqual(texts.slice(1000));
    expect(await textsOf('s3://data/**/part-0.txt')).toEqual(texts.slice(0, 1000));
    expect(await failure('s3://data/logs/part-*.txt')).toBe('--corpus: no object matches s3://data/logs/part-*.txt');
  });

  plain('one line for what is not there, and for what is refused', async () => {
    expect(await failure('s3://data/none.csv')).toBe('--corpus: no object at s3://data/none.csv, and none below it');
    const { AWS_ENDPOINT_URL: host } = server.env;
    expect(await failure('s3://nowhere/rows.csv')).toBe(`--corpus: s3://nowhere: there is no such bucket at ${host}`);
    expect(await failure('s3://')).toBe('--corpus: s3:// names no bucket; write s3://BUCKET/KEY');
    process.env.AWS_SECRET_ACCESS_KEY = 'another secret';
    try {
      const refused = await failure('s3://data/rows.csv');
      expect(refused).toContain(
        `${host} does not take the credentials (SignatureDoesNotMatch); check AWS_ACCESS_KEY_ID`,
      );
      expect(refused).not.toContain('another secret');
    } finally {
      Object.assign(process.env, server.env);
    }
    process.env.AWS_ENDPOINT_URL = 'http://127.0.0.1:1';
    try {
      expect(await failure('s3://data/rows.csv')).toMatch(
        /no connection to http:\/\/127\.0\.0\.1:1 \(connect ECONNREFUSED/,
      );
    } finally {
      Object.assign(process.env, server.env);
    }
  });

  plain('without the extension Parquet is copied, with a note', async () => {
    const kept = { extensions: process.env.BERTUNE_EXTENSIONS, home: process.env.HOME };
    Object.assign(process.env, { BERTUNE_EXTENSIONS: '', HOME: temporaryFolder() });
    try {
      const { rows, notes } = await readAll('s3://data/rows.parquet');
      expect(rows.map(({ text }) => text)).toEqual(texts);
      expect(notes).toEqual([
        expect.stringMatching(/is copied whole .*: DuckDB's extension httpfs is not in .*pip download/),
      ]);
    } finally {
      Object.assign(process.env, { BERTUNE_EXTENSIONS: kept.extensions ?? '', HOME: kept.home });
    }
  });

  plain('a profile says keys, region and endpoint', async () => {
    const aws = temporaryFolder();
    const { AWS_ACCESS_KEY_ID: id, AWS_SECRET_ACCESS_KEY: secret, AWS_ENDPOINT_URL: url } = server.env;
    writeFileSync(join(aws, 'keys'), `[team]\naws_access_key_id = ${id}\naws_secret_access_key = ${secret}\n`);
    writeFileSync(join(aws, 'config'), `[profile team]\nregion = us-east-1\nendpoint_url = ${url}\n`);
    const files = { AWS_SHARED_CREDENTIALS_FILE: join(aws, 'keys'), AWS_CONFIG_FILE: join(aws, 'config') };
    const env = { ...process.env, ...files, AWS_PROFILE: 'team' };
    for (const name of Object.keys(server.env)) delete (env as NodeJS.ProcessEnv)[name];
    for (const name of ['rows.csv', 'rows.parquet']) {
      const { code, stderr, stdout } = await runCommand(['check', '--data', `s3://data/${name}`, '--json'], { env });
      expect({ code, error: /^error.*/m.exec(stderr)?.[0] }).toEqual({ code: 0, error: undefined });
      expect(JSON.stringify(JSON.parse(stdout))).toContain('3000');
    }
  });

  if (extensions !== '') {
    plain('a query over objects', async () => {
      const query = "SELECT text FROM 's3://data/rows.parquet' WHERE id < 3 ORDER BY id DESC";
      expect(await textsOf(query)).toEqual(texts.slice(0, 3).reverse());
      expect(await failure("SELECT text FROM 's3://data/none.parquet'")).toMatch(/^the query for --corpus: .*404/);
    });
  }

  plain('a model and rows of S3, labels and vectors to S3: the same as on disk', async () => {
    const folder = temporaryFolder();
    const local = join(bucket, 'models', 'tiny');
    await predictFile({
      model: local,
      input: { files: [join(bucket, 'rows.csv')] },
      output: join(folder, 'a.parquet'),
    });
    const model = 's3://data/models/tiny';
    await predictFile({ model, input: { files: ['s3://data/rows.csv'] }, output: 's3://data/out/a.parquet' });
    expect(readFileSync(join(bucket, 'out', 'a.parquet'))).toEqual(readFileSync(join(folder, 'a.parquet')));
    expect(await inspect({ model })).toMatchObject({ labels: ['asks', 'wants'] });
    const cached = readdirSync(process.env.BERTUNE_CACHE ?? '', { recursive: true, encoding: 'utf8' });
    expect(cached.filter((name) => name.includes('checkpoints'))).toEqual([]);
    await embed({ model: local, input: { files: [join(bucket, 'rows.csv')] }, output: join(folder, 'v.jsonl') });
    for (const shard of ['1/2', '2/2']) {
      await embed({ model, input: { files: ['s3://data/rows.csv'] }, output: 's3://data/out/v.jsonl', shard });
    }
    expect(await joinParts({ output: 's3://data/out/v.jsonl' })).toMatchObject({ count: 3000, parts: 2 });
    expect(readFileSync(join(bucket, 'out', 'v.jsonl'), 'utf8')).toBe(readFileSync(join(folder, 'v.jsonl'), 'utf8'));
  });

  plain('a model that changed is fetched anew', async () => {
    const model = 's3://data/models/changing';
    // By the server: of what changes behind its back it does not know for a while.
    const put = async (labels: readonly string[]) => {
      const local = await saveTinyClassifier(join(temporaryFolder(), 'changing'), labels);
      for (const name of readdirSync(local)) await uploadFile(join(local, name), `${model}/${name}`);
    };
    await put(['asks', 'wants']);
    expect(await inspect({ model })).toMatchObject({ labels: ['asks', 'wants'] });
    await put(['one', 'two', 'three']);
    expect(await inspect({ model })).toMatchObject({ labels: ['one', 'two', 'three'] });
  });

  plain('an upload that is stopped leaves nothing', async () => {
    const path = join(temporaryFolder(), 'large.bin');
    writeFileSync(path, Buffer.alloc(64 << 20, 1));
    const stop = new AbortController();
    let sent = 0;
    const onBytes = (bytes: number) => {
      sent = bytes;
      stop.abort();
    };
    await expect(uploadFile(path, 's3://data/large.bin', onBytes, stop.signal)).rejects.toThrow(InterruptedError);
    expect(sent).toBeGreaterThan(0);
    expect(sent).toBeLessThan(64 << 20);
    expect(existsSync(join(bucket, 'large.bin'))).toBe(false);
    const { client } = await s3Access();
    const { ListMultipartUploadsCommand } = await import('@aws-sdk/client-s3');
    expect((await client.send(new ListMultipartUploadsCommand({ Bucket: 'data' }))).Uploads ?? []).toEqual([]);
  });

  plain('places that cannot be written to are told before the work', async () => {
    const model = join(bucket, 'models', 'tiny');
    const input = { files: [join(bucket, 'rows.csv')] };
    await expect(predictFile({ model, input, output: 's3://nowhere/a.csv' })).rejects.toThrow(
      /^output: s3:\/\/nowhere: there is no such bucket/,
    );
    await expect(predictFile({ model, input, output: 'https://x.example/a.csv' })).rejects.toThrow(
      'https://x.example/a.csv cannot be written to; give a file, or s3://BUCKET/KEY',
    );
    await expect(inspect({ model: 's3://data/none' })).rejects.toThrow(
      "model: no folder s3://data/none: no object's key begins with it",
    );
    await expect(inspect({ model: 's3://data/logs' })).rejects.toThrow(BertuneError);
  });

  plain('a run whose folder is on S3: sent when it is whole, the same as one on disk', async () => {
    const corpus = { files: [join(bucket, 'logs', 'day-1', 'part-0.txt')] };
    const model = join(bucket, 'models', 'tiny');
    const options = { model, corpus, maxSteps: 2, batchTokens: 64, threads: 1, cache: false } as const;
    const local = join(temporaryFolder(), 'run');
    await adapt({ ...options, output: local });
    const output = 's3://data/runs/adapted';
    expect(await adapt({ ...options, output: `${output}/` })).toMatchObject({ output });
    const sent = join(bucket, 'runs', 'adapted');
    const files = (folder: string) =>
      readdirSync(folder)
        .filter((name) => name !== 'checkpoints')
        .sort();
    expect(files(sent)).toEqual(files(local));
    expect(readFileSync(join(sent, 'model.safetensors'))).toEqual(readFileSync(join(local, 'model.safetensors')));
    expect(existsSync(join(sent, 'checkpoints'))).toBe(false);
    expect(await inspect({ model: output })).toMatchObject({ path: output });
    await expect(adapt({ ...options, output })).rejects.toThrow(
      `output ${output} holds a model; replace it with overwrite`,
    );
    await expect(adapt({ ...options, model: output, output, overwrite: true })).rejects.toThrow(
      /is the model that is read/,
    );
    const others = ['notes.txt', 'data/gold.jsonl', 'other-model/config.json', 'onnx/deep/model.onnx'];
    const mine = join(temporaryFolder(), 'mine');
    writeFileSync(mine, 'mine');
    for (const other of others) {
      await uploadFile(mine, `${output}/${other}`, () => {});
      for (const more of [{ overwrite: true }, { resume: true }]) {
        await expect(adapt({ ...options, output, ...more })).rejects.toThrow(
          `output ${output} holds other objects (${other}); choose an empty or new folder`,
        );
      }
      expect(readFileSync(join(sent, other), 'utf8')).toBe('mine');
      await removeObject(`${output}/${other}`);
    }
    await expect(adapt({ ...options, output, resume: true })).rejects.toThrow(`output ${output} holds a model`);
    await adapt({ ...options, output, overwrite: true, seed: 7 });
    expect(readFileSync(join(sent, 'model.safetensors'))).not.toEqual(readFileSync(join(local, 'model.safetensors')));
  });

  plain('a run that fails sends nothing and says where it lies', async () => {
    const notes: string[] = [];
    const stopping = new AbortController();
    const corpus = { files: [join(bucket, 'logs', 'day-1', 'part-0.txt')] };
    const options = {
      model: join(bucket, 'models', 'tiny'),
      corpus,
      batchTokens: 64,
      threads: 1,
      cache: false,
    } as const;
    const output = 's3://data/runs/stopped';
    const onEvent = (event: JobEvent) => {
      if (event.type === 'note') notes.push(event.text);
      if (event.type === 'step') stopping.abort();
    };
    const run = adapt({ ...options, maxSteps: 4, output }, { onEvent, signal: stopping.signal });
    await expect(run).rejects.toThrow(BertuneError);
    expect(existsSync(join(bucket, 'runs', 'stopped'))).toBe(false);
    expect(notes.at(-1)).toMatch(
      /^nothing was sent to s3:\/\/data\/runs\/stopped; what there is lies in .*: go on with it by resume$/,
    );
    expect(await adapt({ ...options, maxSteps: 4, output, resume: true })).toMatchObject({ output, steps: 4 });
    expect(existsSync(join(bucket, 'runs', 'stopped', 'config.json'))).toBe(true);
  });

  plain('a tokenized corpus is taken from the cache until an object changes; no secret lies anywhere', async () => {
    const folder = temporaryFolder();
    const put = async (lines: readonly string[]) => {
      writeFileSync(join(folder, 'corpus.txt'), lines.join('\n'));
      await uploadFile(join(folder, 'corpus.txt'), 's3://data/corpus.txt');
    };
    await put(texts);
    const run = async (name: string) => {
      const words = ['adapt', '--model', join(bucket, 'models', 'tiny'), '--corpus', 's3://data/corpus.txt'];
      const more = [
        '--output',
        join(folder, name),
        '--max-steps',
        '1',
        '--batch-tokens',
        '64',
        '--threads',
        '1',
        '--json',
      ];
      const { code, stdout, stderr } = await runCommand([...words, ...more], { env: { ...process.env } });
      expect({ code, stderr }).toEqual({ code: 0, stderr });
      expect(stdout + stderr).not.toContain('test-secret');
      const record = readFileSync(join(folder, name, 'run.json'), 'utf8');
      expect(record).toContain('s3://data/corpus.txt');
      expect(record).not.toContain('test-secret');
      return { texts: JSON.parse(record).data, isKept: stderr.includes('as tokenized before') };
    };
    const first = await run('first');
    const second = await run('second');
    expect(second.texts).toEqual(first.texts);
    await put([...texts, 'one more text']);
    const third = await run('third');
    expect(third.texts).not.toEqual(first.texts);
    expect([first.isKept, second.isKept, third.isKept]).toEqual([false, true, false]);
  });
});
