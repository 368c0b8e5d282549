import { defined } from '../core/errors.ts';
import { breathe } from '../core/interrupt.ts';
import { randomBelow } from '../core/random.ts';
import { type HostTensor, sizeOf } from '../core/tensor.ts';
import type { OpenModel } from '../engine/onnx/openModel.ts';
import { type ExportTask, pipelineInputs, taskOutput } from '../hub/onnx/graph.ts';
import type { BertInference } from '../tasks/inference.ts';
import type { BertTokenizer } from '../text/tokenizer.ts';
import { argmax } from './classifier.ts';

/** A text to compare on: token ids without [CLS] and [SEP], and the places of its masks, [CLS] being 0. */
export interface Probe {
  readonly ids: readonly number[];
  readonly masks: readonly number[];
}

/** How far an exported model is from the trained one. */
export interface Agreement {
  /** Largest difference of two numbers, as a part of the largest number. */
  readonly largestDifference: number;
  /** Share of equal labels, or of equal words for a mask; null for vectors. */
  readonly agreement: number | null;
}

/** Texts that run together in an exported model. */
const batchSize = 8;

/** Texts of random tokens, with masks in those for fill-mask. */
export function randomProbes(count: number, longest: number, tokenizer: BertTokenizer, task: ExportTask): Probe[] {
  const { vocabularySize, specialIds } = tokenizer;
  return Array.from({ length: count }, (_, i) => {
    const length = 1 + randomBelow(longest - 2, 0, 'sample', i);
    const ids = Array.from({ length }, (_, j) => randomBelow(vocabularySize, 0, 'sample', i, j + 1));
    return masked(
      ids.filter((id) => !specialIds.has(id)),
      tokenizer,
      task,
    );
  });
}

/** A text as a probe. For fill-mask, every seventh token becomes a mask, the first one at least. */
export function masked(ids: readonly number[], tokenizer: BertTokenizer, task: ExportTask): Probe {
  if (task !== 'fill-mask') return { ids, masks: [] };
  const tokens = ids.length > 0 ? ids : [tokenizer.special.mask];
  const withMasks = tokens.map((id, i) => (i % 7 === 0 ? tokenizer.special.mask : id));
  return { ids: withMasks, masks: withMasks.flatMap((id, i) => (id === tokenizer.special.mask ? [i + 1] : [])) };
}

/** What the trained model says: logits of each label, logits of each mask, or the mean vector, a row each. */
export async function trainedRows(
  inference: BertInference,
  probes: readonly Probe[],
  task: ExportTask,
): Promise<Float32Array[]> {
  const sequences = probes.map(({ ids }) => ids);
  if (task === 'text-classification') return inference.classLogits(sequences);
  if (task === 'feature-extraction') return inference.vectors(sequences, 'mean');
  const rows = probes.map((): Float32Array[] => []);
  await inference.vocabularyLogits(
    probes.map(({ ids, masks }) => ({ ids, positions: masks })),
    (probe, _, logits) => rows[probe]?.push(logits.slice()),
  );
  return rows.flat();
}

/** The same from an exported model, in padded batches as pipelines make them. */
export async function exportedRows(
  model: OpenModel,
  probes: readonly Probe[],
  task: ExportTask,
  tokenizer: BertTokenizer,
  signal?: AbortSignal,
): Promise<Float32Array[]> {
  const rows: Float32Array[] = [];
  for (let from = 0; from < probes.length; from += batchSize) {
    await breathe(signal);
    const batch = probes.slice(from, from + batchSize);
    const output = defined((await model.run(paddedInputs(batch, tokenizer)))[taskOutput[task]], taskOutput[task]);
    batch.forEach((probe, i) => {
      rows.push(...rowsOf(probe, i, output, task));
    });
  }
  return rows;
}

/** @throws when there are not as many rows on both sides */
export function compareRows(
  trained: readonly Float32Array[],
  exported: readonly Float32Array[],
  task: ExportTask,
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
    if (argmax(row) === argmax(other)) equal++;
  });
  return {
    largestDifference: difference / (magnitude || 1),
    agreement: task === 'feature-extraction' ? null : equal / Math.max(1, trained.length),
  };
}

function paddedInputs(batch: readonly Probe[], { special }: BertTokenizer): Record<string, HostTensor> {
  const width = Math.max(...batch.map(({ ids }) => ids.length)) + 2;
  const shape = [batch.length, width];
  const inputIds = new BigInt64Array(sizeOf(shape)).fill(BigInt(special.pad));
  const mask = new BigInt64Array(inputIds.length);
  batch.forEach(({ ids }, row) => {
    inputIds.set([special.cls, ...ids, special.sep].map(BigInt), row * width);
    mask.fill(1n, row * width, row * width + ids.length + 2);
  });
  const data = [inputIds, mask, new BigInt64Array(inputIds.length)];
  return Object.fromEntries(
    pipelineInputs.map((name, i) => [name, { dtype: 'int64', shape, data: data[i] ?? new BigInt64Array() }]),
  );
}

function rowsOf({ ids, masks }: Probe, row: number, output: HostTensor<'float32'>, task: ExportTask): Float32Array[] {
  const size = output.shape.at(-1) ?? 0;
  if (task === 'text-classification') return [output.data.slice(row * size, (row + 1) * size)];
  const first = row * (output.shape[1] ?? 0);
  const token = (position: number) => output.data.subarray((first + position) * size, (first + position + 1) * size);
  if (task === 'fill-mask') return masks.map((position) => token(position).slice());
  const mean = new Float32Array(size);
  for (let position = 0; position < ids.length + 2; position++) {
    token(position).forEach((x, i) => {
      mean[i] = (mean[i] as number) + x / (ids.length + 2);
    });
  }
  return [mean];
}
