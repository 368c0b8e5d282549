import { join } from 'node:path';
import { cacheFolder } from '../core/cachePath.ts';
import { NewerFormatError } from '../core/document.ts';
import { BertuneError, UsageError } from '../core/errors.ts';
import { say, setting } from '../core/message.ts';
import { fetchModel } from '../hub/fetchModel.ts';
import { parseReference, referenceName } from '../hub/reference.ts';
import { hubSettings } from '../hub/settings.ts';
import { removeSpoiled } from '../hub/snapshot.ts';
import { schemeOf, unknownScheme, withoutSecrets } from '../remote/address.ts';
import { at } from '../remote/failure.ts';
import { fetchFolder } from '../remote/folder.ts';
import type { HubOptions, JobHooks } from './types.ts';

/** Where a model that was asked for lies. */
export interface FoundModel {
  /** As it was asked for. */
  readonly name: string;
  /** The folder to read; nothing is to be written to it. */
  readonly folder: string;
  /** Its repository and commit when it comes from the Hub. */
  readonly hub?: { readonly repo: string; readonly commit: string };
  /** Whether it was taken from the cache without asking the Hub. */
  readonly isOffline?: boolean;
}

/**
 * The folder of a model: the one that `name` is, or the one of the cache for `org/name[@revision]` of the Hub.
 *
 * @throws UsageError when the Hub has no such model or revision; BertuneError when the network fails
 */
export async function findModel(name: string, { offline }: HubOptions = {}, hooks: JobHooks = {}): Promise<FoundModel> {
  if (schemeOf(name) === 's3') return fetched(name, hooks);
  const scheme = unknownScheme(name);
  if (scheme !== undefined && scheme !== 'hf') {
    throw new UsageError(
      `model ${withoutSecrets(name)}: models are not read from there; give a folder, s3://BUCKET/FOLDER or a name of the Hub`,
    );
  }
  const reference = parseReference(name);
  if (!reference) return { name, folder: name };
  const settings = hubSettings(offline);
  const { folder, commit } = await fetchModel(reference, settings, {
    onNote: (text) => hooks.onEvent?.({ type: 'note', text }),
    onProgress: (file, done, total) =>
      hooks.onEvent?.({ type: 'progress', activity: `fetching ${file} of ${referenceName(reference)}`, done, total }),
    signal: hooks.signal,
  });
  return { name, folder, hub: { repo: reference.repo, commit }, isOffline: settings.offline };
}

/** What `read` makes of a model's folder on this machine or on S3, by the name it was asked for in what it throws. */
export async function readModelFolder<T>(
  name: string,
  hooks: JobHooks,
  read: (folder: string) => Promise<T>,
): Promise<T> {
  return schemeOf(name) === 's3' ? readFound(await fetched(name, hooks), read) : read(name);
}

/** A folder of S3, brought into the cache. */
async function fetched(name: string, { onEvent, signal }: JobHooks): Promise<FoundModel> {
  const cache = cacheFolder();
  if (cache === undefined) {
    throw new UsageError(say`${name} needs a place to be fetched to; set BERTUNE_CACHE to a folder`);
  }
  const onProgress = (file: string, done: number, total: number) =>
    onEvent?.({ type: 'progress', activity: `fetching ${file} of ${name}`, done, total });
  const folder = await fetchFolder(name, isOfModel, join(cache, 'models'), { onProgress, signal }).catch(
    (error: unknown) => Promise.reject(at('model', error)),
  );
  return { name, folder };
}

/** Checkpoints lie beside the model of a run, and are no part of it. */
function isOfModel(file: string): boolean {
  return !/^(checkpoints|onnx)\/|(^|\/)\./.test(file);
}

/**
 * Reads a model that was found. What `read` throws or notes about the folder of a model of the Hub calls it by the name
 * it was asked for with, and says what can be done there.
 */
export async function readFound<T>(
  found: FoundModel,
  read: (folder: string, onNote: (text: string) => void) => Promise<T>,
  onNote: (text: string) => void = () => {},
): Promise<T> {
  if (found.folder === found.name) return read(found.folder, onNote);
  try {
    return await read(found.folder, (text) => onNote(byName(text, found)));
  } catch (error) {
    if (!(error instanceof BertuneError) || !error.message.includes(found.folder)) throw error;
    if (error instanceof NewerFormatError) throw new NewerFormatError(byName(error.message, found));
    if (!found.hub) {
      const Kind = error instanceof UsageError ? UsageError : BertuneError;
      throw new Kind(error.line.map((text) => byName(text, found)));
    }
    const [spoiled] = await removeSpoiled(found.folder);
    if (spoiled) throw spoiledError(spoiled, found);
    const way = found.isOffline
      ? say`if the cache lacks a file, run once without ${setting('offline')} (or HF_HUB_OFFLINE); otherwise choose another revision or model`
      : 'choose another revision or model';
    const Kind = error instanceof UsageError ? UsageError : BertuneError;
    throw new Kind(
      error.what.map((text) => byName(text, found)),
      way,
    );
  }
}

/** `/cache/models--a--b/snapshots/0123/config.json` becomes `config.json of a/b`. */
function byName(text: string, { folder, name }: FoundModel): string {
  const [before = '', ...parts] = text.split(folder);
  const named = parts.map((part) => {
    const file = /^[/\\]([\w./\\-]*\w)/.exec(part);
    return file ? `${file[1]} of ${name}${part.slice(file[0].length)}` : `${name}${part}`;
  });
  return [before, ...named].join('');
}

function spoiledError(spoiled: { name: string; blob?: string }, { name, isOffline }: FoundModel): BertuneError {
  const again = isOffline ? say`run once without ${setting('offline')} (or HF_HUB_OFFLINE)` : 'run again';
  return spoiled.blob === undefined
    ? new BertuneError(
        say`${spoiled.name} of ${name} was damaged in the cache and is removed: ${again} to fetch it anew`,
      )
    : new BertuneError(
        say`${spoiled.name} of ${name} is damaged in the cache: remove ${spoiled.blob} and ${again} to fetch it anew`,
      );
}
