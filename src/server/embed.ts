import type { FastifyInstance, FastifyReply } from 'fastify';
import { embedAnswer, errorAnswer } from './answerSchemas.ts';
import { RequestError } from './answers.ts';
import type { EmbedAnswer, VectorOptions } from './protocol.ts';
import { type EmbedBody, embedSchema, type ServerLimits } from './requestSchemas.ts';
import { ask, chooseModel, type ServedModels } from './served.ts';

/** `POST /embed`: one vector a text. */
export function addEmbedRoute(app: FastifyInstance, served: ServedModels, limits: ServerLimits): void {
  const errors = { 400: errorAnswer, 404: errorAnswer, 413: errorAnswer, 415: errorAnswer, 503: errorAnswer };
  app.post<{ Body: EmbedBody }>(
    '/embed',
    {
      schema: {
        ...{ summary: 'Makes a vector of each text', operationId: 'embed', body: embedSchema(limits) },
        response: { 200: embedAnswer, ...errors },
      },
    },
    async ({ body }, reply) => {
      const { prompt, promptText, truncateDimensions } = body;
      const vectors = { prompt, promptText, truncateDimensions };
      const { name, answers } = await askVectors(served, reply, body, vectors, 'truncateDimensions');
      const embeddings = answers.map(({ vector }) => Array.from(vector));
      return { model: name, dimensions: embeddings[0]?.length ?? 0, embeddings };
    },
  );
}

/**
 * The vectors of a request's texts.
 *
 * @param sizeKey what the request calls the numbers that are kept
 * @throws RequestError for a model or a prompt that is not there, or more numbers than a vector has
 */
export async function askVectors(
  served: ServedModels,
  reply: FastifyReply,
  { model, texts }: { readonly model?: string; readonly texts: readonly string[] },
  vectors: VectorOptions,
  sizeKey: string,
): Promise<{ name: string; answers: readonly EmbedAnswer[] }> {
  const chosen = chooseModel(model, 'embed', served);
  const { name, mostDimensions: most, prompts } = chosen.thread.info;
  const { prompt, promptText, truncateDimensions: size } = vectors;
  if (size !== undefined && size > most) {
    throw new RequestError(400, `${sizeKey} ${size} is over the ${most} numbers of a vector of ${name}`, sizeKey);
  }
  if (prompt !== undefined && !prompts.includes(prompt)) {
    const known = prompts.length > 0 ? `it has ${prompts.join(', ')}` : 'it has none';
    throw new RequestError(400, `${name} has no prompt ${JSON.stringify(prompt)}: ${known}`, 'prompt');
  }
  if (prompt !== undefined && promptText !== undefined) {
    throw new RequestError(400, 'give prompt or promptText, not both', 'promptText');
  }
  // No text is what an empty one is.
  const asked = promptText === '' ? { ...vectors, promptText: false as const } : vectors;
  return ask(chosen, reply, 'embed', { texts, vectors: asked });
}
