import { availableParallelism, cpus, totalmem } from 'node:os';
import { type DeviceName, deviceNames } from '../core/deviceNames.ts';
import { lineOf } from '../core/errors.ts';
import { breathe } from '../core/interrupt.ts';
import { availableMemory } from '../core/memory.ts';
import type { Device } from '../engine/devices/device.ts';
import { devices as table } from '../engine/devices/table.ts';
import { matrixRate } from '../engine/matrixRate.ts';
import type { OptionsOf } from '../settings/options.ts';
import { resolve } from '../settings/resolve.ts';
import type { JobHooks } from './types.ts';

export interface DevicesOptions extends OptionsOf<'devices'> {}

/** What a machine has to compute with. */
export interface DevicesResult {
  readonly machine: {
    readonly processor: string;
    /** Threads that a run uses by itself. */
    readonly threads: number;
    readonly memoryBytes: number;
    readonly availableBytes: number;
    readonly node: string;
    readonly platform: string;
  };
  readonly devices: readonly DeviceFacts[];
}

export interface DeviceFacts {
  readonly name: DeviceName;
  readonly title: string;
  /** Whether `auto` takes it here. */
  readonly isAutomatic: boolean;
  readonly isHere: boolean;
  /** The library that computes; null where there is none. */
  readonly runtime: string | null;
  /** 10⁹ multiplications and additions of float32 a second in products of square matrices; null where it is not here. */
  readonly gflops: number | null;
  /** Rows of the largest of those matrices. */
  readonly matrixSize: number | null;
  /** What is missing, and how to get it; null where it is here. */
  readonly missing: { readonly reason: string; readonly wayOut: string } | null;
  readonly notes: readonly string[];
}

/** Says what there is to compute with, what is missing, and how fast each multiplies matrices. */
export async function devices(
  options: DevicesOptions = {},
  hooks: JobHooks = {},
  records: Readonly<Record<DeviceName, Device>> = table,
  folder = process.cwd(),
): Promise<DevicesResult> {
  const { threads } = resolve('devices', options);
  const found: DeviceFacts[] = [];
  for (const name of deviceNames) {
    await breathe(hooks.signal);
    const facts = await factsOf(name, records[name], folder, threads);
    const isFirst = !found.some((other) => other.isAutomatic);
    found.push({ ...facts, isAutomatic: facts.isHere && records[name].isAutomatic && isFirst });
  }
  const machine = {
    processor: cpus()[0]?.model.trim() || 'unknown',
    threads: threads ?? availableParallelism(),
    memoryBytes: totalmem(),
    availableBytes: availableMemory(),
    node: process.versions.node,
    platform: `${process.platform} ${process.arch}`,
  };
  return { machine, devices: found };
}

async function factsOf(
  name: DeviceName,
  device: Device,
  folder: string,
  threads?: number,
): Promise<Omit<DeviceFacts, 'isAutomatic'>> {
  const absent = { name, title: device.title, isHere: false, runtime: null, gflops: null, matrixSize: null, notes: [] };
  const found = await device.find(folder);
  if (!found.isHere) return { ...absent, missing: { reason: found.reason, wayOut: found.wayOut } };
  const { runtime, notes } = found;
  try {
    const { gflops, size } = await matrixRate(found.open({ threads }));
    return { ...absent, isHere: true, runtime, gflops, matrixSize: size, missing: null, notes };
  } catch (error) {
    const missing = { reason: `it does not compute: ${lineOf(error)}`, wayOut: 'look at what it needs to run' };
    return { ...absent, runtime, missing, notes };
  }
}
