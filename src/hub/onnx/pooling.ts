import * as ops from '../../graph/functions.ts';
import type { Value } from '../../graph/graph.ts';
import type { GraphBuilder } from '../../graph/value.ts';
import type { Pooling, PoolingMode } from '../../models/text/sentence/pooling.ts';

/** Padded texts of which hidden states are pooled. */
export interface PaddedTexts {
  /** Hidden states [texts, width, hiddenSize]. */
  readonly states: Value;
  /** 1 for a token, 0 for padding, int32 [texts, width]. */
  readonly mask: Value;
  /** Place of a token, from 0, int32 [texts, width]. */
  readonly positions: Value;
  /** Tokens from the start on that do not count, those of a prompt. */
  readonly skipped: number;
}

/**
 * Vectors of padded texts by the modes of a pooling, as `fillShares` has them for packed ones: [texts, modes ·
 * hiddenSize]. A row of padding alone gives finite numbers.
 */
export function pooledTexts(texts: PaddedTexts, { modes }: Pick<Pooling, 'modes'>): Value {
  const { states } = texts;
  const [rows = 1, , size] = states.shape;
  const places = placesOf(texts);
  const vectors = modes.map((mode) => pooled[mode](states, places)); // [texts, 1, hiddenSize] each
  const placed = vectors.map((vector, i) =>
    modes.length === 1 ? vector : ops.multiply(vector, oneOf(states.graph, modes.length, i)),
  );
  return ops.reshape(placed.reduce(ops.add), [rows, modes.length * Number(size)]);
}

/** What is told of each token of each text, int32 [texts, width], built when it is asked for. */
interface Places {
  /** Place, from 1. */
  number(): Value;
  /** Whether it counts, 1 or 0. */
  counted(): Value;
  /** 1 for one token of each text alone: the first that counts, of none the first at all. */
  first(): Value;
  last(): Value;
}

function placesOf({ mask, positions, skipped }: PaddedTexts): Places {
  const { graph } = mask;
  const number = () => ops.add(positions, whole(graph, 1));
  const isBehind = () => ops.cast(ops.greater(positions, whole(graph, skipped - 1)), 'int32');
  const counted = () => (skipped === 0 ? mask : ops.multiply(mask, isBehind()));
  // Earlier is larger, and what counts larger than what does not.
  const earliness = () => ops.multiply(mask, ops.subtract(whole(graph, farPlace), positions));
  return {
    ...{ number, counted },
    first: () => isLargest(ops.add(earliness(), ops.multiply(counted(), whole(graph, farPlace)))),
    last: () => isLargest(ops.multiply(mask, number())),
  };
}

/** More than any place. */
const farPlace = 2 ** 20;

/** The vector of each text by one mode, [texts, 1, hiddenSize]. */
const pooled: Readonly<Record<PoolingMode, (states: Value, places: Places) => Value>> = {
  cls: (states, { first }) => weighted(states, real(first())),
  lasttoken: (states, { last, counted }) => weighted(states, real(ops.multiply(last(), counted()))),
  mean: (states, { counted }) => weighted(states, overTotal(counted())),
  mean_sqrt_len_tokens(states, { counted }) {
    const share = overTotal(counted());
    return weighted(states, ops.sqrt(share)); // 1 / √n = √(1 / n), and 0 stays 0
  },
  weightedmean: (states, { counted, number }) => weighted(states, overTotal(ops.multiply(counted(), number()))),
  max(states, { counted, last }) {
    const isRead = ops.greater(ops.add(counted(), last()), whole(states.graph, 0));
    const lowest = states.graph.scalar(lowestNumber);
    return ops.max(ops.select(ops.reshape(isRead, [...isRead.shape, 1]), states, lowest), [1], true);
  },
};

/** Lower than any hidden state. */
const lowestNumber = -3e38;

/** States [texts, width, hiddenSize] with a share each, float32 [texts, width], summed: [texts, 1, hiddenSize]. */
function weighted(states: Value, shares: Value): Value {
  const [rows = 1, width = 1] = shares.shape;
  return ops.matmul(ops.reshape(shares, [rows, 1, width]), states);
}

/** Whole numbers [texts, width] as parts of the sum of each text; of a text without any, zeros. */
function overTotal(numbers: Value): Value {
  const { graph } = numbers;
  const total = ops.sum(real(numbers), [1], true);
  return ops.divide(real(numbers), ops.select(ops.greater(total, graph.scalar(0)), total, graph.scalar(1)));
}

/** 1 for the largest number of each row [texts, width], 0 for the others. */
function isLargest(numbers: Value): Value {
  return ops.cast(ops.equal(numbers, ops.max(numbers, [1], true)), 'int32');
}

function real(numbers: Value): Value {
  return ops.cast(numbers, 'float32');
}

function whole(graph: GraphBuilder, number: number): Value {
  return graph.constant({ dtype: 'int32', shape: [], data: Int32Array.of(number) });
}

/** A one at a place of many, zeros elsewhere: [1, count, 1]. */
function oneOf(graph: GraphBuilder, count: number, place: number): Value {
  const data = new Float32Array(count);
  data[place] = 1;
  return graph.constant({ dtype: 'float32', shape: [1, count, 1], data });
}
