import { basename, dirname } from 'node:path';
import { env, pipeline } from '@huggingface/transformers';
import Fastify from 'fastify';

/** The other side of bench:serve: what one writes first, a pipeline behind a route. */
const { folder, threads }: { folder: string; threads: number } = JSON.parse(process.argv[2] ?? '');
env.localModelPath = dirname(folder);
env.allowRemoteModels = false;
const classify = await pipeline('text-classification', basename(folder), {
  dtype: 'fp32',
  session_options: { intraOpNumThreads: threads },
});
const app = Fastify();
app.post<{ Body: { texts: string[] } }>('/predict', async ({ body }) => ({ predictions: await classify(body.texts) }));
const url = await app.listen({ port: 0, host: '127.0.0.1' });
process.stdout.write(`${JSON.stringify({ url })}\n`);
process.on('SIGTERM', () => process.exit(0));
