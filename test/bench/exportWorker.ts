import { basename, dirname } from 'node:path';
import { env, pipeline, type TextClassificationPipeline } from '@huggingface/transformers';
import { readLabeledSet } from '../../src/data/labels.ts';
import { serveTurns } from './turns.ts';

/** One exported model in the pipeline of transformers.js: a turn is all texts through it, a batch at a time. */
const options: Options = JSON.parse(process.argv[2] ?? '');
env.localModelPath = dirname(options.model);
env.allowRemoteModels = false;
const classify: TextClassificationPipeline = await pipeline('text-classification', basename(options.model), {
  dtype: options.dtype,
  session_options: { intraOpNumThreads: options.threads },
});
const { texts, labels } = await readLabeledSet({ files: [options.test], labelColumn: 'category', flag: '--data' });
await serveTurns(async () => {
  let correct = 0;
  for (let from = 0; from < texts.length; from += options.batch) {
    const found = (await classify(texts.slice(from, from + options.batch))).flat();
    correct += found.filter(({ label }, i) => label === labels[from + i]).length;
  }
  return { messages: texts.length, correct };
});

interface Options {
  readonly model: string;
  readonly dtype: 'fp32' | 'fp16' | 'q8';
  /** Labeled texts, CSV. */
  readonly test: string;
  readonly threads: number;
  readonly batch: number;
}
