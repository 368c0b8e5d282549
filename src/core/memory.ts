import { freemem, totalmem } from 'node:os';

/**
 * Bytes that the system, or the container, can still give; Node before 20.13 knows the free part alone. On macOS it counts
 * pages that nothing was ever in, of which there are few on any machine that runs for a while: there it is all of the memory.
 */
export function availableMemory(platform: NodeJS.Platform = process.platform): number {
  return platform === 'darwin' ? totalmem() : (process.availableMemory?.() ?? freemem());
}

/** A size in words. */
export function formatBytes(bytes: number): string {
  return bytes < 1e9 ? `${Math.ceil(bytes / 1e6)} MB` : `${(bytes / 1e9).toFixed(1)} GB`;
}
