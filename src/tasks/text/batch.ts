import type { HostTensor } from '../../core/tensor.ts';
import type { NamedTensors } from '../../engine/engine.ts';
import type { BlockShape } from '../../models/text/block.ts';
import type { TextModel } from '../../models/text/model.ts';
import { skippedTokens } from '../../models/text/sentence/pooling.ts';
import type { Frame } from '../../text/frame.ts';
import { BlockBuilder } from '../../text/packing.ts';
import { inputName, type Places, readingOf, wholeInput } from './graph.ts';
import type { Objective, ObjectiveTaskOptions, ReadText, Term } from './objective.ts';
import { type BlockText, poolingOf, type ReadingShape, readingTensors } from './reading.ts';

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
  { model, objective, frame, promptTokens = 0 }: Laying,
  { rows, width }: BlockShape,
  texts: readonly ReadText[],
  places: Places,
): TextBatch {
  const builder = new BlockBuilder(rows, width, frame, model.tellsTexts);
  const starts = texts.map(({ ids }) => {
    const start = builder.add(ids);
    if (start === undefined) throw new Error('internal: a planned sequence does not fit its block');
    return start;
  });
  const inputs: Record<string, HostTensor> = { ...builder.block };
  if (objective.givesWhole) inputs[wholeInput] = wholeIds(builder.block.inputIds, texts, starts, frame);
  const weights = Object.entries(objective.terms).map(([name, term]) => {
    const filled = fillTerm(name, term, {
      ...{ texts, starts, frame, model, promptTokens },
      ...{ count: places[name] ?? 0, tokens: rows * width, longest: width },
    });
    Object.assign(inputs, filled.inputs);
    return filled.weight;
  });
  return { inputs, weight: weights[0] ?? 0, tokens: builder.tokens };
}

/** The block's tokens with those of each text as it is. */
function wholeIds(
  { shape, data }: HostTensor<'int32'>,
  texts: readonly ReadText[],
  starts: readonly number[],
  frame: Frame,
): HostTensor<'int32'> {
  const ids = Int32Array.from(data);
  for (const [i, { ids: seen, whole = seen }] of texts.entries()) {
    if (whole.length !== seen.length) throw new Error('internal: a text as it is has as many tokens as what is seen');
    ids.set(whole, (starts[i] as number) + frame.before.length);
  }
  return { dtype: 'int32', shape, data: ids };
}

/** How texts are laid out. */
type Laying = Pick<ObjectiveTaskOptions<never>, 'model' | 'objective' | 'frame' | 'promptTokens'>;

interface Laid extends ReadingShape {
  readonly texts: readonly ReadText[];
  /** Place of each text's first token in the block. */
  readonly starts: readonly number[];
  readonly frame: Frame;
  readonly model: TextModel;
  readonly promptTokens: number;
}

function fillTerm(name: string, term: Term, { texts, starts, frame, model, promptTokens, ...shape }: Laid) {
  const reading = readingOf(model, term);
  const pooling = poolingOf(reading);
  const { dtype, size } = term.target;
  const numbers = size?.(model.config) ?? 1;
  const { count } = shape;
  const targets = dtype === 'int32' ? new Int32Array(count * numbers) : new Float32Array(count * numbers);
  const weights = new Float32Array(count);
  const read: BlockText[] = [];
  for (const [i, { ids, asked }] of texts.entries()) {
    const ask = asked[name];
    if (!ask) continue;
    const length = ids.length + frame.size;
    const skipped = pooling ? skippedTokens(pooling, promptTokens) : 0;
    targets.set(ask.targets, read.length * numbers);
    for (let place = 0; place < placeCount(ask); place++) {
      weights[read.length] = ask.weight ?? 1;
      const chosen = frame.before.length + (ask.places?.[place] ?? 0);
      read.push({ start: starts[i] as number, length, skipped, chosen });
    }
  }
  // What is computed of places that are not used counts for nothing, and is as finite as that of the first.
  for (let place = read.length; place < count && read.length > 0; place++) {
    if (dtype === 'float32') targets.copyWithin(place * numbers, 0, numbers);
  }
  const vector = (data: Int32Array | Float32Array, shape: readonly number[]): HostTensor =>
    data instanceof Int32Array ? { dtype: 'int32', shape, data } : { dtype: 'float32', shape, data };
  return {
    inputs: {
      ...readingTensors(inputName(name, ''), reading, read, shape),
      [inputName(name, 'targets')]: vector(targets, size ? [count, numbers] : [count]),
      [inputName(name, 'weights')]: vector(weights, [count]),
    },
    weight: weights.reduce((sum, weight) => sum + weight, 0),
  };
}

function placeCount(asked: ReadText['asked'][string] | undefined): number {
  return asked ? (asked.places?.length ?? 1) : 0;
}
