import { checkVectorPath, type VectorRow, writeVectors } from '../data/vectors.ts';
import type { OptionsOf } from '../settings/options.ts';
import { resolve } from '../settings/resolve.ts';
import { loadModel } from './model.ts';
import { checkNotInput, chunksOf, itemsOf, textsProgress } from './predict.ts';
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
  const onNote = (text: string) => hooks.onEvent?.({ type: 'note', text });
  const { onEvent, signal } = hooks;
  const model = await loadModel(path, { threads, device, maxLength, int8, offline, onNote, onEvent, signal });
  let dimensions = 0;
  const rows = vectorRows(model, options, hooks, (length) => {
    dimensions = length;
  });
  try {
    const count = await writeVectors(options.output, rows);
    return { count, dimensions, output: options.output };
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
  for await (const items of chunksOf(itemsOf({ input, output }, hooks, onTotal))) {
    const vectors = await model.embed(
      items.map(({ text }) => text),
      { pooling, prompt, promptText, truncateDimensions },
    );
    for (const [i, item] of items.entries()) {
      const vector = vectors[i] as Float32Array;
      onDimensions(vector.length);
      yield { ...item, vector };
    }
    progress.add(items.length);
  }
  progress.finish();
}
