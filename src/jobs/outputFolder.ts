import { messageOf, UsageError } from '../core/errors.ts';
import { errorCode, makeFolders, removeMade } from '../core/files.ts';
import { FolderLock } from '../core/folderLock.ts';
import { say, setting } from '../core/message.ts';
import { schemeOf, withoutSecrets } from '../remote/address.ts';

/** A folder that a job writes to, taken for it. */
export interface TakenOutput {
  /** The topmost folder that had to be made. */
  readonly made: string | undefined;
  readonly lock: FolderLock;
}

/**
 * Makes a job's output folder, as far as it is missing, and takes it, so that a place that cannot be written to is
 * noticed before the work.
 *
 * @param command what the folder is taken for
 * @throws UsageError when it cannot be made or written to, or another process writes to it; NewerFormatError
 */
export function takeOutput(output: string, command: string): TakenOutput {
  if (schemeOf(output) !== undefined) {
    throw new UsageError(
      say`${setting('output')} ${withoutSecrets(output)}: ${command} writes to this machine alone; give a folder`,
    );
  }
  const made = makeOutput(output);
  try {
    return { made, lock: FolderLock.take(output, command) };
  } catch (error) {
    if (made !== undefined) removeMade(made, output);
    throw error;
  }
}

function makeOutput(output: string): string | undefined {
  try {
    return makeFolders(output);
  } catch (error) {
    throw new UsageError(say`${setting('output')} ${output} cannot be made: ${reasonOf(error)}; choose another folder`);
  }
}

function reasonOf(error: unknown): string {
  const code = errorCode(error) ?? '';
  if (['EEXIST', 'ENOTDIR'].includes(code)) return 'a file is in the way';
  return ['EACCES', 'EPERM', 'EROFS'].includes(code) ? 'no permission' : messageOf(error);
}
