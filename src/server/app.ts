import swagger from '@fastify/swagger';
import Fastify, { type FastifyError, type FastifyInstance } from 'fastify';
import { anyMask } from '../jobs/anyMask.ts';
import { asTexts } from '../jobs/pairsOfTexts.ts';
import { packageVersions } from '../jobs/versions.ts';
import { errorAnswer, fillMaskAnswer, healthAnswer, predictAnswer } from './answerSchemas.ts';
import { RequestError, sendError } from './answers.ts';
import { Batcher } from './batcher.ts';
import { addEmbedRoute } from './embed.ts';
import { Explainer } from './explainer.ts';
import { createMetrics } from './metrics.ts';
import type { ModelThread } from './modelThread.ts';
import { addOpenAiRoutes, openAiErrors } from './openAi.ts';
import { pageHeaders, pageHtml } from './page.ts';
import type { Task } from './protocol.ts';
import { type AskBody, askSchema, type PredictBody, predictSchema, type ServerLimits } from './requestSchemas.ts';
import { ask, checkExplained, chooseModel, type ServedModel, whileAsked } from './served.ts';

/** Of the largest requests to explain, those that may wait for one model. */
const requestsWaiting = 8;

/** The routes over models that are loaded, ready to listen. */
export async function createApp(
  threads: readonly ModelThread[],
  limits: ServerLimits,
): Promise<{ app: FastifyInstance; served: readonly ServedModel[] }> {
  const served = new Map<string, ServedModel>();
  const metrics = createMetrics(served);
  for (const thread of threads) {
    const { name } = thread.info;
    const onBatch = (task: Task, texts: number, seconds: number) => metrics.onBatch(name, task, texts, seconds);
    const explainer = new Explainer(thread, {
      mostWaiting: requestsWaiting * limits.maxExplained,
      onExplained: (texts, seconds) => metrics.onBatch(name, 'explain', texts, seconds),
    });
    served.set(name, { thread, batcher: new Batcher(thread, { onBatch }), explainer });
  }
  const app = Fastify({
    bodyLimit: limits.maxBody,
    requestTimeout: 30_000,
    // Nothing of a request is bent until it fits, and nothing is dropped without a word.
    ajv: { customOptions: { coerceTypes: false, removeAdditional: false, allErrors: false, allowUnionTypes: true } },
  });
  app.removeContentTypeParser('text/plain');
  app.setErrorHandler((error: FastifyError, _request, reply) => sendError(error, limits, reply));
  app.setNotFoundHandler((request, reply) => {
    const line = `there is no ${request.method} ${request.url.split('?')[0]}; see /openapi.json`;
    reply.code(404).send(request.url.startsWith('/v1/') ? openAiErrors.body(404, line, null) : { error: line });
  });
  app.addHook('onRequest', async (_request, reply) => {
    reply.raw.once('close', metrics.onRequest());
  });
  let isClosing = false;
  app.addHook('preClose', async () => {
    isClosing = true;
  });
  // Callers keep connections open for a next request, and there is none after the last answer.
  app.addHook('onSend', async (_request, reply) => {
    if (isClosing) reply.header('connection', 'close');
  });
  app.addHook('onResponse', async (request, reply) => {
    const route = request.routeOptions.url ?? 'other';
    metrics.onAnswer(route, request.method, reply.statusCode, reply.elapsedTime / 1000);
  });
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'bertune',
        description: 'Text classification, fill-mask and vectors of texts with models that bertune trained',
        version: packageVersions().bertune ?? '',
      },
    },
  });
  addModelRoutes(app, served, limits);
  addEmbedRoute(app, served, limits);
  addOpenAiRoutes(app, served, limits);
  addOtherRoutes(app, threads, limits, metrics);
  await app.ready();
  return { app, served: [...served.values()] };
}

function addModelRoutes(app: FastifyInstance, served: ReadonlyMap<string, ServedModel>, limits: ServerLimits): void {
  const errors = { 400: errorAnswer, 404: errorAnswer, 413: errorAnswer, 415: errorAnswer, 503: errorAnswer };
  const labels = { description: 'Labels listed for each text', default: 1 };
  const words = { description: 'Words listed for each mask', default: 5 };
  app.post<{ Body: PredictBody }>(
    '/predict',
    {
      schema: {
        ...{ summary: 'Labels texts, or parts of them', operationId: 'predict', body: predictSchema(limits, labels) },
        response: { 200: predictAnswer, ...errors },
      },
    },
    async (request, reply) => {
      const { topK = 1, offsets, explain = false } = request.body;
      const model = chooseModel(request.body.model, 'predict', served);
      const { pairs, name: called, promised } = model.thread.info;
      const texts = asTexts(request.body.texts, pairs, called);
      if (explain) checkExplained(model, texts, limits);
      const { name, answers } = await ask(model, reply, 'predict', { texts, topK, offsets });
      const explanations = explain ? await model.explainer.explain({ texts, offsets }, whileAsked(reply)) : undefined;
      const predictions = explanations
        ? answers.map((answer, i) => ({ ...answer, explanation: explanations[i] }))
        : answers;
      return { model: name, predictions, ...(promised.length > 0 ? { promised } : {}) };
    },
  );
  app.post<{ Body: AskBody }>(
    '/fill-mask',
    {
      schema: {
        ...{ summary: 'Ranks words for each [MASK]', operationId: 'fillMask', body: askSchema(limits, words) },
        response: { 200: fillMaskAnswer, ...errors },
      },
    },
    async (request, reply) => {
      const model = chooseModel(request.body.model, 'fill-mask', served);
      checkMasks(request.body.texts, model.thread.info.maskToken, limits);
      const { texts, topK = 1 } = request.body;
      const { name, answers } = await ask(model, reply, 'fill-mask', { texts, topK });
      return { model: name, results: answers };
    },
  );
}

function addOtherRoutes(
  app: FastifyInstance,
  threads: readonly ModelThread[],
  { maxExplained }: ServerLimits,
  metrics: ReturnType<typeof createMetrics>,
): void {
  const health = {
    summary: 'Whether the models answer',
    operationId: 'health',
    response: { 200: healthAnswer, 503: healthAnswer },
  };
  app.get('/health', { schema: health }, async (_request, reply) => {
    const isOk = threads.every(({ failure }) => failure === undefined);
    reply.code(isOk ? 200 : 503);
    const models = threads.map(({ info }) => ({
      ...info,
      explains: info.unexplained === null && maxExplained > 0,
    }));
    return { status: isOk ? 'ok' : 'failed', models };
  });
  const description = {
    summary: "Counters in Prometheus' text format",
    operationId: 'metrics',
    produces: ['text/plain'],
  };
  app.get('/metrics', { schema: description }, async (_request, reply) => {
    reply.type(metrics.contentType);
    return metrics.text();
  });
  app.get('/openapi.json', { schema: { hide: true } }, async () => app.swagger());
  app.get('/', { schema: { hide: true } }, async (_request, reply) => {
    reply.headers(pageHeaders);
    return pageHtml;
  });
}

/** @throws RequestError when the texts have more masks than may be asked for at once */
function checkMasks(texts: readonly string[], maskToken: string, { maxMasks }: ServerLimits): void {
  const count = (text: string) => text.replaceAll(anyMask, maskToken).split(maskToken).length - 1;
  const masks = texts.reduce((sum, text) => sum + count(text), 0);
  if (masks <= maxMasks) return;
  throw new RequestError(400, `${masks.toLocaleString('en-US')} ${maskToken} in one request; send at most ${maxMasks}`);
}
