import type { Resolved } from '../settings/options.ts';

/** JSON schemas of what goes over the wire: they check requests, write answers and make the OpenAPI description. */

/** How much one request may ask for. */
export type ServerLimits = Pick<Resolved<'serve'>, 'maxBody' | 'maxTexts' | 'maxCharacters' | 'maxMasks'>;

/** A request's body, once checked. */
export interface AskBody {
  readonly model?: string;
  readonly texts: readonly string[];
  readonly topK?: number;
}

export function askSchema({ maxTexts, maxCharacters }: ServerLimits, topK: { description: string; default: number }) {
  return {
    type: 'object',
    required: ['texts'],
    additionalProperties: false,
    properties: {
      model: { type: 'string', description: 'Name of a model, as /health lists it; the first that can, without' },
      texts: {
        type: 'array',
        minItems: 1,
        maxItems: maxTexts,
        items: { type: 'string', pattern: '\\S', maxLength: maxCharacters },
      },
      topK: { type: 'integer', minimum: 1, maximum: 1000, ...topK },
    },
  } as const;
}

const score = { type: 'number', description: 'Probability, 0 to 1' } as const;

export const predictAnswer = {
  description: 'A prediction for each text, in their order',
  type: 'object',
  required: ['model', 'predictions'],
  properties: {
    model: { type: 'string' },
    predictions: {
      type: 'array',
      items: {
        type: 'object',
        required: ['label', 'score', 'scores'],
        properties: {
          label: { type: 'string' },
          score,
          scores: {
            type: 'array',
            description: 'The likeliest labels, likeliest first',
            items: { type: 'object', required: ['label', 'score'], properties: { label: { type: 'string' }, score } },
          },
        },
      },
    },
  },
} as const;

export const fillMaskAnswer = {
  description: 'The likeliest words for every mask of each text',
  type: 'object',
  required: ['model', 'results'],
  properties: {
    model: { type: 'string' },
    results: {
      type: 'array',
      items: {
        type: 'object',
        required: ['masks'],
        properties: {
          masks: {
            type: 'array',
            items: {
              type: 'object',
              required: ['position', 'candidates'],
              properties: {
                position: { type: 'integer', description: 'Place among the tokens of the text, [CLS] being 0' },
                candidates: {
                  type: 'array',
                  items: {
                    type: 'object',
                    required: ['token', 'score'],
                    properties: { token: { type: 'string' }, score },
                  },
                },
              },
            },
          },
        },
      },
    },
  },
} as const;

export const healthAnswer = {
  description: 'Whether every model answers, and what each can do',
  type: 'object',
  required: ['status', 'models'],
  properties: {
    status: { type: 'string', enum: ['ok', 'failed'] },
    models: {
      type: 'array',
      items: {
        type: 'object',
        required: ['name', 'tasks', 'labels', 'maskToken'],
        properties: {
          name: { type: 'string' },
          tasks: { type: 'array', items: { type: 'string', enum: ['predict', 'fill-mask'] } },
          labels: { type: ['array', 'null'], items: { type: 'string' } },
          maskToken: { type: 'string' },
        },
      },
    },
  },
} as const;

export const errorAnswer = {
  description: 'What is wrong, in one line',
  type: 'object',
  required: ['error'],
  properties: { error: { type: 'string' } },
} as const;
