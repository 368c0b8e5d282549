import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { UsageError } from '../core/errors.ts';
import { errorCode, readError } from '../core/files.ts';
import { say, setting } from '../core/message.ts';

export const configFile = 'config.json';

/**
 * The text of a model folder's `config.json`.
 *
 * @param writer the commands that write such folders, for the message
 * @throws UsageError when there is none, or it cannot be read
 */
export async function readConfigText(folder: string, writer: string): Promise<string> {
  const file = join(folder, configFile);
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    if (!['ENOENT', 'ENOTDIR'].includes(errorCode(error) ?? '')) throw readError(file, error);
    throw new UsageError(say`${file} does not exist: give as ${setting('model')} a folder that ${writer} wrote`);
  }
}
