import type { DeviceName } from '../../core/deviceNames.ts';
import { cpu } from './cpu.ts';
import type { Device } from './device.ts';
import { tfjs } from './tfjs.ts';

/** One record a device; the type makes a missing one a compile error. In the order in which `auto` looks for them. */
export const devices: { readonly [Name in DeviceName]: Device } = { cpu, tfjs };
