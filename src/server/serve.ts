import type { JobHooks } from '../jobs/types.ts';
import { createServer, type Server, type ServerOptions } from './server.ts';

/**
 * Serves models until the hooks' signal is aborted; then what is under way is answered and the models are freed.
 *
 * @param onListening hears once the server takes requests
 * @throws what `createServer` throws
 */
export async function serve(
  options: ServerOptions,
  hooks: JobHooks = {},
  onListening: (server: Server) => void | Promise<void> = () => {},
): Promise<void> {
  const server = await createServer(options, hooks);
  try {
    await onListening(server);
    await aborted(hooks.signal);
  } finally {
    await server.close();
  }
}

function aborted(signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve) => {
    if (signal?.aborted) resolve();
    else signal?.addEventListener('abort', () => resolve(), { once: true });
  });
}
