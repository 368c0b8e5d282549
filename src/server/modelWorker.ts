/** The thread that holds a model: takes batches and what is to be explained, answers each by its number. */

import { parentPort, workerData } from 'node:worker_threads';
import { defined, lineOf, messageOf, UsageError } from '../core/errors.ts';
import { createRunner } from './modelRunner.ts';
import type { FromThread, ModelSetup, Outcome, ToThread } from './protocol.ts';

const setup: ModelSetup = workerData;
const port = defined(parentPort, 'the port of the model thread');
const tell = (message: FromThread) => port.postMessage(message);

try {
  const runner = await createRunner(setup);
  const explaining = new Map<number, AbortController>();
  const handle = async (message: ToThread): Promise<void> => {
    if (message === 'close') {
      await runner.close();
      port.close();
    } else if ('stop' in message) {
      explaining.get(message.stop)?.abort();
    } else if ('explain' in message) {
      const { id, explain } = message;
      const wanted = new AbortController();
      explaining.set(id, wanted);
      tell({ id, explained: await runner.explain(explain, wanted.signal) });
      explaining.delete(id);
    } else {
      const { id, batch } = message;
      tell({ id, outcomes: await runner.run(batch).catch((error) => batch.questions.map(() => failed(error))) });
    }
  };
  port.on('message', (message: ToThread) => void handle(message));
  tell({ ready: runner.info, notes: runner.notes });
} catch (error) {
  tell({ failed: lineOf(error).parts, isUsage: error instanceof UsageError });
  port.close();
}

function failed(error: unknown): Outcome {
  return { error: messageOf(error), isCallers: false };
}
