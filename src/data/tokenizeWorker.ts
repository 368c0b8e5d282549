/** The thread that tokenizes: takes texts, answers with typed arrays, in the order of the questions. */

import { parentPort, workerData } from 'node:worker_threads';
import { defined } from '../core/errors.ts';
import { openTokenizer } from '../text/tokenizer.ts';
import { tokenizeTexts } from './tokenizedTexts.ts';
import type { WorkerSetup } from './tokenizingThreads.ts';

const { files, cut }: WorkerSetup = workerData;
const tokenizer = openTokenizer('the tokenizer', (name) => files.get(name));
const port = defined(parentPort, 'the port of the tokenizing thread');

port.on('message', (texts: string[]) => {
  const result = tokenizeTexts(texts, tokenizer, cut);
  const { ids, starts, lengths, pieces, hashes } = result;
  port.postMessage(
    result,
    [ids, starts, lengths, pieces, hashes].map((array) => array.buffer),
  );
});
