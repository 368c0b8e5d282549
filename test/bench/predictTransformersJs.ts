import { readFileSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import { serveTurns } from './turns.ts';

/** The transformers.js side of predicting: a turn is all messages through its pipeline, a batch at a time. */
const options: Options = JSON.parse(process.argv[2] ?? '');
const { env, pipeline }: TransformersJs = await import(options.entry);
env.localModelPath = dirname(options.model);
env.allowRemoteModels = false;
const classify = await pipeline('text-classification', basename(options.model), {
  dtype: 'fp32',
  session_options: { intraOpNumThreads: options.threads },
});
const texts = readFileSync(options.messages, 'utf8')
  .split('\n')
  .filter((line) => line.trim() !== '');
await serveTurns(async () => {
  let messages = 0;
  for (let from = 0; from < texts.length; from += options.batch) {
    messages += (await classify(texts.slice(from, from + options.batch))).length;
  }
  return { messages };
});

interface Options {
  readonly model: string;
  readonly messages: string;
  readonly threads: number;
  readonly batch: number;
  /** The package's entry file. */
  readonly entry: string;
}

/** What is used of the package, which is no dependency. */
interface TransformersJs {
  readonly env: { localModelPath: string; allowRemoteModels: boolean };
  pipeline(task: string, model: string, options: object): Promise<(texts: string[]) => Promise<unknown[]>>;
}
