import type { Terminal } from './command.ts';

/**
 * Runs `work` with a signal that the first Ctrl-C (or SIGTERM) aborts, so that it can save and stop; the second one
 * ends the process at once.
 */
export async function interruptible<T>(
  terminal: Pick<Terminal, 'signals' | 'exit'>,
  onFirst: () => void,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const controller = new AbortController();
  const listener = () => {
    if (controller.signal.aborted) {
      terminal.exit(130);
    } else {
      onFirst();
      controller.abort();
    }
  };
  terminal.signals.on('SIGINT', listener);
  terminal.signals.on('SIGTERM', listener);
  try {
    return await work(controller.signal);
  } finally {
    terminal.signals.off('SIGINT', listener);
    terminal.signals.off('SIGTERM', listener);
  }
}
