import * as ops from '../functions.ts';
import type { TfOps, TfTensor } from '../tfjs.ts';
import { rangeTfjs } from './indexing.ts';
import { at, noGradient, type OpRecords } from './record.ts';
import { allFloat, expectShapes, sameShape } from './shapes.ts';

/** Cross-entropy and its gradient, each in as few passes over [N, C] as ONNX allows: C is a vocabulary. */
export const losses: OpRecords<'crossEntropy' | 'crossEntropyGradient'> = {
  // d loss[n] / d logits[n, c] = softmax(logits)[n, c] - [c = label n]
  crossEntropy: {
    infer: (inputs) => {
      const [logits, labels] = [at(inputs, 0), at(inputs, 1)];
      const fits = logits.shape.length === 2 && labels.shape.length === 1 && logits.shape[0] === labels.shape[0];
      const types = logits.dtype === 'float32' && labels.dtype === 'int32';
      expectShapes('crossEntropy', fits && types, 'float32 logits [N, C] and int32 labels [N]', inputs);
      return [
        { dtype: 'float32', shape: labels.shape },
        { dtype: 'float32', shape: logits.shape },
      ];
    },
    gradient: ({ inputs, outputs, gradient }) => [
      ops.crossEntropyGradient(at(outputs, 1), at(inputs, 1), gradient),
      noGradient,
    ],
    lower: ({ emit, inputs, outputs, inputTypes }) => {
      const count = at(at(inputTypes, 1).shape, 0);
      const [loss, logProbabilities] = [at(outputs, 0), at(outputs, 1)];
      emit.into([logProbabilities], 'LogSoftmax', [at(inputs, 0)], { axis: -1 });
      const column = emit.reshape(at(inputs, 1), [count, 1]);
      const picked = emit.node('GatherElements', [logProbabilities, column], { axis: 1 });
      emit.into([loss], 'Neg', [emit.reshape(picked, [count])]);
    },
    lowerTfjs: ({ tf, inputs }) => {
      const [logits, labels] = [at(inputs, 0), at(inputs, 1)];
      const shifted = tf.sub(logits, tf.max(logits, [1], true));
      const logProbabilities = tf.sub(shifted, tf.log(tf.sum(tf.exp(shifted), [1], true)));
      return [tf.neg(tf.gatherND(logProbabilities, placesOf(tf, labels))), logProbabilities];
    },
  },

  crossEntropyGradient: {
    infer: (inputs) => {
      const [logProbabilities, labels, weights] = [at(inputs, 0), at(inputs, 1), at(inputs, 2)];
      const rows = logProbabilities.shape.slice(0, 1);
      const fits =
        logProbabilities.shape.length === 2 && sameShape(labels.shape, rows) && sameShape(weights.shape, rows);
      expectShapes(
        'crossEntropyGradient',
        fits && labels.dtype === 'int32' && allFloat([logProbabilities, weights]),
        'float32 log probabilities [N, C], int32 labels [N] and float32 weights [N]',
        inputs,
      );
      return [{ dtype: 'float32', shape: logProbabilities.shape }];
    },
    gradient: 'not differentiable',
    lower: ({ emit, inputs, outputs, inputTypes }) => {
      const count = at(at(inputTypes, 1).shape, 0);
      const weights = emit.reshape(at(inputs, 2), [count, 1]);
      const dense = emit.node('Mul', [emit.node('Exp', [at(inputs, 0)]), weights]);
      const labels = emit.reshape(at(inputs, 1), [count, 1]);
      const updates = emit.node('Neg', [weights]);
      emit.into(outputs, 'ScatterElements', [dense, labels, updates], { axis: 1, reduction: 'add' });
    },
    lowerTfjs: ({ tf, inputs }) => {
      const [logProbabilities, labels, weights] = [at(inputs, 0), at(inputs, 1), at(inputs, 2)];
      const { shape } = logProbabilities;
      const dense = tf.mul(tf.exp(logProbabilities), tf.reshape(weights, [at(shape, 0), 1]));
      return [tf.sub(dense, tf.scatterND(placesOf(tf, labels), weights, shape))];
    },
  },
};

/** Row and column of each row's label: [N] -> [N, 2]. */
function placesOf(tf: TfOps, labels: TfTensor): TfTensor {
  return tf.stack([rangeTfjs(tf, at(labels.shape, 0)), labels], 1);
}
