/// <reference path="./webAssembly.d.ts" />
const pageBytes = 65_536;
/** A memory with 32-bit addresses holds less than 4 GiB. */
const mostPages = 65_535;

/** A memory with room for so many bytes, if there is one so large; the operating system gives its pages when touched. */
export function arrayMemory(bytes: number): WebAssembly.Memory | undefined {
  const pages = Math.max(1, Math.ceil(bytes / pageBytes));
  if (pages > mostPages) return undefined;
  try {
    return new WebAssembly.Memory({ initial: pages, maximum: pages });
  } catch {
    return undefined; // address space is short
  }
}

/** Bytes of the largest memory. */
export const mostMemoryBytes = mostPages * pageBytes;
