/** JSON schemas of answers: what they do not name is not sent. */

const score = { type: 'number', description: 'Probability, 0 to 1' } as const;

/** What the words of a text do to its label. */
const explanation = {
  type: 'object',
  description: 'Where it was asked for: what the words of the text do to the likeliest label',
  required: ['label', 'method', 'words', 'passes'],
  properties: {
    label: { type: 'string', description: 'The label that is explained; of a text left unlabeled its suggestion' },
    method: {
      type: 'string',
      enum: ['integrated gradients', 'occlusion'],
      description: "Shares of the label's logit, or what its log-probability loses without the word",
    },
    words: {
      type: 'array',
      items: {
        type: 'object',
        required: ['text', 'start', 'end', 'weight'],
        properties: {
          text: { type: 'string' },
          start: { type: 'integer' },
          end: { type: 'integer', description: 'Behind its last character' },
          of: { type: 'string', enum: ['text', 'pair'], description: 'Which text of a pair it stands in' },
          weight: { type: 'number', description: 'Above 0 it speaks for the label, below 0 against it' },
        },
      },
    },
    difference: { type: 'number', description: "Of gradients: the label's logit less that for a text of padding" },
    error: { type: 'number', description: 'Of gradients: what the weights lack of the difference' },
    passes: { type: 'integer', description: 'What it cost: texts as long as this one that were computed' },
  },
} as const;

export const predictAnswer = {
  description: 'A prediction for each text, in their order',
  type: 'object',
  required: ['model', 'predictions'],
  properties: {
    model: { type: 'string' },
    promised: {
      type: 'array',
      description: 'What is known of such answers, and on which texts',
      items: { type: 'string' },
    },
    predictions: {
      type: 'array',
      items: {
        type: 'object',
        properties: {
          label: {
            type: ['string', 'null'],
            description: 'The likeliest label, of a model with one label a text; null where it is left unlabeled',
          },
          score,
          why: { type: 'string', enum: ['strange', 'unsure'], description: 'Why it is left unlabeled' },
          suggestion: { type: 'string', description: 'The likeliest label of a text that is left unlabeled' },
          set: {
            type: 'array',
            description: 'The labels that hold the right one as often as asked for, likeliest first',
            items: { type: 'string' },
          },
          labels: {
            type: 'array',
            description: 'The labels over their thresholds, of a model with several labels a text',
            items: { type: 'object', required: ['label', 'score'], properties: { label: { type: 'string' }, score } },
          },
          value: { type: 'number', description: 'The number, of a model of one' },
          low: { type: ['number', 'null'], description: 'Where its interval begins' },
          high: { type: ['number', 'null'], description: 'Where its interval ends' },
          entities: {
            type: 'array',
            description: 'Of a model that labels parts of texts: those that it found',
            items: {
              type: 'object',
              required: ['start', 'end', 'label', 'score', 'text'],
              properties: {
                start: { type: 'integer' },
                end: { type: 'integer', description: 'Behind its last character' },
                label: { type: 'string' },
                score,
                text: { type: 'string' },
              },
            },
          },
          scores: {
            type: 'array',
            description: 'The likeliest labels, likeliest first',
            items: { type: 'object', required: ['label', 'score'], properties: { label: { type: 'string' }, score } },
          },
          explanation,
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

const vector = { type: 'array', items: { type: 'number' } } as const;

export const embedAnswer = {
  description: 'A vector for each text, in their order',
  type: 'object',
  required: ['model', 'dimensions', 'embeddings'],
  properties: {
    model: { type: 'string' },
    dimensions: { type: 'integer', description: 'Numbers of each vector' },
    embeddings: { type: 'array', items: vector },
  },
} as const;

export const embeddingsAnswer = {
  description: "A vector for each text, in the shape of OpenAI's embeddings",
  type: 'object',
  required: ['object', 'data', 'model', 'usage'],
  properties: {
    object: { type: 'string', const: 'list' },
    data: {
      type: 'array',
      items: {
        type: 'object',
        required: ['object', 'index', 'embedding'],
        properties: {
          object: { type: 'string', const: 'embedding' },
          index: { type: 'integer' },
          embedding: { anyOf: [vector, { type: 'string' }] },
        },
      },
    },
    model: { type: 'string' },
    usage: {
      type: 'object',
      description: 'Tokens that were read, prompts and special ones among them',
      required: ['prompt_tokens', 'total_tokens'],
      properties: { prompt_tokens: { type: 'integer' }, total_tokens: { type: 'integer' } },
    },
  },
} as const;

const listedModel = {
  type: 'object',
  required: ['id', 'object', 'created', 'owned_by'],
  properties: {
    id: { type: 'string' },
    object: { type: 'string', const: 'model' },
    created: { type: 'integer', description: 'When the server started, in seconds since 1970' },
    owned_by: { type: 'string' },
  },
} as const;

export const modelsAnswer = {
  description: 'The models that make vectors',
  type: 'object',
  required: ['object', 'data'],
  properties: { object: { type: 'string', const: 'list' }, data: { type: 'array', items: listedModel } },
} as const;

export const modelAnswer = { description: 'One of the models', ...listedModel } as const;

export const openAiErrorAnswer = {
  description: "What is wrong, in the shape of OpenAI's errors",
  type: 'object',
  required: ['error'],
  properties: {
    error: {
      type: 'object',
      required: ['message', 'type', 'param', 'code'],
      properties: {
        message: { type: 'string' },
        type: { type: 'string' },
        param: { type: ['string', 'null'] },
        code: { type: ['string', 'null'] },
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
        required: ['name', 'tasks', 'labels', 'pairs', 'maskToken', 'dimensions', 'prompts'],
        properties: {
          name: { type: 'string' },
          tasks: { type: 'array', items: { type: 'string', enum: ['predict', 'fill-mask', 'embed'] } },
          labels: { type: ['array', 'null'], items: { type: 'string' } },
          answers: {
            type: ['string', 'null'],
            enum: ['one label', 'several labels', 'a number', 'labels on tokens', null],
            description: 'What it predicts',
          },
          explains: { type: 'boolean', description: 'Whether its labels can be explained' },
          pairs: {
            type: ['object', 'null'],
            description: 'What the two texts of a pair are called, of a model that labels pairs',
            properties: { text: { type: 'string' }, pair: { type: 'string' } },
          },
          maskToken: { type: 'string' },
          dimensions: { type: 'integer', description: 'Numbers of a vector' },
          prompts: {
            type: 'array',
            items: { type: 'string' },
            description: 'Names of prompts that vectors may ask for',
          },
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
