import { UsageError } from '../core/errors.ts';
import { errorCode } from '../core/files.ts';
import { say, setting } from '../core/message.ts';
import { type FoundModel, findModel } from '../jobs/findModel.ts';
import type { JobHooks } from '../jobs/types.ts';
import type { OptionsOf, Resolved } from '../settings/options.ts';
import { resolve } from '../settings/resolve.ts';
import { type ModelThread, startModel } from './modelThread.ts';
import { modelNames } from './names.ts';
import type { ModelInfo } from './protocol.ts';

export interface ServerOptions extends OptionsOf<'serve'> {}

/** A server that listens. */
export interface Server {
  readonly url: string;
  readonly port: number;
  readonly models: readonly ModelInfo[];
  /** Stops listening, answers what is under way, and frees the models. */
  close(): Promise<void>;
}

/**
 * Serves models over HTTP: `POST /predict`, `POST /fill-mask` and `POST /embed`, vectors in the shape of OpenAI's API too, a
 * page to try them, health, metrics and a description.
 * Each model computes in a thread of its own; requests that arrive together are computed together.
 *
 * @throws UsageError for a model that is not there or a port that is taken; BertuneError for one that cannot be served
 */
export async function createServer(options: ServerOptions, hooks: JobHooks = {}): Promise<Server> {
  const settings = resolve('serve', options);
  const { port, host } = settings;
  const threads = await startModels(settings, hooks);
  const closeModels = async () => {
    await Promise.all(threads.map((thread) => thread.close()));
  };
  try {
    for (const text of threads.flatMap(({ notes }) => notes)) hooks.onEvent?.({ type: 'note', text });
    const { createApp } = await import('./app.ts'); // with the HTTP library, which the other commands do without
    const { app, served } = await createApp(threads, settings);
    const url = await app.listen({ port, host }).catch((error: unknown) => {
      throw listenError(error, host, port);
    });
    return {
      url,
      port: Number(new URL(url).port || 80),
      models: threads.map(({ info }) => info),
      async close() {
        const closed = app.close();
        const drained = () => Promise.all(served.map(({ batcher }) => batcher.drained()));
        await Promise.all([drained(), ...served.map(({ explainer }) => explainer.close(graceMs))]);
        // A caller that sends the rest of its request never, or does not read its answer, is not waited for.
        const tooLate = setTimeout(() => app.server.closeAllConnections(), graceMs);
        await closed;
        clearTimeout(tooLate);
        await drained();
        await closeModels();
      },
    };
  } catch (error) {
    await closeModels();
    throw error;
  }
}

/** Time for requests that are half sent, answers half read, and texts half explained, when the server stops. */
const graceMs = 2000;

/** The models in their threads; when one fails, none stays. */
async function startModels({ models, ...options }: Resolved<'serve'>, hooks: JobHooks): Promise<ModelThread[]> {
  const names = modelNames(models);
  const found: FoundModel[] = [];
  for (const model of models) found.push(await findModel(model, options, hooks));
  const { threads, device, maxLength, int8 } = options;
  const { abstain, mostWrong, confidence, answered, costs, coverage, sets } = options;
  const trusted = { abstain, mostWrong, confidence, answered, costs, coverage, sets };
  const started = await Promise.allSettled(
    found.map((model, i) =>
      startModel({ model, name: names[i] ?? model.name, threads, device, maxLength, int8, trusted }),
    ),
  );
  const failed = started.find((outcome) => outcome.status === 'rejected');
  const running = started.flatMap((outcome) => (outcome.status === 'fulfilled' ? [outcome.value] : []));
  if (!failed) return running;
  await Promise.all(running.map((thread) => thread.close()));
  throw failed.reason;
}

function listenError(error: unknown, host: string, port: number): unknown {
  switch (errorCode(error)) {
    case 'EADDRINUSE':
      return new UsageError(
        say`port ${port} of ${host} is taken; choose another with ${setting('port')}, or 0 for any free one`,
      );
    case 'EACCES':
      return new UsageError(say`port ${port} may not be listened on; choose one above 1023 with ${setting('port')}`);
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return new UsageError(say`${host} is no address of this machine; choose another with ${setting('host')}`);
    default:
      return error;
  }
}
