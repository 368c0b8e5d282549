import { refuseNewerModel } from '../hub/newerModel.ts';
import { type PushedModel, pushModel } from '../hub/push.ts';
import { hubSettings } from '../hub/settings.ts';
import type { OptionsOf } from '../settings/options.ts';
import { resolve } from '../settings/resolve.ts';
import { readableRecord } from './runRecord.ts';
import type { JobHooks } from './types.ts';

/** Its `model` is a folder: the output of a run or of an export. */
export interface PushOptions extends OptionsOf<'push'> {}

export type PushResult = PushedModel;

/**
 * Uploads a model folder with its card to the Hub. Throws UsageError for a folder, name or token to change, BertuneError when
 * the network fails.
 */
export async function push(options: PushOptions, hooks: JobHooks = {}): Promise<PushResult> {
  const { model, repo, private: isPrivate, offline } = resolve('push', options);
  const { signal, onEvent } = hooks;
  // A newer version may keep more in a folder than is known here, and half of it would be pushed.
  readableRecord(model);
  refuseNewerModel(model);
  const onProgress = (file: string, share: number) =>
    onEvent?.({ type: 'progress', activity: `uploading ${file}, %`, done: 100 * share, total: 100 });
  const pushed = await pushModel({ folder: model, repo, private: isPrivate, onProgress, signal }, hubSettings(offline));
  if (isPrivate && !pushed.created) {
    onEvent?.({ type: 'note', text: `${repo} was there already: who may see it has not been changed` });
  }
  return pushed;
}
