import type { FastifyError, FastifyInstance, FastifyReply } from 'fastify';
import { embeddingsAnswer, modelAnswer, modelsAnswer, openAiErrorAnswer } from './answerSchemas.ts';
import { type ErrorShape, RequestError, sendError } from './answers.ts';
import { askVectors } from './embed.ts';
import { type EmbeddingsBody, embeddingsSchema, type ServerLimits } from './requestSchemas.ts';
import type { ServedModels } from './served.ts';

/** Errors as clients of OpenAI's API read them. */
export const openAiErrors: ErrorShape = {
  example: '{"input": ["..."], "model": "..."}',
  body: (status, message, param) => ({
    error: {
      ...{ message, param },
      type: status >= 500 ? 'server_error' : 'invalid_request_error',
      code: status === 404 && param === 'model' ? 'model_not_found' : status === 503 ? 'overloaded' : null,
    },
  }),
};

/**
 * The embeddings and models of OpenAI's API (https://platform.openai.com/docs/api-reference/embeddings), which tools for
 * retrieval speak. A name that is no model's is an error there, too: vectors of another model than was asked for would
 * fit none that are stored.
 */
export function addOpenAiRoutes(app: FastifyInstance, served: ServedModels, limits: ServerLimits): void {
  const errors = {
    ...{ 400: openAiErrorAnswer, 404: openAiErrorAnswer, 413: openAiErrorAnswer },
    ...{ 415: openAiErrorAnswer, 503: openAiErrorAnswer },
  };
  const errorHandler = (error: FastifyError, _: unknown, reply: FastifyReply) =>
    sendError(error, limits, reply, openAiErrors);
  app.post<{ Body: EmbeddingsBody }>(
    '/v1/embeddings',
    {
      errorHandler,
      schema: {
        ...{ summary: "Makes a vector of each text, in the shape of OpenAI's API", operationId: 'embeddings' },
        ...{ body: embeddingsSchema(limits), response: { 200: embeddingsAnswer, ...errors } },
      },
    },
    async ({ body }, reply) => {
      const { model, input, encoding_format: format, dimensions, prompt, promptText } = body;
      const asked = { model, texts: typeof input === 'string' ? [input] : input };
      const vectors = { prompt, promptText, truncateDimensions: dimensions };
      const { name, answers } = await askVectors(served, reply, asked, vectors, 'dimensions');
      const written = format === 'base64' ? base64Of : (vector: Float32Array) => Array.from(vector);
      const tokens = answers.reduce((sum, answer) => sum + answer.tokens, 0);
      return {
        object: 'list',
        data: answers.map(({ vector }, index) => ({ object: 'embedding', index, embedding: written(vector) })),
        model: name,
        usage: { prompt_tokens: tokens, total_tokens: tokens },
      };
    },
  );
  const created = Math.floor(Date.now() / 1000);
  const listed = (id: string) => ({ id, object: 'model', created, owned_by: 'bertune' });
  const able = () =>
    [...served.values()].flatMap(({ thread: { info } }) => (info.tasks.includes('embed') ? info.name : []));
  const models = { summary: 'The models that make vectors', operationId: 'models', response: { 200: modelsAnswer } };
  app.get('/v1/models', { schema: models }, async () => ({ object: 'list', data: able().map(listed) }));
  const one = { summary: 'One of the models', operationId: 'model', response: { 200: modelAnswer, ...errors } };
  // A name may have slashes.
  app.get<{ Params: { '*': string } }>('/v1/models/*', { schema: one, errorHandler }, async ({ params }) => {
    const id = params['*'];
    if (served.has(id)) return listed(id);
    const known = [...served.keys()].join(', ');
    throw new RequestError(404, `no model ${JSON.stringify(id)} here; there is ${known}`, 'model');
  });
}

/** The bytes of the numbers, little-endian on every machine. */
function base64Of(vector: Float32Array): string {
  const bytes = Buffer.alloc(4 * vector.length);
  for (const [i, value] of vector.entries()) bytes.writeFloatLE(value, 4 * i);
  return bytes.toString('base64');
}
