import { defined } from '../core/errors.ts';
import { breathe } from '../core/interrupt.ts';
import { randomBelow } from '../core/random.ts';
import { type HostTensor, sizeOf } from '../core/tensor.ts';
import type { OpenModel } from '../engine/onnx/openModel.ts';
import { argmax } from '../evaluation/classification.ts';
import { vectorOutput } from '../hub/onnx/graph.ts';
import type { PipelineInput } from '../models/text/family.ts';
import { type HeadName, heads } from '../models/text/heads/table.ts';
import type { TextModel } from '../models/text/model.ts';
import type { TextInference } from '../tasks/text/inference.ts';
import type { Frame } from '../text/frame.ts';
import { framedPair, pairSequence } from '../text/pair.ts';
import type { TextTokenizer } from '../text/textTokenizer.ts';

/**
 * A text to compare on: token ids without the special ones around them, and the places of its masks, or of the
 * tokens that are read, counted with the first special token as 0.
 */
export interface Probe {
  readonly ids: readonly number[];
  readonly masks: readonly number[];
}

/** How far an exported model is from the trained one. */
export interface Agreement {
  /** Largest difference of two numbers, as a part of the largest number. */
  readonly largestDifference: number;
  /** Share of equal labels, or of equal words for a mask; null for vectors and numbers. */
  readonly agreement: number | null;
}

/** Texts that run together in an exported model. */
const batchSize = 8;

/**
 * Texts of random tokens, with masks in those for fill-mask.
 *
 * @param prompt tokens that every text begins with
 * @param pairs whether the model reads pairs
 */
export function randomProbes(
  count: number,
  longest: number,
  tokenizer: TextTokenizer,
  head: HeadName,
  prompt: readonly number[] = [],
  pairs: object | null = null,
): Probe[] {
  const { vocabularySize, specialIds, frame } = tokenizer;
  const most = Math.max(1, longest - frame.size - prompt.length);
  return Array.from({ length: count }, (_, i) => {
    const length = 1 + randomBelow(most, 0, 'sample', i);
    const ids = Array.from({ length }, (_, j) => randomBelow(vocabularySize, 0, 'sample', i, j + 1));
    const text = [...prompt, ...ids.filter((id) => !specialIds.has(id))];
    if (pairs && frame.pair) {
      const [first, second] = [text.slice(0, text.length / 2), text.slice(text.length / 2)];
      const { ids } = pairSequence(frame.pair, first, second, longest - frame.size, 'right');
      return { ids: [...ids], masks: [] };
    }
    return masked(text.slice(0, longest - frame.size), tokenizer, head);
  });
}

/** A text as a probe. For fill-mask, every seventh token becomes a mask, the first one at least; of tags all are read. */
export function masked(ids: readonly number[], tokenizer: TextTokenizer, head: HeadName): Probe {
  if (heads[head].reads !== 'chosen') return { ids, masks: [] };
  if (head === 'tokenLabels') return { ids, masks: ids.map((_, i) => tokenizer.frame.before.length + i) };
  const mask = tokenizer.idOfRole('mask');
  const tokens = ids.length > 0 ? ids : [mask];
  const withMasks = tokens.map((id, i) => (i % 7 === 0 ? mask : id));
  const masks = withMasks.flatMap((id, i) => (id === mask ? [tokenizer.frame.before.length + i] : []));
  return { ids: withMasks, masks };
}

/** What the trained model says: logits of each label, logits of each mask, or the vector, a row each. */
export async function trainedRows(
  inference: TextInference,
  probes: readonly Probe[],
  head: HeadName,
  promptTokens = 0,
): Promise<Float32Array[]> {
  const sequences = probes.map(({ ids }) => ids);
  const { reads } = heads[head];
  if (reads !== 'chosen') return inference.ofTexts(head, sequences, { promptTokens });
  const rows = probes.map((): Float32Array[] => []);
  await inference.ofPlaces(
    head,
    probes.map(({ ids, masks }) => ({ ids, positions: masks })),
    (probe, _, logits) => rows[probe]?.push(logits.slice()),
  );
  return rows.flat();
}

/** The same from an exported model, in padded batches as pipelines make them. */
export async function exportedRows(
  model: OpenModel,
  probes: readonly Probe[],
  exported: { readonly model: TextModel; readonly head: HeadName },
  frame: Frame,
  signal?: AbortSignal,
): Promise<Float32Array[]> {
  const rows: Float32Array[] = [];
  const { head } = exported;
  const name = head === 'pooled' ? vectorOutput : heads[head].onnx.output;
  for (let from = 0; from < probes.length; from += batchSize) {
    await breathe(signal);
    const batch = probes.slice(from, from + batchSize);
    const output = defined((await model.run(paddedInputs(batch, exported.model, frame)))[name], name);
    batch.forEach((probe, i) => {
      rows.push(...rowsOf(probe, i, output, head));
    });
  }
  return rows;
}

/** @throws when there are not as many rows on both sides */
export function compareRows(
  trained: readonly Float32Array[],
  exported: readonly Float32Array[],
  head: HeadName,
): Agreement {
  if (trained.length !== exported.length) throw new Error('internal: rows of the two models do not match');
  let difference = 0;
  let magnitude = 0;
  let equal = 0;
  trained.forEach((row, n) => {
    const other = exported[n] as Float32Array;
    if (other.length !== row.length) difference = Number.NaN;
    for (let i = 0; i < row.length; i++) {
      const apart = Math.abs((row[i] as number) - (other[i] as number));
      if (apart > difference || Number.isNaN(apart)) difference = apart; // once not a number, it stays so
      magnitude = Math.max(magnitude, Math.abs(row[i] as number));
    }
    if (isSame(row, other, head)) equal++;
  });
  return {
    largestDifference: difference / (magnitude || 1),
    agreement: heads[head].reads === 'mean' || head === 'number' ? null : equal / Math.max(1, trained.length),
  };
}

/** Whether two rows tell the same word or label; of several labels, all of them by a probability of one half. */
function isSame(row: Float32Array, other: Float32Array, head: HeadName): boolean {
  if (head !== 'manyLabels') return argmax(row) === argmax(other);
  return row.every((logit, i) => logit >= 0 === (other[i] as number) >= 0);
}

function paddedInputs(batch: readonly Probe[], model: TextModel, frame: Frame): Record<string, HostTensor> {
  const width = Math.max(...batch.map(({ ids }) => ids.length)) + frame.size;
  const shape = [batch.length, width];
  const inputIds = new BigInt64Array(sizeOf(shape)).fill(BigInt(frame.pad));
  const mask = new BigInt64Array(inputIds.length);
  const types = new BigInt64Array(inputIds.length);
  batch.forEach(({ ids }, row) => {
    const seen = framedPair(frame, ids);
    inputIds.set(seen.ids.map(BigInt), row * width);
    types.set(seen.types.map(BigInt), row * width);
    mask.fill(1n, row * width, row * width + ids.length + frame.size);
  });
  const data: Readonly<Record<PipelineInput, BigInt64Array>> = {
    input_ids: inputIds,
    attention_mask: mask,
    token_type_ids: types,
  };
  return Object.fromEntries(model.pipelineInputs.map((name) => [name, { dtype: 'int64', shape, data: data[name] }]));
}

function rowsOf({ masks }: Probe, row: number, output: HostTensor<'float32'>, head: HeadName): Float32Array[] {
  const size = output.shape.at(-1) ?? 0;
  if (heads[head].reads !== 'chosen') return [output.data.slice(row * size, (row + 1) * size)];
  const first = row * (output.shape[1] ?? 0);
  return masks.map((position) => output.data.slice((first + position) * size, (first + position + 1) * size));
}
