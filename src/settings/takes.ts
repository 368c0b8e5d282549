import { computed, type Taken, unless } from './setting.ts';
import type { SettingName } from './table.ts';
import { choice, number, path } from './valueTypes.ts';

/** What a job takes: of each setting, what differs from its record in the table. */
export type Takes = { readonly [Name in SettingName]?: Taken };

export const required = { required: true } as const;
/** As its record in the table has it. */
export const given = {} as const;

/** What every training job takes. */
export const training = {
  output: required,
  resume: given,
  overwrite: given,
  epochs: given,
  maxSteps: given,
  learningRate: given,
  schedule: given,
  warmup: given,
  weightDecay: given,
  maxGradientNorm: given,
  fastMath: given,
  reduce: given,
  evalSteps: given,
  saveSteps: given,
  keepCheckpoints: given,
  patience: given,
  seed: given,
  threads: given,
  device: given,
} as const satisfies Takes;

/** What the training jobs take that start from a model of text. */
export const textTraining = {
  ...training,
  maxLength: given,
  accumulationSteps: given,
  dropout: given,
  freeze: { type: choice('embeddings'), help: 'leave the embeddings as they are' },
  freezeLayers: given,
  recompute: given,
  offline: given,
} as const satisfies Takes;

/** What is held out of texts. */
export const heldOutTexts = { eval: given, evalFraction: given, evalLimit: given } as const satisfies Takes;

/** How tokens are masked. */
export const masking = { maxLength: given, maskProbability: given, wholeWord: given } as const satisfies Takes;

/** What jobs take that train on a corpus. */
export const unlabeledTraining = {
  ...textTraining,
  ...heldOutTexts,
  ...masking,
  corpus: required,
  cache: given,
  report: given,
  warmup: { default: 0.06 },
  evalFraction: { default: 0.02, identity: (value, { eval: own }) => (own ? undefined : value) },
  evalLimit: { default: 2000, defaultHelp: '2000 of those held out, all of --eval' },
} as const satisfies Takes;

/** What jobs take that train a masked language model on a corpus. */
export const corpusTraining = {
  ...unlabeledTraining,
  overlap: given,
  batchTokens: { default: 4096 },
  epochs: { default: unless('maxSteps', 1) },
} as const satisfies Takes;

export const imagePlaces = 'an IDX file, a folder of images by class, a tar of one, or PATH.tar:folder';
export const imageCache = { help: 'folder that keeps prepared images for later runs; --no-cache: keep none' } as const;
export const theMethods = { default: computed("the method's") } as const;
export const labelFile = {
  required: true,
  help: 'file to write: .csv, .parquet or .jsonl; labels on tokens also .conll, .tsv or .json',
} as const;
export const vectorFile = { required: true, help: 'file to write: .parquet or .jsonl' } as const;

/** What jobs take that train on images. */
export const imageTraining = {
  ...training,
  cache: imageCache,
  augment: given,
  accumulationSteps: given,
  optimizer: given,
  momentum: given,
  learningRate: theMethods,
  schedule: theMethods,
  warmup: theMethods,
  weightDecay: { ...theMethods, help: 'weight decay (none on biases and norms)' },
  maxGradientNorm: { default: 0 },
  dataThreads: given,
  evalFraction: { help: 'share of the images to hold out' },
  evalLimit: { help: 'evaluate at most this many images' },
} as const satisfies Takes;

/** Of an image method's own. */
export const ofMethod = <const Method extends string>(...values: readonly Method[]) =>
  ({ only: { key: 'method', values } }) as const;

/** What jobs take that train on columns of numbers. */
export const seriesTraining = {
  ...training,
  data: {
    required: true,
    type: path('file', 'numbers'),
    help: 'table of numbers (.csv .tsv .jsonl .parquet .xlsx, text also .gz)',
  },
  columns: given,
  batchSize: { default: 64 },
  learningRate: { default: 1e-3 },
  schedule: { default: 'cosine' },
  warmup: { default: 0.05 },
} as const satisfies Takes;

/** Of what is split, something has to be left to measure on. */
export const someHeldOut = number(
  'p',
  'a fraction between 0 and 1, so that there is something to measure on',
  (x) => x > 0 && x < 1,
);

/** What a job takes that uses a model of images. */
export const imageUse = {
  model: { required: true, help: 'folder that image pretrain or finetune wrote' },
  cache: imageCache,
  threads: given,
  device: given,
} as const satisfies Takes;

export const shownImages = { required: true, type: path('file'), help: `images: ${imagePlaces}` } as const;

/** How far a classifier's answers are trusted. */
export const decided = {
  abstain: given,
  mostWrong: given,
  confidence: given,
  answered: given,
  coverage: given,
  sets: given,
} as const satisfies Takes;

/** The same where files are read. */
export const trusted = { ...decided, costs: given } as const satisfies Takes;

/** What a classifier labels. */
export const predicted = {
  model: required,
  input: { default: computed('lines of standard input') },
  stdin: given,
  ...trusted,
} as const satisfies Takes;

/** How labels on tokens are written. */
export const taggedOutput = {
  offsets: { default: 'code-points' },
  aggregation: given,
} as const satisfies Takes;

/** How files are written that hold labels on tokens alone. */
export const taggedFile = {
  tagScheme: { help: 'what tags are written in, of --output .conll or .tsv', default: computed('IOB2') },
  format: {
    type: choice('table', 'label-studio'),
    help: 'what --output is for: a table, or Label Studio with labels on tokens (.json)',
  },
} as const satisfies Takes;

/** What a model that is used takes. */
export const use = {
  maxLength: given,
  threads: given,
  device: given,
  int8: given,
  offline: given,
} as const satisfies Takes;

/** How vectors are made of texts. */
export const vectors = {
  pooling: given,
  prompt: given,
  promptText: given,
  truncateDimensions: given,
} as const satisfies Takes;

/** Counts where the encoder is trained: the other methods fit at once. */
export const ofSteps = { except: { key: 'method', values: ['words', 'frozen', 'hybrid'] } } as const;

/** Counts where a text has one label. */
export const ofOneLabel = { only: { key: 'task', values: ['one-label'] } } as const;

/** Counts where a network is read. */
export const ofNetworks = { except: { key: 'method', values: ['words'] } } as const;

/** What jobs take that judge labels by a quick classifier. */
export const judging = {
  model: { help: 'model whose vectors tell classes apart, best a sentence encoder; without it, words do' },
  maxLength: given,
  cache: { help: 'folder that keeps vectors for later runs; --no-cache: keep none' },
  seed: given,
  threads: given,
  device: given,
  offline: given,
} as const satisfies Takes;
