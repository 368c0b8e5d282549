import { type HostTensor, sizeOf } from '../../core/tensor.ts';
import type { TrainedParameter } from '../trainState.ts';

/** Parameters start at multiples of this many elements: a cache line. */
const alignment = 16;

/**
 * Lays all parameters out in one flat array, those with weight decay first, so that the optimizer walks memory in
 * slices that do not care where one parameter ends. Gradients and optimizer state use the same layout.
 */
export class ParameterArena {
  /** Elements of a flat array, padding included. */
  readonly size: number;
  /** Weight decay applies to elements before this one. */
  readonly decayEnd: number;
  readonly #places: readonly { name: string; shape: readonly number[]; offset: number }[];

  constructor(parameters: readonly TrainedParameter[]) {
    let offset = 0;
    const place = ({ name, shape }: TrainedParameter) => {
      const placed = { name, shape, offset };
      offset += Math.ceil(sizeOf(shape) / alignment) * alignment;
      return placed;
    };
    const decayed = parameters.filter((parameter) => parameter.decay).map(place);
    this.decayEnd = offset;
    this.#places = [...decayed, ...parameters.filter((parameter) => !parameter.decay).map(place)];
    this.size = offset;
  }

  /** Tensors over `flat`, by parameter name; no copy. */
  views(flat: Float32Array): Record<string, HostTensor<'float32'>> {
    return Object.fromEntries(
      this.#places.map(({ name, shape, offset }) => [
        name,
        { dtype: 'float32', shape, data: flat.subarray(offset, offset + sizeOf(shape)) } as const,
      ]),
    );
  }

  /**
   * Writes the values of every parameter into a flat array, a new one when none is given.
   *
   * @throws when one is missing or has the wrong size
   */
  gather(values: ReadonlyMap<string, Float32Array>, flat: Float32Array = new Float32Array(this.size)): Float32Array {
    for (const { name, shape, offset } of this.#places) {
      const value = values.get(name);
      if (value?.length !== sizeOf(shape)) {
        throw new Error(`parameter ${name}: expected ${sizeOf(shape)} values, got ${value?.length ?? 'none'}`);
      }
      flat.set(value, offset);
    }
    return flat;
  }
}
