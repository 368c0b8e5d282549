import { setImmediate } from 'node:timers/promises';
import { UsageError } from '../core/errors.ts';
import { say, setting } from '../core/message.ts';
import { openRecords } from '../data/records.ts';
import type { OptionsOf } from '../settings/options.ts';
import { resolve } from '../settings/resolve.ts';
import { invalidUtf8Notes } from './dataNotes.ts';
import { loadModel } from './model.ts';
import { note } from './note.ts';
import type { JobHooks, Prediction } from './types.ts';

export interface PredictOptions extends OptionsOf<'predict'> {}

interface Item {
  readonly id?: string | number;
  readonly text: string;
}

/** Texts that are classified together. */
const chunk = 4096;

/**
 * Labels texts, in their order, streaming.
 *
 * @throws UsageError for a model without a classifier, or paths or columns to change
 */
export async function* predict(options: PredictOptions, hooks: JobHooks = {}): AsyncGenerator<Prediction> {
  const onNote = (text: string) => hooks.onEvent?.({ type: 'note', text });
  const { model: path, threads, maxLength, int8, offline } = resolve('predict', options);
  const { onEvent, signal } = hooks;
  const model = await loadModel(path, { threads, maxLength, int8, offline, onNote, onEvent, signal });
  try {
    for await (const items of chunksOf(itemsOf(options, hooks))) {
      const predictions = await model.classify(items.map(({ text }) => text));
      for (const [i, { label, score }] of predictions.entries()) yield { ...(items[i] as Item), label, score };
    }
  } finally {
    await model.dispose();
  }
}

/** The texts of a job's input with their ids. */
export async function* itemsOf(
  { input, stdin }: Pick<PredictOptions, 'input' | 'stdin'>,
  hooks: JobHooks = {},
): AsyncGenerator<Item> {
  if (!input) {
    if (!stdin) throw new UsageError(say`no texts: give ${setting('input')} FILE or lines on standard input`);
    for await (const text of stdin) yield { text };
    return;
  }
  const flag = setting('input');
  const records = await openRecords({ ...input, flag, onNote: (line) => note(hooks, line) });
  for (const line of invalidUtf8Notes(records.invalidUtf8, flag)) note(hooks, line);
  try {
    for await (const batch of records.batches()) {
      for (const { id, text } of batch) yield id === undefined ? { text } : { id, text };
    }
  } finally {
    await records.close();
  }
}

/** Items gathered into lists of up to `chunk`; a list does not wait for an item that is yet to come. */
export async function* chunksOf<T>(items: AsyncIterable<T>): AsyncGenerator<T[]> {
  const iterator = items[Symbol.asyncIterator]();
  let gathered: T[] = [];
  let coming = iterator.next();
  try {
    for (;;) {
      const next = gathered.length > 0 ? await Promise.race([coming, setImmediate('not yet' as const)]) : await coming;
      const isYetToCome = next === 'not yet';
      if (!isYetToCome && next.done) break;
      if (!isYetToCome) {
        gathered.push(next.value);
        coming = iterator.next();
      }
      if (isYetToCome || gathered.length === chunk) {
        yield gathered;
        gathered = [];
      }
    }
    if (gathered.length > 0) yield gathered;
  } finally {
    coming.catch(() => {}); // nobody waits for it any more
    await iterator.return?.();
  }
}
