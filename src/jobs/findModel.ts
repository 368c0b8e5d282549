import { fetchModel } from '../hub/fetchModel.ts';
import { parseReference, referenceName } from '../hub/reference.ts';
import { hubSettings } from '../hub/settings.ts';
import type { HubOptions, JobHooks } from './types.ts';

/** Where a model that was asked for lies. */
export interface FoundModel {
  /** The folder to read; nothing is to be written to it. */
  readonly folder: string;
  /** Its repository and commit when it comes from the Hub. */
  readonly hub?: { readonly repo: string; readonly commit: string };
}

/**
 * The folder of a model: the one that `name` is, or the one of the cache for `org/name[@revision]` of the Hub.
 *
 * @throws UsageError when the Hub has no such model or revision; BertuneError when the network fails
 */
export async function findModel(name: string, { offline }: HubOptions = {}, hooks: JobHooks = {}): Promise<FoundModel> {
  const reference = parseReference(name);
  if (!reference) return { folder: name };
  const { folder, commit } = await fetchModel(reference, hubSettings(offline), {
    onNote: (text) => hooks.onEvent?.({ type: 'note', text }),
    onProgress: (file, done, total) =>
      hooks.onEvent?.({ type: 'progress', activity: `fetching ${file} of ${referenceName(reference)}`, done, total }),
    signal: hooks.signal,
  });
  return { folder, hub: { repo: reference.repo, commit } };
}
