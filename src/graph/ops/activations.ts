import * as ops from '../functions.ts';
import { microsoft } from '../onnx.ts';
import type { TfOps, TfTensor } from '../tfjs.ts';
import type { Value } from '../value.ts';
import { lowerTo, sameFloat, unary } from './elementwise.ts';
import { at, type OpRecords } from './record.ts';

/** Activation functions with lowerings of their own (Hendrycks & Gimpel 2016 for GELU). */
export const activations: OpRecords<'relu' | 'sigmoid' | 'gelu' | 'geluTanh'> = {
  // d relu(x) = dx where x > 0
  relu: unary('relu', ['Relu', 'relu'], ({ inputs, gradient }) => {
    const zero = gradient.graph.scalar(0);
    return [ops.select(ops.greater(at(inputs, 0), zero), gradient, zero)];
  }),

  // d σ(x) = σ (1 - σ) dx
  sigmoid: unary('sigmoid', ['Sigmoid', 'sigmoid'], ({ outputs, gradient }) => {
    const y = at(outputs, 0);
    return [ops.multiply(gradient, ops.multiply(y, ops.subtract(y.graph.scalar(1), y)))];
  }),

  // d(x Φ(x)) = (Φ(x) + x φ(x)) dx. With a = x/√2: = ½ (1 + erf a + a exp(ln(2/√π) - a²)) dx, one pass less.
  gelu: {
    infer: (inputs) => [sameFloat('gelu', inputs)],
    gradient: ({ inputs, gradient }) => {
      const { graph } = gradient;
      const a = ops.scale(at(inputs, 0), Math.SQRT1_2);
      const density = ops.exp(ops.subtract(graph.scalar(Math.log(2 / Math.sqrt(Math.PI))), ops.multiply(a, a)));
      const slope = ops.add(ops.add(ops.erf(a), ops.multiply(a, density)), graph.scalar(1));
      return [ops.multiply(ops.scale(gradient, 0.5), slope)];
    },
    // ½ x (1 + erf a): the gradient computes the same erf.
    rebuild: ({ inputs }) => {
      const x = at(inputs, 0);
      const twice = ops.add(ops.erf(ops.scale(x, Math.SQRT1_2)), x.graph.scalar(1));
      return ops.multiply(ops.scale(x, 0.5), twice);
    },
    lower: lowerTo('Gelu', microsoft),
    lowerTfjs: ({ tf, inputs }) => {
      const x = at(inputs, 0);
      return [halfTimesOneMore(tf, x, tf.erf(tf.mul(x, tf.scalar(Math.SQRT1_2))))];
    },
  },

  // With u = √(2/π) (x + 0.044715 x³): d = ½ (1 + tanh u + x (1 - tanh² u) du/dx) dx
  geluTanh: {
    infer: (inputs) => [sameFloat('geluTanh', inputs)],
    gradient: ({ inputs, gradient }) => {
      const { graph } = gradient;
      const x = at(inputs, 0);
      const one = graph.scalar(1);
      const c = Math.sqrt(2 / Math.PI);
      const square = ops.multiply(x, x);
      const t = geluTangent(x);
      const inner = ops.add(ops.scale(square, 3 * c * 0.044715), graph.scalar(c));
      const curve = ops.multiply(ops.multiply(x, inner), ops.subtract(one, ops.multiply(t, t)));
      return [ops.multiply(ops.scale(gradient, 0.5), ops.add(ops.add(t, curve), one))];
    },
    // ½ x (1 + tanh u): the gradient computes the same tanh.
    rebuild: ({ inputs }) => {
      const x = at(inputs, 0);
      return ops.multiply(ops.scale(x, 0.5), ops.add(geluTangent(x), x.graph.scalar(1)));
    },
    // FastGelu takes no scalars.
    lower: ({ emit, inputs, outputs, outputTypes }) => {
      if (at(outputTypes, 0).shape.length > 0) return emit.into(outputs, 'FastGelu', inputs, {}, microsoft);
      const list = emit.reshape(at(inputs, 0), [1]);
      emit.reshape(emit.node('FastGelu', [list], {}, microsoft), [], outputs);
    },
    lowerTfjs: ({ tf, inputs }) => {
      const x = at(inputs, 0);
      const c = Math.sqrt(2 / Math.PI);
      const inner = tf.add(tf.mul(tf.mul(x, x), tf.scalar(c * 0.044715)), tf.scalar(c));
      return [halfTimesOneMore(tf, x, tf.tanh(tf.mul(x, inner)))];
    },
  },
};

/** tanh √(2/π) (x + 0.044715 x³) */
function geluTangent(x: Value): Value {
  const c = Math.sqrt(2 / Math.PI);
  return ops.tanh(ops.multiply(x, ops.add(ops.scale(ops.multiply(x, x), c * 0.044715), x.graph.scalar(c))));
}

/** ½ x (1 + f) */
function halfTimesOneMore(tf: TfOps, x: TfTensor, f: TfTensor): TfTensor {
  return tf.mul(tf.mul(x, tf.scalar(0.5)), tf.add(f, tf.scalar(1)));
}
