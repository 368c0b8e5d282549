import { type AskedDevice, type DeviceName, deviceNames } from '../core/deviceNames.ts';
import { BertuneError, UsageError } from '../core/errors.ts';
import { say, setting } from '../core/message.ts';
import type { Device, EngineSetting, FoundDevice } from '../engine/devices/device.ts';
import { devices } from '../engine/devices/table.ts';
import type { Engine } from '../engine/engine.ts';
import { note } from './note.ts';
import type { JobHooks } from './types.ts';

/** What a job asks of its engine. */
export interface EngineSettings {
  readonly device: AskedDevice;
  readonly threads?: number;
  readonly fastMath?: boolean;
  readonly int8?: boolean;
}

/** An engine, and what computes in it. */
export interface OpenedEngine {
  readonly engine: Engine;
  readonly device: DeviceName;
  /** The library that computes, with its version. */
  readonly runtime: string;
}

/**
 * Opens the engine of a job, and says what is to be known of it.
 *
 * @throws UsageError when the device is not here, with how to get it, or a setting is none of its
 */
export async function openEngine(
  settings: EngineSettings,
  hooks: JobHooks,
  table: Readonly<Record<DeviceName, Device>> = devices,
  folder = process.cwd(),
): Promise<OpenedEngine> {
  const { name, found } = await findDevice(settings.device, table, folder);
  noteSettings(name, table[name], settings, hooks);
  for (const line of found.notes) note(hooks, line);
  const { threads, fastMath } = settings;
  return { engine: found.open({ threads, fastMath }), device: name, runtime: found.runtime };
}

async function findDevice(
  asked: AskedDevice,
  table: Readonly<Record<DeviceName, Device>>,
  folder: string,
): Promise<{ name: DeviceName; found: FoundDevice }> {
  if (asked !== 'auto') {
    const found = await table[asked].find(folder);
    if (found.isHere) return { name: asked, found };
    throw new UsageError(say`${setting('device')} ${asked}: ${found.reason}; ${found.wayOut}`);
  }
  for (const name of deviceNames) {
    const found = table[name].isAutomatic ? await table[name].find(folder) : undefined;
    if (found?.isHere) return { name, found };
  }
  throw new BertuneError('nothing that could compute is here');
}

/** Says which settings the device does nothing with. @throws UsageError when one would have to change results */
function noteSettings(name: DeviceName, device: Device, settings: EngineSettings, hooks: JobHooks): void {
  for (const key of Object.keys(device.settings) as EngineSetting[]) {
    const attitude = device.settings[key];
    if (!settings[key] || attitude === 'used') continue;
    // What nobody gave is not missed.
    if (key === 'threads' && settings.threads === hooks.collective?.threads) continue;
    if (attitude === 'refused') {
      throw new UsageError(say`${setting('device')} ${name} has no ${setting(key)}; leave one of them out`);
    }
    note(hooks, say`${setting(key)} ${attitude.ignored}`);
  }
}
