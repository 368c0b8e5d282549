import { setting } from '../core/message.ts';
import { checkVectorPath, type VectorRow, writeVectors } from '../data/vectors.ts';
import { resolve } from '../settings/resolve.ts';
import type { EmbedResult } from './embed.ts';
import { featureParts, openForModel, openInference } from './imageFeatures.ts';
import type { EmbedImagesOptions } from './imageUseTypes.ts';
import { openEngine } from './openEngine.ts';
import type { JobHooks } from './types.ts';

/**
 * Writes the features of each image: its number from 1 as id, the name of its class, if it has one, as label.
 *
 * @throws UsageError for paths or an ending to change; BertuneError for images or weights that cannot be used
 */
export async function embedImages(options: EmbedImagesOptions, hooks: JobHooks = {}): Promise<EmbedResult> {
  const settings = resolve('embedImages', options);
  await checkVectorPath(options.output);
  const { engine } = await openEngine(settings, hooks);
  const { model, inference } = await openInference(engine, options.model, hooks);
  const store = await openForModel(options.data, setting('data'), model.config, options, hooks);
  let dimensions = 0;
  async function* rows(): AsyncGenerator<VectorRow> {
    const all = Array.from({ length: store.length }, (_, i) => i);
    for await (const { examples, features } of featureParts(inference, store, all)) {
      dimensions = features.size;
      hooks.onEvent?.({ type: 'progress', activity: 'images', done: examples[0] ?? 0, total: all.length });
      for (const [i, example] of examples.entries()) {
        const label = store.classes?.[store.labelOf(example) ?? -1];
        const vector = features.data.subarray(i * dimensions, (i + 1) * dimensions);
        yield { id: example + 1, ...(label === undefined ? {} : { label }), vector };
      }
    }
  }
  try {
    const count = await writeVectors(options.output, rows(), hooks.signal);
    return { count, dimensions, output: options.output };
  } finally {
    store.close();
    await inference.dispose();
  }
}
