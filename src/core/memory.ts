import { freemem } from 'node:os';

/** Bytes that the system, or the container, can still give; Node before 20.13 knows the free part alone. */
export function availableMemory(): number {
  return process.availableMemory?.() ?? freemem();
}

/** A size in words. */
export function formatBytes(bytes: number): string {
  return bytes < 1e9 ? `${Math.ceil(bytes / 1e6)} MB` : `${(bytes / 1e9).toFixed(1)} GB`;
}
