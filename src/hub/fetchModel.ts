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
import { below, isInside, moduleFolders, parsed } from './repoFiles.ts';
import { ConnectionError, hubFetch } from './requests.ts';
import { encoderFiles, modulesFile, sentenceFile } from './sentenceFolder.ts';
import type { HubSettings } from './settings.ts';
import { trustFiles, trustFolder } from './trustFolder.ts';
import { pickleFile, poolerFile, weightFile, weightIndex } from './weightFiles.ts';
import { wordsFiles, wordsFolder } from './wordsFolder.ts';

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

const cardFile = 'README.md';

/** Text files that are taken beside the weights. Nothing else is: pickles run code when they are opened. */
const textFiles = [
  'config.json',
  'tokenizer.json',
  'tokenizer_config.json',
  'vocab.txt',
  'special_tokens_map.json',
  'added_tokens.json',
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
    const cached = await cachedModel(cache, reference, hooks);
    if (cached) return cached;
    throw new UsageError(
      say`no folder ${name} here, nor such a model in ${settings.cache}; run once without ${setting('offline')} (or HF_HUB_OFFLINE) to fetch it`,
    );
  }
  try {
    return await download(cache, reference, settings, hooks);
  } catch (error) {
    const cached = error instanceof ConnectionError ? await cachedModel(cache, reference, hooks) : undefined;
    if (!cached) throw error;
    hooks.onNote?.(`no connection to ${settings.endpoint}: ${name} is taken from the cache as it was last fetched`);
    return cached;
  }
}

/** A snapshot counts when its configuration is there; whoever loads it says what else it lacks. */
async function cachedModel(
  cache: RepoCache,
  reference: ModelReference,
  { onNote }: FetchHooks,
): Promise<FetchedModel | undefined> {
  const commit = await cache.commitOf(reference);
  if (commit === undefined) return undefined;
  const folder = cache.snapshot(commit);
  const has = (name: string) => existsSync(join(folder, name));
  const [encoder = ''] = await modulesOf(folder);
  if (!has(below(encoder, 'config.json'))) return undefined;
  if (has(modulesFile)) return { folder, commit };
  const card = await readFile(join(folder, cardFile), 'utf8').catch(() => '');
  if (/^library_name: *["']?sentence-transformers\b/m.test(card)) {
    onNote?.(
      `the cache has no ${modulesFile} of ${referenceName(reference)}, a sentence encoder by its card: it is read as an encoder alone; fetch it once from the Hub`,
    );
  }
  return { folder, commit };
}

async function download(
  cache: RepoCache,
  reference: ModelReference,
  settings: HubSettings,
  hooks: FetchHooks,
): Promise<FetchedModel> {
  const request = hubFetch(settings, reference, hooks.signal);
  const { commit, top, filesOf } = await listModel(reference, settings, request);
  const snapshot = cache.snapshot(commit);
  const options = (file: RemoteFile): DownloadOptions => ({
    url: new URL(
      `${settings.endpoint}/${reference.repo}/resolve/${commit}/${file.path.split('/').map(encodeURIComponent).join('/')}`,
    ),
    fetch: request,
    name: referenceName(reference),
    signal: hooks.signal,
    onBytes: (bytes) => hooks.onProgress?.(file.path, bytes, file.size),
  });
  const bring = async ({ path: folder, files }: RemoteFolder, names: readonly string[]) => {
    const paths = names.map((name) => below(folder, name));
    for (const file of files.filter(({ path }) => paths.includes(path))) {
      const there = await stat(join(snapshot, file.path)).catch(() => undefined);
      if (there?.size === file.size) continue;
      await downloadBlob(cache, file, options(file));
      await cache.link(commit, file.path, file.checksum);
    }
  };
  const isThere = (name: string) => top.files.some(({ path }) => path === name);
  if (isThere(modulesFile)) await bring(top, [modulesFile]);
  const [first = '', ...others] = isThere(modulesFile) ? await modulesOf(snapshot) : [];
  const encoder = await filesOf(first);
  // A module of the model's own folder has no file beside the encoder's.
  const modules = await Promise.all([...new Set(others)].filter((path) => path !== first).map(filesOf));
  const pickle = onlyPickle(encoder.files);
  if (pickle !== undefined) {
    const converted = await conversionOf(reference, commit, settings, request);
    if (converted === undefined) throw pickleError(pickle, reference);
    const name = referenceName(converted);
    hooks.onNote?.(
      `${referenceName(reference)} has its weights only in ${pickle}, a pickle: the Hub's own conversion of it is taken, ${name}; call it by that name to use it offline`,
    );
    return download(cache, converted, settings, hooks);
  }
  for (const folder of modules) checkModuleWeights(folder, reference);
  await bring(top, [sentenceFile, cardFile]);
  await bring(encoder, [...textFiles, ...encoderFiles, weightIndex]);
  await bring(encoder, [...(await weightNames(snapshot, encoder)), poolerFile]);
  for (const folder of modules) await bring(folder, ['config.json', weightFile]);
  await bring(await filesOf(wordsFolder), wordsFiles);
  await bring(await filesOf(trustFolder), trustFiles);
  await cache.setCommit(reference, commit);
  return { folder: snapshot, commit };
}

/** Files of one folder of a repository. */
interface RemoteFolder {
  /** '' for the top. */
  readonly path: string;
  readonly files: readonly RemoteFile[];
}

interface ListedModel {
  /** The commit that the revision is now. */
  readonly commit: string;
  readonly top: RemoteFolder;
  /** The files of a folder; none of one that is not there, as git keeps no empty ones. */
  filesOf(path: string): Promise<RemoteFolder>;
}

async function listModel(
  reference: ModelReference,
  settings: HubSettings,
  request: typeof fetch,
): Promise<ListedModel> {
  const { modelInfo, listFiles } = await import('@huggingface/hub');
  const { repo, revision } = reference;
  const hub = { hubUrl: settings.endpoint, fetch: request };
  const answered = async <T>(ask: () => Promise<T>) => {
    try {
      return await ask();
    } catch (error) {
      if (error instanceof BertuneError) throw error;
      throw new BertuneError(`${settings.endpoint} does not answer as the Hub does: ${messageOf(error)}`);
    }
  };
  const commit = await answered(async () => {
    const { sha } = await modelInfo({ name: repo, revision, additionalFields: ['sha'], ...hub });
    if (!isCommit(sha)) throw new Error(`no commit for ${referenceName(reference)}`);
    return sha;
  });
  const folders = new Set(['']);
  const list = (path: string): Promise<RemoteFolder> =>
    answered(async () => {
      const files: RemoteFile[] = [];
      const asked = { repo: { type: 'model', name: repo } as const, revision: commit, path: path || undefined };
      for await (const entry of listFiles({ ...asked, ...hub })) {
        checkInside(entry.path, reference);
        if (entry.type === 'file') files.push(remoteFile(entry, reference));
        if (entry.type === 'directory') folders.add(entry.path);
      }
      return { path, files };
    });
  const top = await list('');
  const filesOf = async (path: string) => {
    if (path === '') return top;
    for (let at = path.indexOf('/'); at > 0; at = path.indexOf('/', at + 1)) {
      if (folders.has(path.slice(0, at))) await list(path.slice(0, at));
    }
    return folders.has(path) ? list(path) : { path, files: [] };
  };
  return { commit, top, filesOf };
}

/** @throws BertuneError for a name that would leave the folder, on any system */
function checkInside(path: string, { repo }: ModelReference): void {
  if (isInside(path)) return;
  throw new BertuneError(
    `${repo} lists a file with the name ${JSON.stringify(path)}, which lies outside its folder: nothing was fetched`,
  );
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

/** Folders of the modules that the `modules.json` of a snapshot names, the encoder's first. */
async function modulesOf(snapshot: string): Promise<string[]> {
  const text = await readFile(join(snapshot, modulesFile), 'utf8').catch(() => '');
  return moduleFolders(text) ?? []; // whoever loads the folder says what is wrong with it
}

/** The file that holds the weights when all that do run code when they are opened. */
function onlyPickle(files: readonly RemoteFile[]): string | undefined {
  const names = files.map(({ path }) => path);
  if (names.some((name) => name.endsWith('.safetensors'))) return undefined;
  return names.find((name) => /(^|\/)pytorch_model.*\.bin$/.test(name)); // a tokenizer alone may be what is wanted
}

/** @throws BertuneError when a module, which may have no weights, has them in a pickle only */
function checkModuleWeights({ path, files }: RemoteFolder, reference: ModelReference): void {
  const has = (name: string) => files.some((file) => file.path === below(path, name));
  if (has(pickleFile) && !has(weightFile)) throw pickleError(below(path, pickleFile), reference);
}

function pickleError(pickle: string, reference: ModelReference): BertuneError {
  return new BertuneError(
    `${referenceName(reference)} has its weights only in ${pickle}, a pickle, which is never fetched; look for a revision with safetensors (often @refs/pr/1), or save it anew with Python's transformers`,
  );
}

/** Files of the encoder that hold the weights: one, or those that the index names. */
async function weightNames(snapshot: string, { path, files }: RemoteFolder): Promise<string[]> {
  if (files.some((file) => file.path === below(path, weightFile))) return [weightFile];
  const text = await readFile(join(snapshot, path, weightIndex), 'utf8').catch(() => '{}');
  const index = indexSchema.safeParse(parsed(text)).data;
  return [...new Set(Object.values(index?.weight_map ?? {}))].filter(
    (name) => name === basename(name) && name.endsWith('.safetensors'),
  );
}

const indexSchema = z.object({ weight_map: z.record(z.string(), z.string()) });
