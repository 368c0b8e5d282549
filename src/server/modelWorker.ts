/** The thread that holds a model: takes batches, answers in the order of the questions. */

import { parentPort, workerData } from 'node:worker_threads';
import { defined, lineOf, messageOf, UsageError } from '../core/errors.ts';
import { createRunner } from './modelRunner.ts';
import type { FromThread, ModelSetup, ToThread } from './protocol.ts';

const setup: ModelSetup = workerData;
const port = defined(parentPort, 'the port of the model thread');
const tell = (message: FromThread) => port.postMessage(message);

try {
  const runner = await createRunner(setup);
  port.on('message', async (message: ToThread) => {
    if (message === 'close') {
      await runner.close();
      port.close();
      return;
    }
    try {
      tell({ outcomes: await runner.run(message) });
    } catch (error) {
      tell({ outcomes: message.questions.map(() => ({ error: messageOf(error), isCallers: false })) });
    }
  });
  tell({ ready: runner.info, notes: runner.notes });
} catch (error) {
  tell({ failed: lineOf(error).parts, isUsage: error instanceof UsageError });
  port.close();
}
