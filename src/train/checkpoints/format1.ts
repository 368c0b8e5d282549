import { sizeOf } from '../../core/tensor.ts';
import type { TrainedParameter } from '../../engine/trainState.ts';
import type { CheckpointContents, Manifest, PlacedArray } from './manifest.ts';

/** Every array started at a multiple of so many elements. */
const alignment = 16;

/**
 * Where format 1 had its arrays, which it did not say: a file for each part, laid out by the table of parameters of the
 * run, those with weight decay first. It can only be read with a table of the same order.
 */
export function layFormat1Out({
  parameters,
  states,
  slots,
}: Omit<CheckpointContents, 'optimizer'>): Pick<Manifest, 'arrays' | 'files'> {
  const undecayed = states.map((state) => ({ ...state, decay: false }));
  const parts: [string, readonly TrainedParameter[]][] = [
    ['parameters', parameters],
    ['states', undecayed],
    ...slots.map((slot): [string, readonly TrainedParameter[]] => [slot, parameters]),
  ];
  const arrays: PlacedArray[] = [];
  const files = new Map<string, number>();
  for (const [part, specs] of parts) {
    if (specs.length === 0) continue;
    const file = `${part}.f32`;
    let elements = 0;
    for (const { name, shape } of [...specs.filter(({ decay }) => decay), ...specs.filter(({ decay }) => !decay)]) {
      arrays.push({ part, name, shape, file, offset: 4 * elements });
      elements += Math.ceil(sizeOf(shape) / alignment) * alignment;
    }
    files.set(file, 4 * elements);
  }
  return { arrays, files };
}
