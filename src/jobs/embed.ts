import { alone } from '../core/collective.ts';
import { checkVectorPath, type VectorRow, writeVectors } from '../data/vectors.ts';
import type { OptionsOf } from '../settings/options.ts';
import { resolve } from '../settings/resolve.ts';
import { loadModel } from './model.ts';
import { checkNotInput, itemsOf, textsProgress } from './predict.ts';
import { checkAllRead, madeOf, writtenByFirst } from './sharedChunks.ts';
import type { JobHooks, LoadedModel } from './types.ts';

/** Its `output` is a `.parquet` or `.jsonl` file. */
export interface EmbedOptions extends OptionsOf<'embed'> {}

export interface EmbedResult {
  readonly count: number;
  readonly dimensions: number;
  readonly output: string;
}

/**
 * Writes one vector for each text, as the folder of a sentence encoder says, else the mean of its tokens' hidden states.
 * Throws UsageError for paths, columns or an ending to change.
 */
export async function embed(options: EmbedOptions, hooks: JobHooks = {}): Promise<EmbedResult> {
  const { model: path, threads, device, maxLength, int8, offline } = resolve('embed', options);
  await checkVectorPath(options.output);
  checkNotInput(options.output, options.input);
  checkAllRead(hooks.collective ?? alone, options.input);
  const onNote = (text: string) => hooks.onEvent?.({ type: 'note', text });
  const { onEvent, signal } = hooks;
  const model = await loadModel(path, { threads, device, maxLength, int8, offline, onNote, onEvent, signal });
  let dimensions = 0;
  const rows = vectorRows(model, options, hooks, (length) => {
    dimensions = length;
  });
  try {
    return await writtenByFirst(hooks.collective ?? alone, rows, async () => {
      const count = await writeVectors(options.output, rows);
      return { count, dimensions, output: options.output };
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
): AsyncGenerator<VectorRow> {
  let progress = textsProgress('embedding texts', undefined, hooks);
  const onTotal = (total: number) => {
    progress = textsProgress('embedding texts', total, hooks);
  };
  const { collective = alone } = hooks;
  const asked = { pooling, prompt, promptText, truncateDimensions };
  // As numbers that can be sent; those of one process are the vectors themselves.
  const embedded = async (texts: string[]): Promise<ArrayLike<number>[]> => {
    const vectors = await model.embed(texts, asked);
    return collective.size === 1 ? vectors : vectors.map((vector) => [...vector]);
  };
  for await (const { items, results } of madeOf(collective, itemsOf({ input, output }, hooks, onTotal), embedded)) {
    for (const [i, item] of items.entries()) {
      const vector = Float32Array.from(results[i] ?? []);
      onDimensions(vector.length);
      yield { ...item, vector };
    }
    progress.add(items.length);
  }
  progress.finish();
}
