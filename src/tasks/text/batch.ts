import type { HostTensor } from '../../core/tensor.ts';
import type { NamedTensors } from '../../engine/engine.ts';
import type { BlockShape } from '../../models/text/block.ts';
import type { TextConfig } from '../../models/text/config.ts';
import type { Frame } from '../../text/frame.ts';
import { BlockBuilder } from '../../text/packing.ts';
import { inputName, type Places, readingOf } from './graph.ts';
import type { Objective, ReadText, Term } from './objective.ts';

/** A block of texts with what the objective asks of them. */
export interface TextBatch {
  readonly inputs: NamedTensors;
  /** Sum of the first term's weights. */
  readonly weight: number;
  /** Tokens, padding left out. */
  readonly tokens: number;
}

/** The places of each term that some texts have. */
export function placesIn({ terms }: Objective<never>, texts: readonly ReadText[]): Places {
  const count = (name: string) => texts.reduce((sum, { asked }) => sum + placeCount(asked[name]), 0);
  return Object.fromEntries(Object.keys(terms).map((name) => [name, count(name)]));
}

/**
 * Lays texts out in a block, in their order.
 *
 * @param places those of the graph's shape; what texts leave of them has weight 0
 */
export function textBatch(
  objective: Objective<never>,
  config: TextConfig,
  frame: Frame,
  { rows, width }: BlockShape,
  texts: readonly ReadText[],
  places: Places,
): TextBatch {
  const builder = new BlockBuilder(rows, width, frame);
  const starts = texts.map(({ ids }) => {
    const start = builder.add(ids);
    if (start === undefined) throw new Error('internal: a planned sequence does not fit its block');
    return start;
  });
  const inputs: Record<string, HostTensor> = { ...builder.block };
  const weights = Object.entries(objective.terms).map(([name, term]) => {
    const filled = fillTerm(name, term, {
      texts,
      starts,
      frame,
      config,
      count: places[name] ?? 0,
      tokens: rows * width,
    });
    Object.assign(inputs, filled.inputs);
    return filled.weight;
  });
  return { inputs, weight: weights[0] ?? 0, tokens: builder.tokens };
}

interface Laid {
  readonly texts: readonly ReadText[];
  /** Place of each text's first token in the block. */
  readonly starts: readonly number[];
  readonly frame: Frame;
  readonly config: TextConfig;
  /** Places of the term. */
  readonly count: number;
  /** Tokens of the block. */
  readonly tokens: number;
}

function fillTerm(name: string, term: Term, { texts, starts, frame, config, count, tokens }: Laid) {
  const reading = readingOf(term);
  const { dtype, size } = term.target;
  const numbers = size?.(config) ?? 1;
  const rows = new Int32Array(reading === 'mean' ? 0 : count);
  const means = new Float32Array(reading === 'mean' ? count * tokens : 0);
  const targets = dtype === 'int32' ? new Int32Array(count * numbers) : new Float32Array(count * numbers);
  const weights = new Float32Array(count);
  let used = 0;
  for (const [i, { ids, asked }] of texts.entries()) {
    const ask = asked[name];
    if (!ask) continue;
    const start = starts[i] as number;
    const length = ids.length + frame.size;
    targets.set(ask.targets, used * numbers);
    for (let place = 0; place < placeCount(ask); place++, used++) {
      weights[used] = ask.weight ?? 1;
      if (reading === 'mean') means.fill(1 / length, used * tokens + start, used * tokens + start + length);
      else if (reading === 'first') rows[used] = start;
      else rows[used] = start + frame.before.length + (ask.places?.[place] ?? 0);
    }
  }
  // Places that are not used repeat the first one: what is computed of them counts for nothing, and is as finite.
  for (let place = used; place < count && used > 0; place++) {
    if (reading === 'mean') means.copyWithin(place * tokens, 0, tokens);
    if (dtype === 'float32') targets.copyWithin(place * numbers, 0, numbers);
  }
  const vector = (data: Int32Array | Float32Array, shape: readonly number[]): HostTensor =>
    data instanceof Int32Array ? { dtype: 'int32', shape, data } : { dtype: 'float32', shape, data };
  const read =
    reading === 'mean'
      ? { [inputName(name, 'means')]: vector(means, [count, tokens]) }
      : { [inputName(name, 'rows')]: vector(rows, [count]) };
  return {
    inputs: {
      ...read,
      [inputName(name, 'targets')]: vector(targets, size ? [count, numbers] : [count]),
      [inputName(name, 'weights')]: vector(weights, [count]),
    },
    weight: weights.reduce((sum, weight) => sum + weight, 0),
  };
}

function placeCount(asked: ReadText['asked'][string] | undefined): number {
  return asked ? (asked.places?.length ?? 1) : 0;
}
