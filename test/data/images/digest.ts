import { createHash } from 'node:crypto';

/** SHA-256 of arrays, one after the other. */
export function digestOf(arrays: readonly Float32Array[]): string {
  const hash = createHash('sha256');
  for (const array of arrays) hash.update(array);
  return hash.digest('hex');
}
