import type { DType } from '../../core/tensor.ts';
import * as ops from '../functions.ts';
import type { SymbolicType } from '../sizes.ts';
import type { TfDType, TfLowering } from '../tfjs.ts';
import type { OpAttributes } from './attributes.ts';
import { at, type LoweringContext, noGradient, type OpRecord, type OpRecords } from './record.ts';
import { broadcastShapes, expectShapes } from './shapes.ts';

type None = OpAttributes['add'];

/** Arithmetic and comparisons over broadcast inputs. */
export const elementwise: OpRecords<
  | 'add'
  | 'subtract'
  | 'multiply'
  | 'divide'
  | 'negate'
  | 'exp'
  | 'log'
  | 'sqrt'
  | 'tanh'
  | 'erf'
  | 'equal'
  | 'greater'
  | 'select'
  | 'cast'
> = {
  // d(a + b) = da + db
  add: binary('add', ['Add', 'add'], ({ gradient }) => [gradient, gradient]),

  // d(a - b) = da - db
  subtract: binary('subtract', ['Sub', 'sub'], ({ gradient }) => [gradient, ops.negate(gradient)]),

  // d(a b) = b da + a db
  multiply: binary('multiply', ['Mul', 'mul'], ({ inputs, gradient }) => [
    ops.multiply(gradient, at(inputs, 1)),
    ops.multiply(gradient, at(inputs, 0)),
  ]),

  // d(a / b) = da / b - (a / b) db / b
  divide: binary('divide', ['Div', 'div'], ({ inputs, outputs, gradient }) => {
    const byA = ops.divide(gradient, at(inputs, 1));
    return [byA, ops.negate(ops.multiply(byA, at(outputs, 0)))];
  }),

  // d(-x) = -dx
  negate: unary('negate', ['Neg', 'neg'], ({ gradient }) => [ops.negate(gradient)]),

  // d(exp x) = exp x dx
  exp: unary('exp', ['Exp', 'exp'], ({ outputs, gradient }) => [ops.multiply(gradient, at(outputs, 0))]),

  // d(log x) = dx / x
  log: unary('log', ['Log', 'log'], ({ inputs, gradient }) => [ops.divide(gradient, at(inputs, 0))]),

  // d(√x) = dx / (2 √x)
  sqrt: unary('sqrt', ['Sqrt', 'sqrt'], ({ outputs, gradient }) => [
    ops.divide(ops.scale(gradient, 0.5), at(outputs, 0)),
  ]),

  // d(tanh x) = (1 - tanh² x) dx
  tanh: unary('tanh', ['Tanh', 'tanh'], ({ outputs, gradient }) => {
    const y = at(outputs, 0);
    return [ops.multiply(gradient, ops.subtract(y.graph.scalar(1), ops.multiply(y, y)))];
  }),

  // d(erf x) = 2/√π exp(-x²) dx
  erf: unary('erf', ['Erf', 'erf'], ({ inputs, gradient }) => {
    const x = at(inputs, 0);
    const density = ops.exp(ops.negate(ops.multiply(x, x)));
    return [ops.multiply(gradient, ops.scale(density, 2 / Math.sqrt(Math.PI)))];
  }),

  equal: comparison('equal', ['Equal', 'equal']),
  greater: comparison('greater', ['Greater', 'greater']),

  // d select(c, a, b) = da where c, db elsewhere
  select: {
    infer: (inputs) => {
      const [condition, a, b] = [at(inputs, 0), at(inputs, 1), at(inputs, 2)];
      const ab = broadcastShapes(a.shape, b.shape);
      const shape = ab && broadcastShapes(condition.shape, ab);
      const fits = condition.dtype === 'bool' && a.dtype === b.dtype && shape !== undefined;
      expectShapes('select', fits, 'bool and two tensors of one dtype that broadcast together', inputs);
      return [{ dtype: a.dtype, shape: shape ?? [] }];
    },
    gradient: ({ inputs, gradient }) => {
      const condition = at(inputs, 0);
      const zero = gradient.graph.scalar(0);
      return [noGradient, ops.select(condition, gradient, zero), ops.select(condition, zero, gradient)];
    },
    lower: lowerTo('Where'),
    lowerTfjs: ({ tf, inputs }) => [tf.where(at(inputs, 0), at(inputs, 1), at(inputs, 2))],
  },

  cast: {
    infer: (inputs, { to }) => [{ dtype: to, shape: at(inputs, 0).shape }],
    gradient: 'not differentiable',
    lower: ({ emit, inputs, outputs, attributes }) =>
      emit.into(outputs, 'Cast', inputs, { to: onnxType[attributes.to] }),
    lowerTfjs: ({ tf, inputs, attributes }) => [tf.cast(at(inputs, 0), tfType[attributes.to])],
  },
};

/** ONNX's TensorProto.DataType of each element type. */
export const onnxType = { float32: 1, int8: 3, int32: 6, int64: 7, bool: 9, float16: 10, uint32: 12 } as const;

/** What TensorFlow.js holds each element type as. */
export const tfType = {
  float32: 'float32',
  int32: 'int32',
  int64: 'int32',
  uint32: 'int32',
  bool: 'bool',
} as const satisfies Record<DType, TfDType>;

/** What the engines call an op: ONNX, TensorFlow.js. */
type Names<Tf> = readonly [onnx: string, tfjs: Tf];
type UnaryTf = 'neg' | 'exp' | 'log' | 'sqrt' | 'tanh' | 'erf' | 'relu' | 'sigmoid';
type BinaryTf = 'add' | 'sub' | 'mul' | 'div' | 'equal' | 'greater';

function binary(op: string, names: Names<BinaryTf>, gradient: OpRecord<None>['gradient']): OpRecord<None> {
  return { infer: (inputs) => [broadcastType(op, inputs)], gradient, ...lowerPair(names) };
}

function comparison(op: string, names: Names<BinaryTf>): OpRecord<None> {
  return {
    infer: (inputs) => [{ dtype: 'bool', shape: broadcastType(op, inputs).shape }],
    gradient: 'not differentiable',
    ...lowerPair(names),
  };
}

/** A float32 function of one tensor that both engines have. */
export function unary(op: string, [onnx, tfjs]: Names<UnaryTf>, gradient: OpRecord<None>['gradient']): OpRecord<None> {
  return {
    infer: (inputs) => [sameFloat(op, inputs)],
    gradient,
    lower: lowerTo(onnx),
    lowerTfjs: ({ tf, inputs }) => [tf[tfjs](at(inputs, 0))],
  };
}

function lowerPair([onnx, tfjs]: Names<BinaryTf>) {
  const lowerTfjs: TfLowering<unknown> = ({ tf, inputs }) => [tf[tfjs](at(inputs, 0), at(inputs, 1))];
  return { lower: lowerTo(onnx), lowerTfjs };
}

export function lowerTo(onnx: string, domain = '') {
  return ({ emit, inputs, outputs }: LoweringContext<unknown>) => emit.into(outputs, onnx, inputs, {}, domain);
}

export function sameFloat(op: string, inputs: readonly SymbolicType[]): SymbolicType {
  const input = at(inputs, 0);
  expectShapes(op, input.dtype === 'float32', 'float32', inputs);
  return { dtype: 'float32', shape: input.shape };
}

function broadcastType(op: string, inputs: readonly SymbolicType[]): SymbolicType {
  const [a, b] = [at(inputs, 0), at(inputs, 1)];
  const shape = broadcastShapes(a.shape, b.shape);
  expectShapes(op, a.dtype === b.dtype && shape !== undefined, 'two tensors of one dtype that broadcast', inputs);
  return { dtype: a.dtype, shape: shape ?? [] };
}
