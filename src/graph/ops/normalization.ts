import * as ops from '../functions.ts';
import { microsoft } from '../onnx.ts';
import { at, type OpRecords } from './record.ts';
import { allFloat, expectShapes, sameShape } from './shapes.ts';

/** Normalizations over the last dimension. */
export const normalization: OpRecords<'softmax' | 'layerNorm' | 'addLayerNorm'> = {
  // s = softmax(x): dx = s (ds - Σ s ds)
  softmax: {
    infer: (inputs) => {
      const fits = at(inputs, 0).shape.length > 0 && allFloat(inputs);
      expectShapes('softmax', fits, 'float32 of at least one dimension', inputs);
      return [at(inputs, 0)].map(({ dtype, shape }) => ({ dtype, shape }));
    },
    gradient: ({ outputs, gradient }) => {
      const s = at(outputs, 0);
      const product = ops.multiply(gradient, s);
      const total = ops.sum(product, [s.shape.length - 1], true);
      return [ops.subtract(product, ops.multiply(s, total))];
    },
    lower: ({ emit, inputs, outputs }) => emit.into(outputs, 'Softmax', inputs, { axis: -1 }),
  },

  // x̂ = (x - mean) / deviation, y = γ x̂ + β. With h = γ dy:
  // dx = (h - mean(h) - x̂ mean(h x̂)) / deviation, dγ = Σ dy x̂, dβ = Σ dy (Ba et al. 2016)
  layerNorm: {
    infer: (inputs) => {
      const [x, scale, shift] = [at(inputs, 0), at(inputs, 1), at(inputs, 2)];
      const width = x.shape.slice(-1);
      const fits = x.shape.length > 0 && sameShape(scale.shape, width) && sameShape(shift.shape, width);
      expectShapes('layerNorm', fits && allFloat(inputs), 'float32 [..., width], [width] and [width]', inputs);
      const statistics = { dtype: 'float32', shape: [...x.shape.slice(0, -1), 1] } as const;
      return [{ dtype: 'float32', shape: x.shape }, statistics, statistics];
    },
    gradient: ({ inputs, outputs, gradient }) => {
      const [x, scale] = [at(inputs, 0), at(inputs, 1)];
      const [mean, inverseDeviation] = [at(outputs, 1), at(outputs, 2)];
      const last = x.shape.length - 1;
      const average = (value: typeof x) => ops.scale(ops.sum(value, [last], true), 1 / at(x.shape, last));
      const normalized = ops.multiply(ops.subtract(x, mean), inverseDeviation);
      const h = ops.multiply(gradient, scale);
      const along = ops.multiply(normalized, average(ops.multiply(h, normalized)));
      const byX = ops.multiply(ops.subtract(ops.subtract(h, average(h)), along), inverseDeviation);
      return [byX, ops.multiply(gradient, normalized), gradient];
    },
    lower: ({ emit, inputs, outputs, attributes: { epsilon } }) =>
      emit.into(outputs, 'LayerNormalization', inputs, { axis: -1, epsilon: { float: epsilon } }),
  },

  addLayerNorm: {
    infer: (inputs) => {
      const [x, residual, scale, shift] = [at(inputs, 0), at(inputs, 1), at(inputs, 2), at(inputs, 3)];
      const width = x.shape.slice(-1);
      const fits = x.shape.length === 2 && sameShape(residual.shape, x.shape);
      expectShapes(
        'addLayerNorm',
        fits && sameShape(scale.shape, width) && sameShape(shift.shape, width) && allFloat(inputs),
        'float32 [N, width] twice and [width] twice',
        inputs,
      );
      return [{ dtype: 'float32', shape: x.shape }];
    },
    gradient: 'not differentiable',
    lower: ({ emit, inputs, outputs, attributes: { epsilon } }) =>
      emit.into(outputs, 'SkipLayerNormalization', inputs, { epsilon: { float: epsilon } }, microsoft),
  },
};
