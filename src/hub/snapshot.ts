import { readdir, readlink, rm, stat } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { matches } from './download.ts';

/**
 * Files of a snapshot in the cache whose content is no longer what their checksums say. They are removed, so that they
 * are fetched anew; where that may not be, `blob` names what to remove.
 */
export async function removeSpoiled(snapshot: string): Promise<{ name: string; blob?: string }[]> {
  const spoiled: { name: string; blob?: string }[] = [];
  for (const name of await readdir(snapshot, { recursive: true })) {
    const link = join(snapshot, name);
    const blob = await blobOf(link);
    if (blob === undefined || (await isWhole(blob))) continue;
    const isRemoved = await Promise.all([rm(link), rm(blob)]).then(
      () => true,
      () => false,
    );
    spoiled.push(isRemoved ? { name } : { name, blob });
  }
  return spoiled;
}

/** The content that a file of a snapshot is a link to; where links cannot be made, there is none to check it by. */
async function blobOf(link: string): Promise<string | undefined> {
  const target = await readlink(link).catch(() => undefined);
  const isChecksum = target !== undefined && /^(?:[0-9a-f]{40}|[0-9a-f]{64})$/.test(basename(target));
  return isChecksum ? resolve(dirname(link), target) : undefined; // absolute where huggingface_hub finds no relative way
}

async function isWhole(blob: string): Promise<boolean> {
  const found = await stat(blob).catch(() => undefined);
  return found !== undefined && (await matches(blob, { size: found.size, checksum: basename(blob) }));
}
