import type { HostTensor } from '../../core/tensor.ts';
import * as ops from '../../graph/functions.ts';
import type { Graph, Value } from '../../graph/graph.ts';
import { product, type Size } from '../../graph/sizes.ts';
import type { Reading } from '../../models/text/heads/head.ts';
import {
  fillShares,
  isOfOneToken,
  onlyToken,
  type Pooling,
  pooledBy,
  type SummingMode,
} from '../../models/text/sentence/pooling.ts';

/** How a block's hidden states become what a head gets. */
export interface ReadingGraph {
  /** The tokens, counted over all rows, int32 [count], whose hidden states are all that is read; absent for more. */
  readonly rows?: Value;
  /** Hidden states of all tokens [tokens, hiddenSize] -> [count, modes · hiddenSize]. */
  read(hidden: Value): Value;
}

/** Sizes of a reading: what is read, tokens of the block, and the most tokens that a text may have. */
export interface ReadingShape<S extends Size = number> {
  readonly count: S;
  readonly tokens: S;
  readonly longest: S;
}

/** A text in a block. */
export interface BlockText {
  /** Its first token, counted over all rows. */
  readonly start: number;
  /** Tokens, special ones included. */
  readonly length: number;
  /** Tokens from the start on that do not count. */
  readonly skipped: number;
  /** The token to read, counted from the start, where tokens are chosen. */
  readonly chosen?: number;
}

/**
 * What a reading takes of a block, as inputs of its graph whose names begin with `name`: `rows`, int32 [count], the
 * tokens that are read; or `shares`, float32 [count · modes, tokens], the share of each token in each vector; and for
 * the largest values `spans`, int32 [count, longest], the tokens of each text, the last of them repeated.
 */
export function readingGraph(
  graph: Graph,
  name: string,
  reading: Reading,
  { count, tokens, longest }: ReadingShape<Size>,
): ReadingGraph {
  const pooling = poolingOf(reading);
  if (pooling === null || isOfOneToken(pooling)) {
    const rows = graph.input(`${name}rows`, 'int32', [count]);
    return { rows, read: (hidden) => ops.gatherRows(hidden, rows) };
  }
  const { modes } = pooling;
  const summing = modes.filter(isSumming);
  const [summed, largest] = [summing.length, modes.length - summing.length];
  const shares = summed > 0 ? graph.input(`${name}shares`, 'float32', [product(count, summed), tokens]) : undefined;
  const spans = largest > 0 ? graph.input(`${name}spans`, 'int32', [count, longest]) : undefined;
  return {
    read(hidden) {
      const size = Number(hidden.shape.at(-1));
      const parts = [
        shares && placed(ops.reshape(ops.matmul(shares, hidden), [count, summed, size]), modes, isSumming),
        spans && placed(ops.max(ops.gatherRows(hidden, spans), [1], true), modes, (mode) => mode === 'max'),
      ];
      const [first, second] = parts.filter((part) => part !== undefined);
      if (!first) throw new Error('internal: a pooling without modes');
      return ops.reshape(second ? ops.add(first, second) : first, [count, modes.length * size]);
    },
  };
}

/** The tensors of the graph's inputs. Places beyond the texts repeat the first one: what is read of them is as finite. */
export function readingTensors(
  name: string,
  reading: Reading,
  texts: readonly BlockText[],
  { count, tokens, longest }: ReadingShape,
): Record<string, HostTensor> {
  const pooling = poolingOf(reading);
  const textAt = (place: number) => (texts[place] ?? texts[0]) as BlockText;
  const inputs: Record<string, HostTensor> = {};
  const places = texts.length > 0 ? count : 0;
  if (pooling === null || isOfOneToken(pooling)) {
    const rows = new Int32Array(count);
    for (let place = 0; place < places; place++) {
      const text = textAt(place);
      rows[place] = text.start + ((pooling ? onlyToken(pooling, text) : text.chosen) ?? 0);
    }
    inputs[`${name}rows`] = { dtype: 'int32', shape: [count], data: rows };
    return inputs;
  }
  const summing = pooling.modes.filter(isSumming);
  if (summing.length > 0) {
    const data = new Float32Array(count * summing.length * tokens);
    for (let place = 0; place < places; place++) {
      const text = textAt(place);
      for (const [i, mode] of summing.entries()) {
        fillShares(data, (place * summing.length + i) * tokens + text.start, mode, text);
      }
    }
    inputs[`${name}shares`] = { dtype: 'float32', shape: [count * summing.length, tokens], data };
  }
  if (summing.length < pooling.modes.length) {
    const data = new Int32Array(count * longest);
    for (let place = 0; place < places; place++) {
      const { start, length, skipped } = textAt(place);
      for (let i = 0; i < longest; i++) data[place * longest + i] = start + Math.min(skipped + i, length - 1);
    }
    inputs[`${name}spans`] = { dtype: 'int32', shape: [count, longest], data };
  }
  return inputs;
}

/** A reading as a pooling; null where tokens are chosen. */
export function poolingOf(reading: Reading): Pooling | null {
  if (reading === 'chosen') return null;
  if (reading === 'first') return pooledBy('cls');
  return reading === 'mean' ? pooledBy('mean') : reading;
}

function isSumming(mode: Pooling['modes'][number]): mode is SummingMode {
  return mode !== 'max';
}

/** Vectors of some of the modes [count, these, size] at their places among all [count, modes, size], zeros elsewhere. */
function placed(vectors: Value, modes: Pooling['modes'], isOne: (mode: Pooling['modes'][number]) => boolean): Value {
  const these = modes.filter(isOne);
  if (these.length === modes.length && vectors.shape[1] === modes.length) return vectors;
  const columns = Number(vectors.shape[1]);
  const data = new Float32Array(modes.length * columns);
  let number = 0;
  modes.forEach((mode, row) => {
    if (isOne(mode)) data[row * columns + Math.min(number++, columns - 1)] = 1;
  });
  const selection = vectors.graph.constant({ dtype: 'float32', shape: [modes.length, columns], data });
  return ops.matmul(selection, vectors);
}
