import { alone } from '../core/collective.ts';
import { UsageError } from '../core/errors.ts';
import { say, setting } from '../core/message.ts';
import { checkVectorPath, type VectorRow, vectorCells, vectorColumns, writeVectors } from '../data/vectors.ts';
import type { OptionsOf } from '../settings/options.ts';
import { resolve } from '../settings/resolve.ts';
import { findModel } from './findModel.ts';
import { openModel } from './model.ts';
import { refuseOtherModel } from './modelDigest.ts';
import { checkNotInput, type Item, itemsOf, textsProgress } from './predict.ts';
import { refuseOtherStart } from './sameEverywhere.ts';
import { beginPart, partName } from './shardedOutput.ts';
import { type Shard, shardFor, takenBy } from './shards.ts';
import { checkAllRead, madeOf, writtenByFirst } from './sharedChunks.ts';
import type { JobHooks, LoadedModel } from './types.ts';

/** Its `output` is a `.parquet` or `.jsonl` file. */
export interface EmbedOptions extends OptionsOf<'embed'> {}

export interface EmbedResult {
  readonly count: number;
  readonly dimensions: number;
  /** The file, or with `shard` that of the part. */
  readonly output: string;
}

/**
 * Writes one vector for each text, as the folder of a sentence encoder says, else the mean of its tokens' hidden states.
 * Throws UsageError for paths, columns or an ending to change.
 */
export async function embed(options: EmbedOptions, hooks: JobHooks = {}): Promise<EmbedResult> {
  const all = resolve('embed', options);
  const { model: path, threads, device, maxLength, int8, offline } = all;
  await checkVectorPath(options.output);
  checkNotInput(options.output, options.input);
  if (options.input.pairColumn !== undefined)
    throw new UsageError(say`a vector is that of one text; leave out ${setting('pairColumn')}`);
  const { collective = alone, onEvent, signal } = hooks;
  await refuseOtherStart(collective, { command: 'embed', settings: all });
  checkAllRead(collective, options.input);
  const shard = shardFor(options.shard, collective);
  const onNote = (text: string) => onEvent?.({ type: 'note', text });
  const found = await findModel(path, { offline }, hooks);
  await refuseOtherModel(collective, found);
  const { pooling, prompt, promptText, truncateDimensions, input, output } = options;
  const settings = { maxLength, int8, pooling, prompt, promptText, truncateDimensions };
  const part = shard && (await beginPart({ job: 'embed', output, shard, input, model: found, settings }, hooks));
  const written = shard ? partName(output, shard) : output;
  if (typeof part === 'number') return { count: part, dimensions: 0, output: written };
  const using = { threads, device, maxLength, int8, offline, onNote, onEvent, signal };
  const model = await openModel(found, using, collective);
  let dimensions = 0;
  const onDimensions = (length: number) => {
    dimensions = length;
  };
  const rows = vectorRows(model, options, hooks, onDimensions, shard, ({ text, id }) =>
    part?.onRow(text, [id ?? null]),
  );
  try {
    return await writtenByFirst(collective, rows, async () => {
      const count = await (part ? part.write(vectorColumns, vectorCells(rows)) : writeVectors(output, rows, signal));
      return { count, dimensions, output: written };
    });
  } finally {
    await model.dispose();
  }
}

async function* vectorRows(
  model: LoadedModel,
  { input, output, pooling, prompt, promptText, truncateDimensions }: EmbedOptions,
  hooks: JobHooks,
  onDimensions: (length: number) => void,
  shard: Shard | undefined,
  onItem: (item: Item) => void,
): AsyncGenerator<VectorRow> {
  let progress = textsProgress('embedding texts', undefined, hooks);
  const onTotal = (total: number) => {
    progress = textsProgress('embedding texts', Math.ceil(total / (shard?.of ?? 1)), hooks);
  };
  const { collective = alone } = hooks;
  const asked = { pooling, prompt, promptText, truncateDimensions };
  // As numbers that can be sent; those of one process are the vectors themselves.
  const embedded = async (texts: string[]): Promise<ArrayLike<number>[]> => {
    const vectors = await model.embed(texts, asked);
    return collective.size === 1 ? vectors : vectors.map((vector) => [...vector]);
  };
  const lists = takenBy(itemsOf({ input, output }, hooks, onTotal), shard, onItem);
  for await (const { items, results } of madeOf(collective, lists, embedded)) {
    for (const [i, item] of items.entries()) {
      const vector = Float32Array.from(results[i] ?? []);
      onDimensions(vector.length);
      yield { ...item, vector };
    }
    progress.add(items.length);
  }
  progress.finish();
}
