import { refuseNewerModel } from '../hub/newerModel.ts';
import { type PushedModel, pushModel } from '../hub/push.ts';
import { hubSettings } from '../hub/settings.ts';
import { readableRecord } from './runRecord.ts';
import type { JobHooks } from './types.ts';

export interface PushOptions {
  /** The model's folder: the output of a run or of an export. */
  readonly model: string;
  /** `org/name` on the Hub; made when it is not there. */
  readonly repo: string;
  /** Whether a repository that is made is a private one; without it, as the organization has it. */
  readonly private?: boolean;
  /** Refuses, as nothing can be pushed so. */
  readonly offline?: boolean;
}

export type PushResult = PushedModel;

/**
 * Uploads a model folder with its card to the Hub. Throws UsageError for a folder, name or token to change, BertuneError when
 * the network fails.
 */
export async function push({ model, repo, ...options }: PushOptions, hooks: JobHooks = {}): Promise<PushResult> {
  const { signal, onEvent } = hooks;
  // A newer version may keep more in a folder than is known here, and half of it would be pushed.
  readableRecord(model);
  refuseNewerModel(model);
  const onProgress = (file: string, share: number) =>
    onEvent?.({ type: 'progress', activity: `uploading ${file}, %`, done: 100 * share, total: 100 });
  const pushed = await pushModel(
    { folder: model, repo, private: options.private, onProgress, signal },
    hubSettings(options.offline),
  );
  if (options.private && !pushed.created) {
    onEvent?.({ type: 'note', text: `${repo} was there already: who may see it has not been changed` });
  }
  return pushed;
}
