import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test as plain } from 'vitest';
import { InterruptedError } from '../../src/core/errors.ts';
import { embedImages } from '../../src/jobs/embedImages.ts';
import { finetuneImages } from '../../src/jobs/finetuneImages.ts';
import { pretrainImages } from '../../src/jobs/pretrainImages.ts';
import { pretrainSequence } from '../../src/jobs/pretrainSequence.ts';
import { embedTable, pretrainTable } from '../../src/jobs/pretrainTable.ts';
import { showImages } from '../../src/jobs/showImages.ts';
import { tokenize } from '../../src/jobs/tokenize.ts';
import type { JobEvent } from '../../src/jobs/types.ts';
import { uploadFile } from '../../src/remote/upload.ts';
import { writeBars } from '../data/images/idxFiles.ts';
import { curvedRows, writeCsv } from '../data/numberFiles.ts';
import { saveTinyClassifier } from '../jobs/tiny.ts';
import { tinySettings } from '../jobs/tinyImages.ts';
import { needing } from '../needs.ts';
import { temporaryFolder } from '../temporary.ts';
import { startS3 } from './servers.ts';

needing('rclone').describe('S3', () => {
  const top = temporaryFolder();
  const bucket = join(top, 'data');
  const local = temporaryFolder();
  const far = 's3://data/kinds';
  const before = { ...process.env };
  let server: Awaited<ReturnType<typeof startS3>>;

  beforeAll(async () => {
    mkdirSync(bucket);
    server = await startS3(top);
    Object.assign(process.env, server.env, { BERTUNE_CACHE: join(temporaryFolder(), 'cache') });
  });
  afterAll(async () => {
    await server.close();
    process.env = before;
  });

  /** Runs a job with its folder on this machine and on S3. */
  async function expectSame(name: string, run: (output: string, place: string) => Promise<{ output: string }>) {
    for (const place of [local, far]) {
      expect(await run(`${place}/${name}`, place)).toMatchObject({ output: `${place}/${name}` });
    }
    const sent = join(bucket, 'kinds', name);
    const files = readdirSync(join(local, name)).filter((file) => file !== 'checkpoints');
    expect(readdirSync(sent).sort()).toEqual(files.sort());
    for (const file of ['model.safetensors', 'config.json']) {
      expect(readFileSync(join(sent, file)).equals(readFileSync(join(local, name, file))), file).toBe(true);
    }
    const record = readFileSync(join(sent, 'run.json'), 'utf8');
    expect(JSON.parse(record)).toMatchObject({
      ...{ configuration: { output: `${far}/${name}` }, result: { output: `${far}/${name}` } },
    });
    expect(record).not.toContain(process.env.BERTUNE_CACHE);
  }

  plain('models of images, their vectors and pictures are the same as on disk, and taken from there', async () => {
    const data = writeBars(local, 'bars', 96);
    const common = { cache: false, batchSize: 16, maxSteps: 3, threads: 1, dataThreads: 1, evalFraction: 0.2 } as const;
    const { autoencoder } = tinySettings;
    await expectSame('images', (output) =>
      pretrainImages({ data, method: 'autoencoder', ...common, ...autoencoder, output }),
    );
    await expectSame('classifier', (output, place) =>
      finetuneImages({ model: `${place}/images`, train: data, ...common, augment: false, output }),
    );
    for (const place of [local, far]) {
      const used = { model: `${place}/images`, data, cache: false, threads: 1 } as const;
      await embedImages({ ...used, output: `${place}/images.jsonl` });
      await showImages({ ...used, output: `${place}/images.png` });
    }
    for (const name of ['images.jsonl', 'images.png']) {
      expect(readFileSync(join(bucket, 'kinds', name)).equals(readFileSync(join(local, name))), name).toBe(true);
    }
    await expect(
      embedImages({ model: `${far}/none`, data, output: join(local, 'none.jsonl'), cache: false }),
    ).rejects.toThrow("model: no folder s3://data/kinds/none: no object's key begins with it");
    await expect(
      pretrainImages({ data, method: 'autoencoder', ...common, ...autoencoder, output: `${far}/images` }),
    ).rejects.toThrow('output s3://data/kinds/images holds a model; replace it with overwrite');
  });

  plain('models of numbers are the same as on disk, from rows on S3', async () => {
    const file = writeCsv(join(local, 'rows.csv'), ['a', 'b', 'c', 'd', 'e'], curvedRows(120));
    await uploadFile(file, 's3://data/rows.csv');
    const dataAt = (place: string) => (place === far ? 's3://data/rows.csv' : file);
    const common = { maxSteps: 3, threads: 1 } as const;
    await expectSame('table', (output, place) => pretrainTable({ ...common, data: dataAt(place), output }));
    await expectSame('series', (output, place) =>
      pretrainSequence({ ...common, data: dataAt(place), window: 6, horizon: 2, output }),
    );
    for (const place of [local, far]) {
      await embedTable({ model: `${place}/table`, data: dataAt(place), output: `${place}/rows.jsonl`, threads: 1 });
    }
    expect(readFileSync(join(bucket, 'kinds', 'rows.jsonl'), 'utf8')).toBe(
      readFileSync(join(local, 'rows.jsonl'), 'utf8'),
    );
  });

  plain('the fetching of a large file is told while it lasts', async () => {
    const model = await saveTinyClassifier(join(local, 'tiny'), ['asks', 'wants']);
    const large = join(local, 'large.txt');
    const line = 'where is my order, please, it is late\n';
    writeFileSync(large, line.repeat(4_000_000));
    await uploadFile(large, 's3://data/large.txt');
    const told: JobEvent[] = [];
    const stop = new AbortController();
    const onEvent = (event: JobEvent) => {
      if (event.type !== 'progress') return;
      if (event.activity.startsWith('fetching')) told.push(event);
      else stop.abort();
    };
    const corpus = { files: ['s3://data/large.txt'] };
    const reading = tokenize({ model, corpus, output: join(local, 'tokens') }, { onEvent, signal: stop.signal });
    await expect(reading).rejects.toThrow(InterruptedError);
    expect(told[0]).toMatchObject({ activity: 'fetching s3://data/large.txt', total: 4_000_000 * line.length });
  });
});
