import type { DType } from '../../core/tensor.ts';
import type { Size, SymbolicShape } from '../sizes.ts';

type None = Record<never, never>;

/** Step and zeros on each side of windows that go over two dimensions. */
export interface Convolution {
  readonly stride: number;
  readonly padding: number;
}

/** Square windows. */
export interface Pooling extends Convolution {
  readonly kernel: number;
}

/** Reduces `axes`, which stay as 1 when `keepDimensions`. */
export interface Reduction {
  readonly axes: readonly number[];
  readonly keepDimensions: boolean;
}

/** Every op with its attributes. A record for each is required in the table, so a missing rule does not compile. */
export interface OpAttributes {
  add: None;
  subtract: None;
  multiply: None;
  divide: None;
  negate: None;
  exp: None;
  log: None;
  sqrt: None;
  tanh: None;
  erf: None;
  relu: None;
  sigmoid: None;
  /** The input itself, through which no gradient flows. */
  stopGradient: None;
  /** x Φ(x) with the exact normal distribution function. */
  gelu: None;
  /** The tanh approximation of GELU. */
  geluTanh: None;
  /** Whether the first input equals the second (bool). */
  equal: None;
  /** Whether the first input is greater than the second (bool). */
  greater: None;
  /** The second input where the first (bool) holds, else the third. */
  select: None;
  cast: { readonly to: DType };
  /** alpha · op(A) op(B) over the last two dimensions; leading dimensions broadcast. */
  matmul: { readonly transposeA: boolean; readonly transposeB: boolean; readonly alpha: number };
  /** x Wᵀ + b: x [N, inputs], W [outputs, inputs] and, if given, b [outputs] -> [N, outputs]. */
  linear: None;
  /** Sum over the axes. */
  sum: Reduction;
  /** Largest over the axes; the gradient is shared by those that are. */
  max: Reduction;
  reshape: { readonly shape: SymbolicShape };
  broadcast: { readonly shape: SymbolicShape };
  /** Dimension i of the result is dimension `permutation[i]` of the input. */
  transpose: { readonly permutation: readonly number[] };
  /** The `size` places from `start` on along an axis whose size is known. */
  slice: { readonly axis: number; readonly start: number; readonly size: number };
  /** The inputs behind each other along an axis in which their sizes are known. */
  concat: { readonly axis: number };
  /** Zeros before and after what is there along an axis whose size is known. */
  pad: { readonly axis: number; readonly before: number; readonly after: number };
  /** Rows `indices` (int32, any shape) of a table [rows, width] -> [...indices, width]. */
  gatherRows: None;
  /** A table of zeros [rows, width], or the third input, to whose rows `indices` [n] the updates [n, width] are added. */
  scatterRows: { readonly rows: Size };
  /** Over the last dimension. */
  softmax: None;
  /**
   * Over the last dimension, scaled and, if a third input is given, shifted -> normalized, mean [..., 1], inverse
   * deviation [..., 1].
   */
  layerNorm: { readonly epsilon: number };
  /**
   * Each channel of x [N, C, ...] normalized over all else, scaled and shifted by [C] -> normalized, mean [C], biased
   * variance [C].
   */
  batchNorm: { readonly epsilon: number };
  /** Cross-correlation of x [N, C, H, W] with filters [O, C, h, w] and, if given, a bias [O] -> [N, O, H', W']. */
  conv2d: Convolution;
  /**
   * Gradient of conv2d by an x of `size` [H, W], from the output's gradient [N, O, H', W'] and the filters [O, C, h, w]
   * -> [N, C, H, W]. Forward, it is the transposed convolution.
   */
  conv2dInputGradient: Convolution & { readonly size: readonly [number, number] };
  /** Gradient of conv2d by filters of `kernel` [h, w], from x and the output's gradient -> [O, C, h, w]. */
  conv2dWeightGradient: Convolution & { readonly kernel: readonly [number, number] };
  /** Largest element of each window of x [N, C, H, W] -> [N, C, H', W'] and its flat index in x, int64. */
  maxPool2d: Pooling;
  /** Adds each gradient to the element of zeros [N, C, ...size] whose flat index (int64) stands in its place. */
  maxPool2dGradient: { readonly size: readonly [number, number] };
  /** Mean of each window of x [N, C, H, W], padding counted -> [N, C, H', W']. */
  averagePool2d: Pooling;
  /** layerNorm(x + residual), the first output alone. */
  addLayerNorm: { readonly epsilon: number };
  /**
   * softmax(Q Kᵀ / √headSize + bias) V for every head: Q, K, V [rows · width, heads · headSize] and bias
   * [rows, 1, width, width] -> [rows · width, heads · headSize].
   */
  attention: { readonly rows: Size; readonly width: Size; readonly heads: number };
  /**
   * Each head of x [N, heads · size] turned by the angles of its row's position (Su et al. 2021): of the pair of numbers
   * i and i + size/2 by those whose cosine and sine stand in column i of the tables [places, size/2], in the row that the
   * positions, int32 [N], name.
   */
  rotary: None;
  /** 0, step, 2 step, ...: int32 [count], for a step of at least 1. */
  range: { readonly count: Size; readonly step: Size };
  /** -log softmax(logits)[label]: logits [N, C], labels int32 [N] -> loss [N], log probabilities [N, C]. */
  crossEntropy: None;
  /** Gradient of crossEntropy by its logits, from log probabilities [N, C], labels [N] and a weight a row [N]. */
  crossEntropyGradient: None;
  /**
   * What dropout keeps, bool: false with probability `rate`. Element i is a hash of the key (uint32 [2], itself drawn at
   * random), `stream` and i, so equal keys give equal masks.
   */
  dropoutMask: { readonly rate: number; readonly stream: number; readonly shape: SymbolicShape };
  /** x / (1 - rate) where the mask (bool, of x's shape) keeps it, else 0. */
  dropout: { readonly rate: number };
}

export type OpName = keyof OpAttributes;
