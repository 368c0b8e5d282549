import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { adapt } from '../../src/jobs/adapt.ts';
import type { AdaptOptions } from '../../src/jobs/types.ts';
import { tell, waitForTurn } from './turns.ts';

/**
 * bertune's side of what is measured on the real `adapt`: a turn is one step of the job, which is held between its
 * steps. The first step is over when the side says that it is ready.
 */
const { meanTokens, ...options }: AdaptWorkerOptions = JSON.parse(process.argv[2] ?? '');
let started = performance.now();
await adapt(options, {
  onEvent(event) {
    if (event.type !== 'step') return;
    const tokens = lastUnits(join(options.output, 'metrics.jsonl'));
    const messages = tokens / meanTokens;
    tell({ seconds: (performance.now() - started) / 1000, loss: event.loss, tokens, messages });
    waitForTurn();
    started = performance.now();
  },
});

export interface AdaptWorkerOptions extends AdaptOptions {
  /** Tokens of a message, [CLS] and [SEP] included: what turns a step's tokens into messages. */
  readonly meanTokens: number;
}

/** Real tokens of the last step in a run's metrics. */
function lastUnits(path: string): number {
  const last = readFileSync(path, 'utf8').trimEnd().split('\n').at(-1) ?? '';
  return (JSON.parse(last) as { units: number }).units;
}
