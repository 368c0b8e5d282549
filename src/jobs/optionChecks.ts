import { z } from 'zod';
import { UsageError } from '../core/errors.ts';

/** @throws UsageError that names the first option, as programs spell it, with a value that cannot be used */
export function checkOptions(schema: z.ZodType, options: object): void {
  const issue = schema.safeParse(options).error?.issues[0];
  if (!issue) return;
  const name = issue.path[0];
  if (name === undefined) throw new UsageError(issue.message);
  const value = (options as Readonly<Record<PropertyKey, unknown>>)[name];
  const given = typeof value === 'number' ? String(value) : (JSON.stringify(value) ?? typeof value);
  throw new UsageError(`${String(name)} must be ${issue.message}, got ${given}`);
}

const whole = (least: number) => {
  const error = least === 1 ? 'a positive whole number' : `a whole number of at least ${least}`;
  return z.int({ error }).min(least, { error }).optional();
};

const number = (error: string, accepts: (x: number) => boolean) =>
  z.number({ error }).refine(accepts, { error }).optional();

const oneOf = <const T extends readonly [string, ...string[]]>(...words: T) =>
  z.enum(words, { error: words.join(' or ') }).optional();

const fractionBelow1 = number('a fraction from 0 up to but not including 1', (x) => x >= 0 && x < 1);
const notNegative = number('a number of at least 0', (x) => x >= 0);

const general = { seed: whole(0), threads: whole(1) };
const masking = {
  maxLength: whole(3),
  maskProbability: number('a probability above 0 and at most 1', (x) => x > 0 && x <= 1),
};
const training = {
  ...general,
  epochs: whole(1),
  maxSteps: whole(1),
  learningRate: number('a number above 0', (x) => x > 0),
  schedule: oneOf('linear', 'cosine', 'constant'),
  warmup: number('a fraction below 1 or a whole number of steps', (x) => x >= 0 && (x < 1 || Number.isInteger(x))),
  weightDecay: notNegative,
  maxGradientNorm: notNegative,
  accumulationSteps: whole(1),
  dropout: fractionBelow1,
  freeze: oneOf('embeddings'),
  freezeLayers: whole(0),
  evalSteps: whole(1),
  // 0 saves none: for programs that train and throw away.
  saveSteps: whole(0),
  keepCheckpoints: whole(1),
  patience: whole(0),
  evalFraction: fractionBelow1,
  evalLimit: whole(1),
};

/** Options of which at most one may be given. */
const exclusive = [
  ['epochs', 'maxSteps'],
  ['eval', 'evalFraction'],
  ['test', 'evalFraction'],
  ['resume', 'overwrite'],
] as const;

function notTogether(options: Readonly<Record<string, unknown>>, context: z.RefinementCtx): void {
  for (const [a, b] of exclusive) {
    if (isGiven(options[a]) && isGiven(options[b])) context.addIssue(`${a} and ${b} cannot be given together`);
  }
}

function isGiven(value: unknown): boolean {
  return value !== undefined && value !== false;
}

/** Options of `adapt` and `pretrain`. */
export const adaptSchema = z
  .looseObject({ ...training, ...masking, batchTokens: whole(1), overlap: whole(0) })
  .superRefine(notTogether);

/** Options of `finetune`. */
export const finetuneSchema = z
  .looseObject({
    ...training,
    maxLength: whole(3),
    batchSize: whole(1),
    trainLimit: whole(1),
    labelsPerClass: whole(1),
    classWeights: oneOf('none', 'balanced'),
  })
  .superRefine(notTogether);

const images = {
  ...training,
  batchSize: whole(1),
  optimizer: oneOf('adamw', 'sgd'),
  momentum: fractionBelow1,
  dataThreads: whole(1),
};

/** Options of `pretrainImages`. */
export const pretrainImagesSchema = z
  .looseObject({
    ...images,
    method: z.enum(['autoencoder', 'simsiam', 'simclr', 'mae'], { error: 'autoencoder, simsiam, simclr or mae' }),
    imageSize: whole(4),
    channels: z.union([z.literal(1), z.literal(3)], { error: '1 or 3' }).optional(),
    architecture: oneOf('dense', 'conv'),
    latentSize: whole(1),
    noise: notNegative,
    width: whole(1),
    blocks: whole(1),
    projectionSize: whole(1),
    predictorSize: whole(1),
    temperature: number('a number above 0', (x) => x > 0),
    patchSize: whole(1),
    hiddenSize: whole(4),
    layers: whole(1),
    attentionHeads: whole(1),
    maskRatio: number('a fraction between 0 and 1', (x) => x > 0 && x < 1),
  })
  .superRefine(notTogether)
  .superRefine(ofTheMethod);

/** Options of `finetuneImages`. */
export const finetuneImagesSchema = z.looseObject({ ...images, labelsPerClass: whole(1) }).superRefine(notTogether);

/** What only some methods know. */
const methodsOf: Readonly<Record<string, readonly string[]>> = {
  ...{ architecture: ['autoencoder'], latentSize: ['autoencoder'], noise: ['autoencoder'] },
  ...{ width: ['simsiam', 'simclr'], blocks: ['simsiam', 'simclr'], projectionSize: ['simsiam', 'simclr'] },
  ...{ predictorSize: ['simsiam'], temperature: ['simclr'], patchSize: ['mae'], hiddenSize: ['mae'], layers: ['mae'] },
  ...{ attentionHeads: ['mae'], maskRatio: ['mae'], normalizedTargets: ['mae'] },
};

function ofTheMethod(options: Readonly<Record<string, unknown>>, context: z.RefinementCtx): void {
  for (const [name, methods] of Object.entries(methodsOf)) {
    if (isGiven(options[name]) && !methods.includes(String(options.method))) {
      context.addIssue(`${name} is an option of ${methods.join(' and ')}, not of ${options.method}`);
    }
  }
}

/** Options of `evaluate`. */
export const evaluateSchema = z.looseObject({ ...general, ...masking, limit: whole(1) });

/** Options of a model that is used; `predict` and `embed` hand them on. */
export const useSchema = z.looseObject({ threads: general.threads, maxLength: masking.maxLength });

/** Options of `exportModel`. */
export const exportSchema = z.looseObject({
  threads: general.threads,
  task: oneOf('fill-mask', 'text-classification', 'feature-extraction'),
  dtypes: z
    .array(z.enum(['fp32', 'fp16', 'q8'], { error: 'some of fp32, fp16 and q8' }), {
      error: 'some of fp32, fp16 and q8',
    })
    .min(1, { error: 'some of fp32, fp16 and q8' })
    .optional(),
});

export const fillMaskSchema = z.looseObject({ topK: whole(1) });
export const embedSchema = z.looseObject({ pooling: oneOf('mean', 'cls') });

const series = { ...training, batchSize: whole(1) };

function somethingHeldOut({ evalFraction }: { readonly evalFraction?: unknown }, context: z.RefinementCtx): void {
  if (evalFraction === 0) context.addIssue('--eval-fraction 0 leaves no row to measure on; give a share above 0');
}

/** Options of `sequence pretrain`. */
export const sequenceSchema = z
  .looseObject({
    ...series,
    window: z.int({ error: 'a whole number of at least 2' }).min(2, { error: 'a whole number of at least 2' }),
    horizon: z.int({ error: 'a positive whole number' }).min(1, { error: 'a positive whole number' }),
    hiddenSize: whole(2),
    layers: whole(1),
    attentionHeads: whole(1),
  })
  .superRefine(notTogether)
  .superRefine(somethingHeldOut);

/** Options of `table pretrain`. */
export const tableSchema = z
  .looseObject({ ...series, latentSize: whole(1), hiddenSizes: z.array(z.int().min(1)).optional() })
  .superRefine(notTogether)
  .superRefine(somethingHeldOut);

/** Options of `probeImages`. */
export const probeImagesSchema = z.looseObject({
  ...general,
  labelsPerClass: whole(1),
  seeds: z
    .int({ error: 'a whole number from 1 to 12' })
    .min(1, { error: 'a whole number from 1 to 12' })
    .max(12, { error: 'a whole number from 1 to 12' })
    .optional(),
  evalLimit: whole(1),
});

export const showImagesSchema = z.looseObject({ ...general, count: whole(1) });
