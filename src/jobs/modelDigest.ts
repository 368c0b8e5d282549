import { createHash } from 'node:crypto';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Collective } from '../core/collective.ts';
import { digestOfFile } from '../data/cacheFolder.ts';
import { cardFile } from '../hub/modelCard.ts';
import type { FoundModel } from './findModel.ts';
import { recordFile } from './runRecord.ts';
import { refuseOtherData } from './sameEverywhere.ts';

/** Makes sure that all processes have the same model, to the byte. Throws as `refuseOtherStart`. */
export async function refuseOtherModel(collective: Collective, { folder }: FoundModel): Promise<void> {
  if (collective.size === 1) return;
  // Where none has it, opening it says so better.
  const digest = await digestOfFolder(folder).catch(() => 'none');
  await refuseOtherData(collective, { model: digest.slice(0, 16) });
}

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
