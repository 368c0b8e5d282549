import { Message } from '../core/message.ts';
import type { JobHooks } from './types.ts';

/** Tells the hooks something in one line. */
export function note({ onEvent }: JobHooks, line: string | Message): void {
  onEvent?.({ type: 'note', text: String(line), ...(line instanceof Message ? { line } : {}) });
}

/** The part of a progress event that says what goes on. */
export function activity(line: Message) {
  return { activity: String(line), line } as const;
}
