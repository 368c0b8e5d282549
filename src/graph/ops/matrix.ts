import * as ops from '../functions.ts';
import { microsoft } from '../onnx.ts';
import type { Size, SymbolicShape } from '../sizes.ts';
import type { TfOps, TfTensor } from '../tfjs.ts';
import { at, type OpRecords } from './record.ts';
import { allFloat, broadcastShapes, expectShapes, sameShape } from './shapes.ts';

/** Matrix products. */
export const matrix: OpRecords<'matmul' | 'linear'> = {
  // Y = α A B: dA = α dY Bᵀ, dB = α Aᵀ dY; a transposed operand swaps the roles.
  matmul: {
    infer: (inputs, { transposeA, transposeB }) => {
      const [a, b] = [at(inputs, 0), at(inputs, 1)];
      const [aRows, aColumns] = lastTwo(a.shape, transposeA);
      const [bRows, bColumns] = lastTwo(b.shape, transposeB);
      const batch = broadcastShapes(a.shape.slice(0, -2), b.shape.slice(0, -2));
      const fits = a.shape.length >= 2 && b.shape.length >= 2 && aColumns === bRows && batch !== undefined;
      expectShapes('matmul', fits && allFloat(inputs), 'float32 [..., m, k] and [..., k, n]', inputs);
      return [{ dtype: 'float32', shape: [...(batch ?? []), aRows, bColumns] }];
    },
    gradient: ({ inputs, attributes: { transposeA, transposeB, alpha }, gradient }) => {
      const [a, b] = [at(inputs, 0), at(inputs, 1)];
      const byA = transposeA
        ? ops.matmul(b, gradient, { transposeA: transposeB, transposeB: true, alpha })
        : ops.matmul(gradient, b, { transposeB: !transposeB, alpha });
      const byB = transposeB
        ? ops.matmul(gradient, a, { transposeA: true, transposeB: transposeA, alpha })
        : ops.matmul(a, gradient, { transposeA: !transposeA, alpha });
      return [byA, byB];
    },
    lower: ({ emit, inputs, outputs, inputTypes, attributes: { transposeA, transposeB, alpha } }) => {
      const transA = Number(transposeA);
      const transB = Number(transposeB);
      if (inputTypes.every((type) => type.shape.length === 2)) {
        emit.into(outputs, 'Gemm', inputs, { transA, transB, alpha: { float: alpha } });
      } else if (!transposeA && !transposeB && alpha === 1) {
        emit.into(outputs, 'MatMul', inputs);
      } else {
        emit.into(outputs, 'FusedMatMul', inputs, { transA, transB, alpha: { float: alpha } }, microsoft);
      }
    },
    lowerTfjs: ({ tf, inputs, attributes: { transposeA, transposeB, alpha } }) => {
      const [a, b] = oneBatch(tf, at(inputs, 0), at(inputs, 1));
      const product = tf.matMul(a, b, transposeA, transposeB);
      return [alpha === 1 ? product : tf.mul(product, tf.scalar(alpha))];
    },
  },

  // Y = X Wᵀ + b: dX = dY W, dW = dYᵀ X, db = Σ rows of dY
  linear: {
    infer: (inputs) => {
      const [x, weight, bias] = [at(inputs, 0).shape, at(inputs, 1).shape, inputs[2]?.shape];
      const fitsBias = bias === undefined || sameShape(bias, weight.slice(0, 1));
      const fits = x.length === 2 && weight.length === 2 && x[1] === weight[1] && fitsBias;
      expectShapes('linear', fits && allFloat(inputs), 'float32 [N, inputs], [outputs, inputs] and [outputs]', inputs);
      return [{ dtype: 'float32', shape: [at(x, 0), at(weight, 0)] }];
    },
    gradient: ({ inputs, gradient }) => [
      ops.matmul(gradient, at(inputs, 1)),
      ops.matmul(gradient, at(inputs, 0), { transposeA: true }),
      ...inputs.slice(2).map(() => ops.sum(gradient, [0])),
    ],
    lower: ({ emit, inputs, outputs }) => emit.into(outputs, 'Gemm', inputs, { transB: 1 }),
    lowerTfjs: ({ tf, inputs }) => {
      const product = tf.matMul(at(inputs, 0), at(inputs, 1), false, true);
      return [inputs[2] ? tf.add(product, inputs[2]) : product];
    },
    weightInput: 1,
    // X as uint8 with one factor and zero point, found anew at every run. Products that share X share them.
    lowerQuantized: ({ emit, inputs, outputs, scales }) => {
      const [x, weight, bias = ''] = [at(inputs, 0), at(inputs, 1), inputs[2]];
      const [codes, factor, zero] = [`${x} codes`, `${x} factor`, `${x} zero`];
      emit.into([codes, factor, zero], 'DynamicQuantizeLinear', [x]);
      const columns = emit.node('Transpose', [weight], { perm: [1, 0] });
      const operands = [codes, columns, factor, emit.node('Squeeze', [scales, emit.integers([1])]), zero, '', bias];
      emit.into(outputs, 'MatMulIntegerToFloat', operands, {}, microsoft);
    },
  },
};

function lastTwo(shape: SymbolicShape, transposed: boolean): [Size, Size] {
  const rows = shape[shape.length - 2] ?? 1;
  const columns = shape[shape.length - 1] ?? 1;
  return transposed ? [columns, rows] : [rows, columns];
}

/** Both with the batch dimensions that they broadcast to: not every backend broadcasts them. */
function oneBatch(tf: TfOps, a: TfTensor, b: TfTensor): [TfTensor, TfTensor] {
  const [batchA, batchB] = [a.shape.slice(0, -2), b.shape.slice(0, -2)];
  if (sameShape(batchA, batchB)) return [a, b];
  const rank = Math.max(batchA.length, batchB.length);
  const sizeAt = (batch: readonly number[], axis: number) => batch[axis - rank + batch.length] ?? 1;
  const batch = Array.from({ length: rank }, (_, axis) => {
    const size = sizeAt(batchA, axis);
    return size === 1 ? sizeAt(batchB, axis) : size;
  });
  const spread = (x: TfTensor) => tf.broadcastTo(x, [...batch, ...x.shape.slice(-2)]);
  return [spread(a), spread(b)];
}
