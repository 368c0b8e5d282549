import type { RunState } from '../runState.ts';
import { layFormat1Out } from './format1.ts';
import { bytesOf, type CheckpointContents, dtype, keyOf, type Manifest, type PlacedArray } from './manifest.ts';

/** Version of what is written. The first named no version, no arrays and no optimizer. */
export const currentFormat = 2;
export const stateFile = 'state.json';
/**
 * What became of a checkpoint. A damaged one is of a known format and can go. One that is not understood may be whole
 * for someone else: it stays, whatever happens.
 */
export type Reading =
  | { readonly kind: 'whole'; readonly manifest: Manifest }
  /** Of a known format, but of other arrays or another optimizer. */
  | { readonly kind: 'different'; readonly reason: string }
  | { readonly kind: 'damaged' }
  | { readonly kind: 'unknown'; readonly reason: string }
  /** Of who knows what format: the system does not let it be read. */
  | { readonly kind: 'unreadable'; readonly reason: string };

/** The text of `state.json`; a line for each array. */
export function formatManifest(
  state: RunState,
  { optimizer, slots }: CheckpointContents,
  arrays: readonly PlacedArray[],
): string {
  const head = { format: currentFormat, ...state, optimizer: { name: optimizer, slots } };
  const lines = arrays.map(({ part, name, shape, file, offset, checksum }) =>
    JSON.stringify({ part, name, dtype, shape, file, offset, checksum }),
  );
  return `${JSON.stringify(head, null, 1).slice(0, -2)},\n "arrays": [\n  ${lines.join(',\n  ')}\n ]\n}\n`;
}

/** Reads the text of a `state.json` of any format there was. */
export function readManifest(text: string, contents: CheckpointContents): Exclude<Reading, { kind: 'different' }> {
  const value = parsed(text);
  if (!isRecord(value)) return { kind: 'damaged' };
  const { format = 1 } = value;
  if (typeof format !== 'number' || !Number.isInteger(format) || format < 1) {
    return { kind: 'unknown', reason: `its format is ${JSON.stringify(format)}, which no version of bertune writes` };
  }
  if (format > currentFormat) {
    const reason = `it was written by a newer version of bertune (format ${format}; this one reads up to ${currentFormat})`;
    return { kind: 'unknown', reason };
  }
  if (!isState(value)) return { kind: 'damaged' };
  if (format === 1) return { kind: 'whole', manifest: { format, state: value, ...layFormat1Out(contents) } };
  return readFormat2(value);
}

const stateKeys: Readonly<Record<keyof RunState, true>> = {
  step: true,
  cursor: true,
  units: true,
  best: true,
  evaluatedStep: true,
  evaluationsWithoutBest: true,
  fingerprint: true,
  callbacks: true,
};
const keys2 = new Set(['format', 'optimizer', 'arrays', ...Object.keys(stateKeys)]);
const arrayKeys2 = new Set(['part', 'name', 'dtype', 'shape', 'file', 'offset', 'checksum']);

function readFormat2(value: RunState & Readonly<Record<string, unknown>>): ReturnType<typeof readManifest> {
  const { format: _, optimizer, arrays, ...state } = value;
  if (!isOptimizer(optimizer) || !Array.isArray(arrays) || !arrays.every(isRecord)) return { kind: 'damaged' };
  const strange =
    Object.keys(value).find((key) => !keys2.has(key)) ??
    arrays.flatMap((array) => Object.keys(array)).find((key) => !arrayKeys2.has(key));
  if (strange)
    return { kind: 'unknown', reason: `its ${stateFile} has "${strange}", which this version does not know` };
  const other = arrays.find((array) => array.dtype !== dtype);
  if (other) {
    const reason = `its array ${other.name} is of type ${JSON.stringify(other.dtype)}, which this version does not read`;
    return { kind: 'unknown', reason };
  }
  if (!arrays.every(isPlacedArray) || new Set(arrays.map(keyOf)).size < arrays.length) return { kind: 'damaged' };
  const files = new Map<string, number>();
  for (const array of arrays) {
    files.set(array.file, Math.max(files.get(array.file) ?? 0, array.offset + bytesOf(array)));
  }
  return { kind: 'whole', manifest: { format: 2, state, optimizer, arrays, files } };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return value instanceof Object && !Array.isArray(value);
}

/** A first look: whoever edits the file by hand is on their own. */
function isState(value: object): value is RunState & Record<string, unknown> {
  if (!('step' in value && 'cursor' in value && 'fingerprint' in value)) return false;
  const { step, cursor } = value;
  const isCount = (count: unknown) => Number.isSafeInteger(count) && Number(count) >= 0;
  return isCount(step) && isRecord(cursor) && isCount(cursor.epoch) && isCount(cursor.index);
}

function isOptimizer(value: unknown): value is { name: string; slots: string[] } {
  return isRecord(value) && typeof value.name === 'string' && Array.isArray(value.slots);
}

function isPlacedArray(value: Record<string, unknown>): value is PlacedArray & Record<string, unknown> {
  const { part, name, shape, file, offset, checksum } = value;
  const isCount = (count: unknown) => Number.isInteger(count) && Number(count) >= 0;
  return (
    [part, name, checksum].every((text) => typeof text === 'string') &&
    Array.isArray(shape) &&
    shape.every(isCount) &&
    typeof file === 'string' &&
    /^\w[\w.-]*$/.test(file) &&
    isCount(offset)
  );
}
