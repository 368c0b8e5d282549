import { homedir } from 'node:os';
import { join } from 'node:path';

/**
 * The folder that keeps what can be made again: `wanted`, else BERTUNE_CACHE, else `bertune` in the user's cache folder
 * (XDG_CACHE_HOME, ~/.cache); undefined when `wanted` is false or there is no such folder.
 */
export function cacheFolder(wanted?: string | false): string | undefined {
  if (wanted === false) return undefined;
  const { BERTUNE_CACHE: own, XDG_CACHE_HOME: shared } = process.env;
  if (wanted || own) return wanted || own;
  if (shared) return join(shared, 'bertune');
  try {
    return join(homedir(), '.cache', 'bertune');
  } catch {
    // A user without a home, as in some containers.
    return undefined;
  }
}
