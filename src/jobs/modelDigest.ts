import { createHash } from 'node:crypto';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { digestOfFile } from '../data/cacheFolder.ts';
import { cardFile } from '../hub/modelCard.ts';
import { recordFile } from './runRecord.ts';

/** Digest of the files that make a model. @throws where there is no such folder */
export async function digestOfFolder(folder: string): Promise<string> {
  const hash = createHash('sha256');
  const names = (await readdir(folder)).filter((name) => !name.startsWith('.') && !beside.has(name));
  for (const name of names.sort()) {
    const path = join(folder, name);
    const content = await digestOfFile(path).catch(() => digestOfFolder(path));
    hash.update(JSON.stringify([name, content]));
  }
  return hash.digest('hex');
}

/** What a model's folder holds that has no part in its answers. */
const beside: ReadonlySet<string> = new Set([cardFile, recordFile, 'metrics.jsonl', 'checkpoints', 'onnx']);
