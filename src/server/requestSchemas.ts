import type { TextPair } from '../jobs/types.ts';
import type { Resolved } from '../settings/options.ts';

/** JSON schemas of requests: they check them, and make the OpenAPI description with those of answers. */

/** How much one request may ask for. */
export type ServerLimits = Pick<
  Resolved<'serve'>,
  'maxBody' | 'maxTexts' | 'maxCharacters' | 'maxMasks' | 'maxExplained'
>;

/** A request's body for labels, once checked. */
export interface PredictBody extends Omit<AskBody, 'texts'> {
  readonly texts: readonly (string | TextPair)[];
  readonly explain?: boolean;
}

/** A request's body, once checked. */
export interface AskBody {
  readonly model?: string;
  readonly texts: readonly string[];
  readonly topK?: number;
  readonly offsets?: 'code-points' | 'utf-16';
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

/** The same where parts of texts may be what is found, and a text may be a pair. */
export function predictSchema(limits: ServerLimits, topK: { description: string; default: number }) {
  const ask = askSchema(limits, topK);
  const offsets = {
    type: 'string',
    enum: ['code-points', 'utf-16'],
    default: 'code-points',
    description: 'What places of entities and words are counted in: code points, as in Python, or UTF-16 code units',
  } as const;
  const explain = {
    type: 'boolean',
    default: false,
    description: `What each word does to the label, of models of one label a text: dozens of passes a text (integrated gradients), or one for each word (occlusion); texts of up to ${limits.maxExplained} characters in all`,
  } as const;
  const { texts } = ask.properties;
  const { items } = texts;
  const either = {
    ...items,
    type: ['string', 'object'],
    description: 'A text; to a model of pairs an object with text and pair',
    required: ['text', 'pair'],
    additionalProperties: false,
    properties: { text: items, pair: items },
  } as const;
  return { ...ask, properties: { ...ask.properties, texts: { ...texts, items: either }, offsets, explain } } as const;
}

/** A request's body for vectors, once checked. */
export interface EmbedBody {
  readonly model?: string;
  readonly texts: readonly string[];
  readonly prompt?: string;
  readonly promptText?: string | false;
  readonly truncateDimensions?: number;
}

const prompts = {
  prompt: { type: 'string', description: "Name of one of the model's prompts; its default one without" },
  promptText: {
    type: ['string', 'boolean'],
    description: "Text to put before every text in place of the model's default prompt; false: nothing",
  },
} as const;

/** Blank texts have vectors, too. */
export function embedSchema({ maxTexts, maxCharacters }: ServerLimits) {
  return {
    type: 'object',
    required: ['texts'],
    additionalProperties: false,
    properties: {
      model: { type: 'string', description: 'Name of a model, as /health lists it; the first, without' },
      texts: {
        type: 'array',
        minItems: 1,
        maxItems: maxTexts,
        items: { type: 'string', maxLength: maxCharacters },
      },
      ...prompts,
      truncateDimensions: { type: 'integer', minimum: 1, description: 'Numbers kept of each vector, the first ones' },
    },
  } as const;
}

/** A request's body in the shape of OpenAI's embeddings, once checked. */
export interface EmbeddingsBody {
  readonly model?: string;
  readonly input: string | readonly string[];
  readonly encoding_format?: 'float' | 'base64';
  readonly dimensions?: number;
  readonly user?: string;
  readonly prompt?: string;
  readonly promptText?: string | false;
}

export function embeddingsSchema({ maxTexts, maxCharacters }: ServerLimits) {
  return {
    type: 'object',
    required: ['input'],
    additionalProperties: false,
    properties: {
      input: {
        type: ['string', 'array'],
        description: 'A text or a list of them',
        maxLength: maxCharacters,
        minItems: 1,
        maxItems: maxTexts,
        items: { type: 'string', maxLength: maxCharacters },
      },
      model: { type: 'string', description: 'Name of a model, as /v1/models lists it; the first, without' },
      encoding_format: {
        type: 'string',
        enum: ['float', 'base64'],
        default: 'float',
        description: 'base64: the bytes of little-endian float32 numbers',
      },
      dimensions: {
        type: 'integer',
        minimum: 1,
        description: 'Numbers kept of each vector, the first ones, as they are',
      },
      user: { type: 'string', description: 'Not used' },
      ...prompts,
    },
  } as const;
}
