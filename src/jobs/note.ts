import { Message } from '../core/message.ts';
import type { OnFetch } from '../data/remoteCopies.ts';
import type { JobHooks } from './types.ts';

/** Tells the hooks something in one line. */
export function note({ onEvent }: JobHooks, line: string | Message): void {
  onEvent?.({ type: 'note', text: String(line), ...(line instanceof Message ? { line } : {}) });
}

/** Milliseconds between two reports of one file's fetching. */
const reportEvery = 250;

/** What tells how far the fetching of files of data is, where it takes a while. */
export function fetching({ onEvent }: JobHooks): OnFetch {
  let last = performance.now();
  return (name, done, total) => {
    if (performance.now() - last < reportEvery) return;
    last = performance.now();
    onEvent?.({ type: 'progress', activity: `fetching ${name}`, done, ...(total === undefined ? {} : { total }) });
  };
}

/** The part of a progress event that says what goes on. */
export function activity(line: Message) {
  return { activity: String(line), line } as const;
}
