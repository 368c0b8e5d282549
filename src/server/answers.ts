import type { FastifyError, FastifyReply } from 'fastify';
import { BertuneError, messageOf, UsageError } from '../core/errors.ts';
import { OverloadedError } from './batcher.ts';
import type { ServerLimits } from './requestSchemas.ts';

/** A request that its caller has to change. */
export class RequestError extends UsageError {
  readonly statusCode: number;
  /** The key of the request that is wrong. */
  readonly key: string | undefined;

  constructor(statusCode: number, message: string, key?: string) {
    super(message);
    this.statusCode = statusCode;
    this.key = key;
  }
}

/** How the errors of a route are answered. */
export interface ErrorShape {
  /** A request that can be answered, for those that cannot. */
  readonly example: string;
  /** The body of an answer. @param key of the request that is wrong, where it is one */
  body(status: number, message: string, key: string | null): object;
}

/** Errors in one line. */
export const plainErrors: ErrorShape = {
  example: '{"texts": ["..."]}',
  body: (_, error) => ({ error }),
};

/** Answers a request that failed: a status and one line. */
export function sendError(error: FastifyError, limits: ServerLimits, reply: FastifyReply, shape = plainErrors): void {
  const { status, message } = answerFor(error, limits, shape);
  if (status === 503) reply.header('retry-after', '1');
  const line = message.replace(/\s+/g, ' ').slice(0, 500);
  reply.code(status).send(shape.body(status, line, keyOf(error)));
}

/** The key of the request's body that is wrong. */
function keyOf(error: FastifyError): string | null {
  if (error instanceof RequestError) return error.key ?? null;
  const { instancePath = '', params = {} } = error.validation?.[0] ?? {};
  const name = instancePath.split('/')[1] || params.missingProperty || params.additionalProperty;
  return typeof name === 'string' ? name : null;
}

function answerFor(
  error: FastifyError,
  { maxBody }: ServerLimits,
  { example }: ErrorShape,
): { status: number; message: string } {
  switch (error.code) {
    case 'FST_ERR_CTP_BODY_TOO_LARGE':
      return { status: 413, message: `the body is over ${maxBody} bytes; send fewer or shorter texts` };
    case 'FST_ERR_CTP_INVALID_MEDIA_TYPE':
      return { status: 415, message: 'the body must be JSON, with content-type: application/json' };
    case 'FST_ERR_CTP_EMPTY_JSON_BODY':
      return { status: 400, message: `the body is empty; send ${example}` };
    case 'FST_ERR_CTP_INVALID_JSON_BODY':
      return { status: 400, message: `the body is not JSON: ${messageOf(error)}` };
  }
  if (error instanceof RequestError) return { status: error.statusCode, message: error.message };
  if (error instanceof OverloadedError) return { status: 503, message: error.message };
  if (error instanceof UsageError) return { status: 400, message: error.message };
  if (error.validation) return { status: 400, message: validationMessage(error, example) };
  const status = error.statusCode ?? 500;
  if (status >= 400 && status < 500) return { status, message: error.message };
  return { status: 500, message: error instanceof BertuneError ? error.message : 'the server failed at this request' };
}

/** What the schema found, in words that name the place. */
function validationMessage({ validation = [], message }: FastifyError, example: string): string {
  const [issue] = validation;
  const place = issue?.instancePath.replace(/^\//, '') || 'the body';
  const params = issue?.params ?? {};
  switch (issue?.keyword) {
    case 'minItems':
      return `${place} is empty; send at least one text`;
    case 'maxItems':
      return `${place} has more than ${params.limit} texts; send them in several requests`;
    case 'pattern':
      return `${place} is empty`;
    case 'maxLength':
      return `${place} has more than ${params.limit} characters`;
    case 'additionalProperties':
      return `there is no ${JSON.stringify(params.additionalProperty)} in a request; see /openapi.json`;
    case 'required':
      return `${place} has no ${params.missingProperty}; send ${example}`;
    case 'type':
      if (/^texts\/\d+$/.test(place) && String(params.type) === 'string,object') {
        return `${place} must be a string, or an object with text and pair`;
      }
      if (!/^input\/\d+$/.test(place)) break;
      return `${place} is no text; the numbers of tokens are those of another model, so send texts (LangChain: check_embedding_ctx_length=False)`;
    case 'enum':
      return `${place} must be one of ${[params.allowedValues].flat().join(', ')}`;
  }
  return message.replace(/^body\/?/, '').trim();
}
