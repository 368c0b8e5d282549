import { existsSync } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { z } from 'zod';
import { BertuneError, messageOf, UsageError } from '../core/errors.ts';
import { say, setting } from '../core/message.ts';
import { conversionOf } from './conversion.ts';
import { type DownloadOptions, downloadBlob, type RemoteFile } from './download.ts';
import { isCommit, RepoCache } from './hubCache.ts';
import { type ModelReference, referenceName } from './reference.ts';
import { ConnectionError, hubFetch } from './requests.ts';
import type { HubSettings } from './settings.ts';
import { poolerFile, weightFile, weightIndex } from './weightFiles.ts';

export interface FetchHooks {
  readonly onNote?: (text: string) => void;
  /** Hears how far a file is, in bytes. */
  readonly onProgress?: (file: string, done: number, total: number) => void;
  readonly signal?: AbortSignal;
}

/** A model of the Hub on this machine. */
export interface FetchedModel {
  /** Its folder in the cache, to be read only. */
  readonly folder: string;
  readonly commit: string;
}

/** Text files that are taken beside the weights. Nothing else is: pickles run code when they are opened. */
const textFiles = [
  'config.json',
  'tokenizer.json',
  'tokenizer_config.json',
  'vocab.txt',
  'special_tokens_map.json',
  'added_tokens.json',
  'README.md',
];

/**
 * Brings a model of the Hub into the cache that Python shares, as far as it is not there, and checks what it brings.
 * Without a network, what the cache holds of the revision is taken.
 *
 * @throws UsageError when there is no such model or revision, or it is private; BertuneError when the network fails, a
 * checksum is wrong, or the listing names a file outside the folder
 */
export async function fetchModel(
  reference: ModelReference,
  settings: HubSettings,
  hooks: FetchHooks = {},
): Promise<FetchedModel> {
  const cache = new RepoCache(settings.cache, reference.repo);
  const name = referenceName(reference);
  if (settings.offline) {
    const cached = await cachedModel(cache, reference);
    if (cached) return cached;
    throw new UsageError(
      say`no folder ${name} here, nor such a model in ${settings.cache}; run once without ${setting('offline')} (or HF_HUB_OFFLINE) to fetch it`,
    );
  }
  try {
    return await download(cache, reference, settings, hooks);
  } catch (error) {
    const cached = error instanceof ConnectionError ? await cachedModel(cache, reference) : undefined;
    if (!cached) throw error;
    hooks.onNote?.(`no connection to ${settings.endpoint}: ${name} is taken from the cache as it was last fetched`);
    return cached;
  }
}

/** A snapshot counts when its configuration is there; whoever loads it says what else it lacks. */
async function cachedModel(cache: RepoCache, reference: ModelReference): Promise<FetchedModel | undefined> {
  const commit = await cache.commitOf(reference);
  if (commit === undefined) return undefined;
  const folder = cache.snapshot(commit);
  return existsSync(join(folder, 'config.json')) ? { folder, commit } : undefined;
}

async function download(
  cache: RepoCache,
  reference: ModelReference,
  settings: HubSettings,
  hooks: FetchHooks,
): Promise<FetchedModel> {
  const request = hubFetch(settings, reference, hooks.signal);
  const { commit, listing } = await listModel(reference, settings, request);
  const pickle = onlyPickle(listing);
  if (pickle !== undefined) {
    const converted = await conversionOf(reference, commit, settings, request);
    if (converted === undefined) throw pickleError(pickle, reference);
    const name = referenceName(converted);
    hooks.onNote?.(
      `${referenceName(reference)} has its weights only in ${pickle}, a pickle: the Hub's own conversion of it is taken, ${name}; call it by that name to use it offline`,
    );
    return download(cache, converted, settings, hooks);
  }
  const options = (file: RemoteFile): DownloadOptions => ({
    url: new URL(`${settings.endpoint}/${reference.repo}/resolve/${commit}/${encodeURIComponent(file.path)}`),
    fetch: request,
    name: referenceName(reference),
    signal: hooks.signal,
    onBytes: (bytes) => hooks.onProgress?.(file.path, bytes, file.size),
  });
  const bring = async (names: readonly string[]) => {
    for (const file of listing.filter(({ path }) => names.includes(path))) {
      const there = await stat(join(cache.snapshot(commit), file.path)).catch(() => undefined);
      if (there?.size === file.size) continue;
      await downloadBlob(cache, file, options(file));
      await cache.link(commit, file.path, file.checksum);
    }
  };
  await bring([...textFiles, weightIndex]);
  await bring([...(await weightNames(cache.snapshot(commit), listing)), poolerFile]);
  await cache.setCommit(reference, commit);
  return { folder: cache.snapshot(commit), commit };
}

/** The commit that the revision is now, and the files of its top folder. */
async function listModel(
  reference: ModelReference,
  settings: HubSettings,
  request: typeof fetch,
): Promise<{ commit: string; listing: RemoteFile[] }> {
  const { modelInfo, listFiles } = await import('@huggingface/hub');
  const { repo, revision } = reference;
  const hub = { hubUrl: settings.endpoint, fetch: request };
  try {
    const { sha: commit } = await modelInfo({ name: repo, revision, additionalFields: ['sha'], ...hub });
    if (!isCommit(commit)) throw new Error(`no commit for ${referenceName(reference)}`);
    const listing: RemoteFile[] = [];
    for await (const entry of listFiles({ repo: { type: 'model', name: repo }, revision: commit, ...hub })) {
      checkInside(entry.path, reference);
      if (entry.type === 'file') listing.push(remoteFile(entry, reference));
    }
    return { commit, listing };
  } catch (error) {
    if (error instanceof BertuneError) throw error;
    throw new BertuneError(`${settings.endpoint} does not answer as the Hub does: ${messageOf(error)}`);
  }
}

/** @throws BertuneError for a name that would leave the folder, on any system */
function checkInside(path: string, { repo }: ModelReference): void {
  if (isInside(path)) return;
  throw new BertuneError(
    `${repo} lists a file with the name ${JSON.stringify(path)}, which lies outside its folder: nothing was fetched`,
  );
}

function isInside(path: string): boolean {
  const parts = path.split('/');
  return !/[\\\0:]/.test(path) && parts.every((part) => part !== '' && part !== '.' && part !== '..');
}

const checksumSchema = z.string().regex(/^(?:[0-9a-f]{40}|[0-9a-f]{64})$/);

function remoteFile(
  entry: { path: string; size: number; oid?: string; lfs?: { oid: string; size: number } },
  { repo }: ModelReference,
): RemoteFile {
  const checksum = checksumSchema.safeParse(entry.lfs?.oid ?? entry.oid);
  if (!checksum.success) throw new BertuneError(`${repo} lists ${entry.path} without a checksum: nothing was fetched`);
  return { path: entry.path, size: entry.lfs?.size ?? entry.size, checksum: checksum.data };
}

/** The file that holds the weights when all that do run code when they are opened. */
function onlyPickle(listing: readonly RemoteFile[]): string | undefined {
  const names = listing.map(({ path }) => path);
  if (names.some((name) => name.endsWith('.safetensors'))) return undefined;
  return names.find((name) => /^pytorch_model.*\.bin$/.test(name)); // a tokenizer alone may be what is wanted
}

function pickleError(pickle: string, reference: ModelReference): BertuneError {
  return new BertuneError(
    `${referenceName(reference)} has its weights only in ${pickle}, a pickle, which is never fetched; look for a revision with safetensors (often @refs/pr/1), or save it anew with Python's transformers`,
  );
}

/** Files that hold the weights: one, or those that the index names. */
async function weightNames(folder: string, listing: readonly RemoteFile[]): Promise<string[]> {
  if (listing.some(({ path }) => path === weightFile)) return [weightFile];
  const text = await readFile(join(folder, weightIndex), 'utf8').catch(() => '{}');
  const index = indexSchema.safeParse(parsed(text)).data;
  return [...new Set(Object.values(index?.weight_map ?? {}))].filter(
    (name) => name === basename(name) && name.endsWith('.safetensors'),
  );
}

const indexSchema = z.object({ weight_map: z.record(z.string(), z.string()) });

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // whoever loads the folder says so
  }
}
