import { checkVectorPath, type VectorRow, writeVectors } from '../data/vectors.ts';
import { loadModel } from './model.ts';
import { chunksOf, itemsOf } from './predict.ts';
import type { DataOptions, HubOptions, JobHooks, LoadedModel } from './types.ts';

export interface EmbedOptions extends HubOptions {
  readonly model: string;
  readonly input: DataOptions;
  /** A `.parquet` or `.jsonl` file. */
  readonly output: string;
  readonly pooling?: 'mean' | 'cls';
  readonly maxLength?: number;
  readonly threads?: number;
  /** Compute with int8 weights: about 1.5 times as fast, with slightly other vectors. */
  readonly int8?: boolean;
}

export interface EmbedResult {
  readonly count: number;
  readonly dimensions: number;
  readonly output: string;
}

/**
 * Writes one vector [hiddenSize] for each text. Throws UsageError for paths, columns or an ending to change.
 */
export async function embed(options: EmbedOptions, hooks: JobHooks = {}): Promise<EmbedResult> {
  checkVectorPath(options.output);
  const onNote = (text: string) => hooks.onEvent?.({ type: 'note', text });
  const { threads, maxLength, int8, offline } = options;
  const model = await loadModel(options.model, { threads, maxLength, int8, offline, onNote, ...hooks });
  let dimensions = 0;
  const rows = vectorRows(model, options, (length) => {
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
  { input, pooling }: EmbedOptions,
  onDimensions: (length: number) => void,
): AsyncGenerator<VectorRow> {
  for await (const items of chunksOf(itemsOf({ input }))) {
    const vectors = await model.embed(
      items.map(({ text }) => text),
      { pooling },
    );
    for (const [i, item] of items.entries()) {
      const vector = vectors[i] as Float32Array;
      onDimensions(vector.length);
      yield { ...item, vector };
    }
  }
}
