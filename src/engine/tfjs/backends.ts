import type { TfOps, TfTensor } from '../../graph/tfjs.ts';

/** The ops as suits a backend. */
export function opsOn(backend: string | undefined, tf: TfOps): TfOps {
  return backend === 'wasm' ? { ...tf, matMul: transposedFirst(tf) } : tf;
}

/** In WebAssembly, products of transposed operands take many times as long as transposing them before. */
function transposedFirst(tf: TfOps): TfOps['matMul'] {
  const transposed = (x: TfTensor) => {
    const axes = x.shape.map((_, axis) => axis);
    return tf.transpose(x, [...axes.slice(0, -2), ...axes.slice(-2).reverse()]);
  };
  return (a, b, transposeA = false, transposeB = false) =>
    tf.matMul(transposeA ? transposed(a) : a, transposeB ? transposed(b) : b);
}
