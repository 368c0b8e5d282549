import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { JobEvent, JobHooks } from '../../src/jobs/types.ts';

/** Hooks that keep what is said; with `stopAfter`, they ask the run to stop after that step. */
export function listening(stopAfter?: number): JobHooks & { events: JobEvent[]; notes(): string[] } {
  const events: JobEvent[] = [];
  const controller = new AbortController();
  return {
    events,
    notes: () => events.flatMap((event) => (event.type === 'note' ? [event.text] : [])),
    signal: controller.signal,
    onEvent(event) {
      events.push(event);
      if (event.type === 'step' && event.step === stopAfter) controller.abort();
    },
  };
}

/** Lines of a run's metrics without what a clock decides. */
export function metricsOf(output: string): object[] {
  return readFileSync(join(output, 'metrics.jsonl'), 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => ({ ...JSON.parse(line), unitsPerSecond: undefined }));
}

export function weightsOf(output: string): Buffer {
  return readFileSync(join(output, 'model.safetensors'));
}

/** Names in a run's checkpoint folder. */
export function checkpointsOf(output: string): string[] {
  return readdirSync(join(output, 'checkpoints')).sort();
}

export function readJson(...path: string[]): Record<string, unknown> {
  return JSON.parse(readFileSync(join(...path), 'utf8'));
}
