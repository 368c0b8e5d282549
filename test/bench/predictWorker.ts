import { predict } from '../../src/jobs/predict.ts';
import { serveTurns } from './turns.ts';

/** bertune's side of predicting: a turn is all of the `predict` job, which loads the model, too. */
const options: { model: string; messages: string; threads: number; maxLength: number; int8?: boolean } = JSON.parse(
  process.argv[2] ?? '',
);
const { model, messages: file, threads, maxLength, int8 } = options;
await serveTurns(async () => {
  let messages = 0;
  for await (const _ of predict({ model, input: { files: [file] }, threads, maxLength, int8 })) messages++;
  return { messages };
});
