import { existsSync } from 'node:fs';
import { readdir, rm, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { cacheFolder } from '../core/cachePath.ts';
import { BertuneError, InterruptedError, UsageError } from '../core/errors.ts';
import { throwIfAborted } from '../core/interrupt.ts';
import { say, setting } from '../core/message.ts';
import { sha256 } from '../data/cacheFolder.ts';
import { cardFile } from '../hub/modelCard.ts';
import { wordsFolder } from '../hub/wordsFolder.ts';
import { schemeOf, unknownScheme, withoutSecrets } from '../remote/address.ts';
import { at } from '../remote/failure.ts';
import { findObject } from '../remote/objects.ts';
import { checkBucket, removeObject, uploadFile } from '../remote/upload.ts';
import { exportFiles } from './exportFolder.ts';
import { note } from './note.ts';
import { runFiles } from './runFolder.ts';
import { readableRecord, writeRecord } from './runRecord.ts';
import type { JobHooks } from './types.ts';

interface WithOutput {
  readonly model?: string;
  readonly output: string;
  readonly resume?: boolean;
  readonly overwrite?: boolean;
}

/** Whether a job's folder is to be somewhere else than on this machine. */
export function isSentAway(options: { readonly output?: unknown }): boolean {
  const output = options?.output;
  return typeof output === 'string' && (schemeOf(output) ?? unknownScheme(output)) !== undefined;
}

/**
 * Runs a job whose folder is to be on S3: it is made on this machine, and sent when it is whole. What makes it a model is
 * sent last, and that of a folder before goes first: what is there at any time looks like a model only when it is one.
 * Checkpoints stay here until the run is through.
 *
 * @throws UsageError for a place that cannot be written to, or holds other things
 */
export async function sentAway<O extends WithOutput, R extends { readonly output: string }>(
  options: O,
  hooks: JobHooks,
  run: (options: O) => Promise<R>,
): Promise<R> {
  const address = addressOf(options);
  const cache = cacheFolder();
  if (cache === undefined)
    throw new UsageError(
      say`${setting('output')} ${address} needs a place to be made in; set BERTUNE_CACHE to a folder`,
    );
  const folder = join(
    cache,
    'outputs',
    sha256(JSON.stringify([process.env.AWS_ENDPOINT_URL ?? '', address])).slice(0, 16),
    basename(address),
  );
  await checkBucket(address).catch((error: unknown) => {
    throw at(setting('output'), error);
  });
  // What is gone on with has claimed the place before.
  const isGoneOnWith = options.resume === true && existsSync(folder);
  await checkPlace(address, options.overwrite === true || isGoneOnWith);
  try {
    const result = await run({ ...options, output: folder });
    await recordAddress(folder, address);
    await send(folder, address, hooks);
    await rm(dirname(folder), { recursive: true, force: true });
    return { ...result, output: address };
  } catch (error) {
    const isKept = await stat(folder).catch(() => undefined);
    if (isKept && error instanceof BertuneError) {
      const again = error instanceof InterruptedError ? 'go on with it' : 'it can be gone on with';
      note(
        hooks,
        say`nothing was sent to ${address}; what there is lies in ${folder}: ${again} by ${setting('resume')}`,
      );
    }
    throw error;
  }
}

/** Writes down where a run's folder goes rather than where it was made. */
async function recordAddress(folder: string, address: string): Promise<void> {
  const record = readableRecord(folder);
  if (!record) return;
  const at = (facts: object | undefined) => facts && ('output' in facts ? { ...facts, output: address } : facts);
  await writeRecord(folder, {
    ...record,
    configuration: { ...record.configuration, output: address },
    result: at(record.result),
  });
}

/** @throws UsageError for what is no folder of a bucket, or the model that is read */
function addressOf({ output, model }: WithOutput): string {
  if (schemeOf(output) !== 's3') {
    throw new UsageError(
      say`${setting('output')} ${withoutSecrets(output)} cannot be written to; give a folder, or s3://BUCKET/FOLDER`,
    );
  }
  const address = output.replace(/\/+$/, '');
  if (!/^s3:\/\/[^/]+\/./i.test(address))
    throw new UsageError(say`${setting('output')} ${output} names no folder; write s3://BUCKET/FOLDER`);
  if (model?.replace(/\/+$/, '') === address) {
    throw new UsageError(say`${setting('output')} ${output} is the model that is read; choose another folder`);
  }
  return address;
}

/** @throws UsageError when the place holds what is none of a model's, or a model that is not to be replaced */
async function checkPlace(address: string, mayReplace: boolean): Promise<void> {
  const names = await namesBelow(address);
  const other = names.find((name) => !isOfModel(name));
  if (other !== undefined) {
    throw new UsageError(
      say`${setting('output')} ${address} holds other objects (${other}); choose an empty or new folder`,
    );
  }
  if (names.length > 0 && !mayReplace) {
    throw new UsageError(
      say`${setting('output')} ${address} holds a model; replace it with ${setting('overwrite')}, or choose another folder`,
    );
  }
}

/** Names of the objects in a folder, below its address. */
async function namesBelow(address: string): Promise<string[]> {
  const found = await findObject(`${address}/`);
  const all = !found ? [] : 'scheme' in found ? [found] : found;
  return all.map(({ address: of }) => of.slice(address.length + 1)).filter((name) => name !== '');
}

async function send(folder: string, address: string, { onEvent, signal }: JobHooks): Promise<void> {
  const names = (await filesOf(folder)).sort((a, b) => rank(a) - rank(b) || (a < b ? -1 : 1));
  const before = await namesBelow(address);
  // The files of a model that was there, those first by which it is one. What came there meanwhile stays.
  const old = before.filter((name) => isOfModel(name) && (rank(name) > 0 || !names.includes(name)));
  for (const name of old.sort((a, b) => rank(b) - rank(a))) await removeObject(`${address}/${name}`);
  for (const name of names) {
    throwIfAborted(signal);
    const path = join(folder, name);
    const total = (await stat(path)).size;
    const activity = `sending ${name} to ${address}`;
    const onBytes = (done: number) => onEvent?.({ type: 'progress', activity, done, total });
    await uploadFile(path, `${address}/${name}`, onBytes, signal);
  }
}

/** The higher, the later it is sent: without these, a folder is no model. */
function rank(name: string): number {
  return ['run.json', 'modules.json', 'config.json'].indexOf(name) + 1;
}

/** Whether an object is one that a run or an export writes: a file of theirs, or one in a folder of theirs. */
function isOfModel(name: string): boolean {
  const [top = '', ...below] = name.split('/');
  const isFolder = below.length > 0;
  const isModule = /^\d+_[A-Za-z]+$/.test(top) || top === wordsFolder || top === 'onnx';
  return isFolder ? isModule && below.length === 1 : [...runFiles, ...exportFiles, cardFile].includes(top);
}

/** All but checkpoints and what is hidden. */
async function filesOf(folder: string): Promise<string[]> {
  const names: string[] = [];
  for (const name of await readdir(folder, { recursive: true })) {
    const file = name.replaceAll('\\', '/');
    const isWanted = !/^checkpoints(\/|$)|(^|\/)\./.test(file);
    if (isWanted && (await stat(join(folder, name))).isFile()) names.push(file);
  }
  return names;
}
