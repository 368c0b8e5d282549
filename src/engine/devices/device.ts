import type { Engine } from '../engine.ts';

/** One way to compute: what it is, whether it is here, and how to get it. */
export interface Device {
  /** For lists, such as `ONNX Runtime on the processor`. */
  readonly title: string;
  /** Whether `auto` may choose it; the first in the table that is here is taken. */
  readonly isAutomatic: boolean;
  /** What it makes of each setting that not every engine knows. */
  readonly settings: Readonly<Record<EngineSetting, Attitude>>;
  /** Looks for it; nothing is computed. @param folder where programs of the user would be looked up */
  find(folder: string): Promise<FoundDevice | MissingDevice>;
}

/** Settings of an engine, by their keys. */
export type EngineSetting = 'threads' | 'fastMath' | 'int8';

/** `refused` is an error; what is ignored is told, in words that follow the setting's name. */
export type Attitude = 'used' | 'refused' | { readonly ignored: string };

export interface FoundDevice {
  readonly isHere: true;
  /** The library that computes, its version and what it computes on, such as `@tensorflow/tfjs 4.22.0 (wasm)`. */
  readonly runtime: string;
  /** What a user should know of it, a line each. */
  readonly notes: readonly string[];
  open(options: EngineOptions): Engine;
}

export interface MissingDevice {
  readonly isHere: false;
  /** What is not there, or does not work. */
  readonly reason: string;
  /** What to do about it. */
  readonly wayOut: string;
}

export interface EngineOptions {
  readonly threads?: number;
  readonly fastMath?: boolean;
}
