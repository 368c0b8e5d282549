/** Element types that graphs and engines share; the names are ONNX's and the field's. */
export type DType = 'float32' | 'int32' | 'int64' | 'uint32' | 'bool';

/** Sizes of the dimensions, outermost first; `[]` is a scalar. */
export type Shape = readonly number[];

export interface TensorType {
  readonly dtype: DType;
  readonly shape: Shape;
}

export interface TensorData {
  float32: Float32Array;
  int32: Int32Array;
  int64: BigInt64Array;
  uint32: Uint32Array;
  bool: Uint8Array;
}

/** A tensor in host memory: row-major `data` of `shape`. */
export interface HostTensor<D extends DType = DType> {
  readonly dtype: D;
  readonly shape: Shape;
  readonly data: TensorData[D];
}

/** Number of elements of a shape. */
export function sizeOf(shape: Shape): number {
  let size = 1;
  for (const dimension of shape) size *= dimension;
  return size;
}

/** A tensor over `data`. @throws when the data does not have the shape's size. */
export function tensor<D extends DType>(dtype: D, shape: Shape, data: TensorData[D]): HostTensor<D> {
  if (data.length !== sizeOf(shape)) {
    throw new Error(`tensor: shape [${shape.join(', ')}] needs ${sizeOf(shape)} elements, got ${data.length}`);
  }
  return { dtype, shape, data };
}

/** A new tensor of zeros. */
export function zeros<D extends DType>(dtype: D, shape: Shape): HostTensor<D> {
  return { dtype, shape, data: zeroData(dtype, sizeOf(shape)) };
}

function zeroData<D extends DType>(dtype: D, size: number): TensorData[D] {
  const make: { [K in DType]: (size: number) => TensorData[K] } = {
    float32: (n) => new Float32Array(n),
    int32: (n) => new Int32Array(n),
    int64: (n) => new BigInt64Array(n),
    uint32: (n) => new Uint32Array(n),
    bool: (n) => new Uint8Array(n),
  };
  return make[dtype](size);
}

/** The data of a tensor that must be float32. */
export function floatData(value: HostTensor): Float32Array {
  if (value.dtype !== 'float32') throw new Error(`expected float32, got ${value.dtype}`);
  return value.data as Float32Array;
}
