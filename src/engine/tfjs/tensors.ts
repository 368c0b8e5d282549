import type { HostTensor } from '../../core/tensor.ts';
import { tfType } from '../../graph/ops/elementwise.ts';
import type { TfData, TfOps, TfTensor } from '../../graph/tfjs.ts';

/** A host tensor in TensorFlow.js, which may go on reading its data until it is disposed of. */
export function toTf(tf: TfOps, { dtype, shape, data }: HostTensor): TfTensor {
  return tf.tensor(tfData(data), [...shape], tfType[dtype]);
}

/** Writes what a tensor of TensorFlow.js holds into one of the host of the same shape. */
export async function readInto(target: HostTensor, tensor: TfTensor): Promise<void> {
  const data = await tensor.data();
  if (target.data instanceof BigInt64Array) target.data.set(BigInt64Array.from(data, BigInt));
  else target.data.set(data);
}

/** Whole numbers of 64 bits are indices, which fit 32; of unsigned ones the bits are kept. */
function tfData(data: HostTensor['data']): TfData {
  if (data instanceof BigInt64Array) return Int32Array.from(data, Number);
  return data instanceof Uint32Array ? new Int32Array(data.buffer, data.byteOffset, data.length) : data;
}
