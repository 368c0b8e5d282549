import { sizeOf } from '../../core/tensor.ts';
import { type StateArray, stateArrays, type TrainedParameter, type TrainedValue } from '../../engine/trainState.ts';
import type { RunState } from '../runState.ts';

export const dtype = 'float32';

/** What a run keeps in its checkpoints. */
export interface CheckpointContents {
  readonly parameters: readonly TrainedParameter[];
  readonly states: readonly TrainedValue[];
  readonly optimizer: string;
  /** What the optimizer keeps of every parameter. */
  readonly slots: readonly string[];
}

/** An array with its place on disk. */
export interface PlacedArray extends StateArray {
  /** Name of a file in the checkpoint's folder: elements one after the other, little-endian. */
  readonly file: string;
  /** In bytes. */
  readonly offset: number;
  /** As `Checksum` makes it; format 1 has none. */
  readonly checksum?: string;
}

/** What `state.json` says: where the run stands, and what lies where. */
export interface Manifest {
  readonly format: number;
  readonly state: RunState;
  /** Format 1 does not name it. */
  readonly optimizer?: { readonly name: string; readonly slots: readonly string[] };
  readonly arrays: readonly PlacedArray[];
  /** Bytes of each file. */
  readonly files: ReadonlyMap<string, number>;
}

/** What is other in a checkpoint than this run has it: the first difference, or undefined. */
export function differenceOf({ optimizer, arrays }: Manifest, contents: CheckpointContents): string | undefined {
  if (optimizer && optimizer.name !== contents.optimizer) {
    return `it holds the state of the optimizer ${optimizer.name}, and this run has ${contents.optimizer}`;
  }
  const there = new Map(arrays.map((array) => [keyOf(array), array]));
  for (const array of stateArrays(contents.parameters, contents.states, contents.slots)) {
    const found = there.get(keyOf(array));
    if (!found) return `it has no ${titleOf(array)}`;
    if (String(found.shape) !== String(array.shape)) {
      return `its ${titleOf(array)} is [${found.shape.join(', ')}], and this run's is [${array.shape.join(', ')}]`;
    }
    there.delete(keyOf(array));
  }
  const [more] = there.values();
  return more && `it has the ${titleOf(more)}, which this run does not have`;
}

/** What an array is called among all arrays of a checkpoint. */
export function keyOf({ part, name }: StateArray): string {
  return `${part} ${name}`;
}

export function bytesOf({ shape }: StateArray): number {
  return Float32Array.BYTES_PER_ELEMENT * sizeOf(shape);
}

function titleOf({ part, name }: StateArray): string {
  if (part === 'parameters') return `parameter ${name}`;
  return part === 'states' ? `state ${name}` : `${part} of ${name}`;
}
