/** What can compute a run, by the names that users give; each is a record of `engine/devices/table.ts`. */
export const deviceNames = ['cpu', 'tfjs'] as const;
export type DeviceName = (typeof deviceNames)[number];

/** A device, or `auto`: the first that is here of those that are chosen without being asked for. */
export type AskedDevice = DeviceName | 'auto';
