import { computed, type Taken, unless } from './setting.ts';
import type { SettingName } from './table.ts';
import { choice, integer, number, path } from './valueTypes.ts';

/** What a job takes: of each setting, what differs from its record in the table. */
export type Takes = { readonly [Name in SettingName]?: Taken };

const required = { required: true } as const;
/** As its record in the table has it. */
const given = {} as const;

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
  evalSteps: given,
  saveSteps: given,
  keepCheckpoints: given,
  patience: given,
  seed: given,
  threads: given,
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
const heldOutTexts = { eval: given, evalFraction: given, evalLimit: given } as const satisfies Takes;

/** How tokens are masked. */
export const masking = { maxLength: given, maskProbability: given, wholeWord: given } as const satisfies Takes;

/** What jobs take that train on a corpus. */
const unlabeledTraining = {
  ...textTraining,
  ...heldOutTexts,
  ...masking,
  corpus: required,
  cache: given,
  warmup: { default: 0.06 },
  evalFraction: { default: 0.02, identity: (value, { eval: own }) => (own ? undefined : value) },
  evalLimit: { default: 2000, defaultHelp: '2000 of those held out, all of --eval' },
} as const satisfies Takes;

/** What jobs take that train a masked language model on a corpus. */
const corpusTraining = {
  ...unlabeledTraining,
  overlap: given,
  batchTokens: { default: 4096 },
  epochs: { default: unless('maxSteps', 1) },
} as const satisfies Takes;

const imagePlaces = 'an IDX file, a folder of images by class, a tar of one, or PATH.tar:folder';
const imageCache = { help: 'folder that keeps prepared images for later runs; --no-cache: keep none' } as const;
const theMethods = { default: computed("the method's") } as const;
const labelFile = { required: true, help: 'file to write: .csv, .parquet or .jsonl' } as const;
const vectorFile = { required: true, help: 'file to write: .parquet or .jsonl' } as const;

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
const ofMethod = <const Method extends string>(...values: readonly Method[]) =>
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
const someHeldOut = number(
  'p',
  'a fraction between 0 and 1, so that there is something to measure on',
  (x) => x > 0 && x < 1,
);

/** What a job takes that uses a model of images. */
export const imageUse = {
  model: { required: true, help: 'folder that image pretrain or finetune wrote' },
  cache: imageCache,
  threads: given,
} as const satisfies Takes;

const shownImages = { required: true, type: path('file'), help: `images: ${imagePlaces}` } as const;

/** What a classifier labels. */
const predicted = {
  model: required,
  input: { default: computed('lines of standard input') },
  stdin: given,
} as const satisfies Takes;

/** What a model that is used takes. */
const use = { maxLength: given, threads: given, int8: given, offline: given } as const satisfies Takes;

/** How vectors are made of texts. */
const vectors = {
  pooling: given,
  prompt: given,
  promptText: given,
  truncateDimensions: given,
} as const satisfies Takes;

/** Counts where the encoder is trained: the other methods fit at once. */
const ofSteps = { except: { key: 'method', values: ['words', 'frozen', 'hybrid'] } } as const;

/** Counts where a network is read. */
const ofNetworks = { except: { key: 'method', values: ['words'] } } as const;

/** Every job by the name of its function, with the settings that it takes. */
export const jobs = {
  adapt: { ...corpusTraining, model: required, objective: given },
  pretrain: { ...corpusTraining, modelConfig: required, tokenizer: required },
  finetune: {
    ...textTraining,
    ...heldOutTexts,
    model: required,
    train: given,
    unlabeled: given,
    labels: given,
    labelTexts: given,
    freeze: ofSteps,
    maxLength: ofNetworks,
    method: {
      type: {
        ...choice('words', 'frozen', 'hybrid', 'finetune', 'finetune+words', 'contrastive', 'contrastive+words'),
        argument: 'name',
      },
      help: 'words, frozen, hybrid, finetune, contrastive, or one of the last two with +words',
      default: computed('the one that does best on folds of the training texts'),
      // Runs from before there were several do not name theirs.
      identity: (method) => (method === 'finetune' ? undefined : method),
    },
    budget: given,
    cache: {
      only: { key: 'method', values: ['frozen'] },
      help: 'folder that keeps the vectors of --method frozen for later runs; --no-cache: keep none',
    },
    epochs: { default: computed('as suits model and labels'), ...ofSteps },
    batchSize: { default: computed('as suits model and labels'), ...ofSteps },
    warmup: { default: computed('0.1'), ...ofSteps },
    learningRate: { default: computed('as suits model and labels'), ...ofSteps },
    ...{ maxSteps: ofSteps, schedule: ofSteps, weightDecay: ofSteps, maxGradientNorm: ofSteps },
    ...{ evalSteps: ofSteps, saveSteps: ofSteps, keepCheckpoints: ofSteps, patience: ofSteps },
    ...{ accumulationSteps: ofSteps, dropout: ofSteps, freezeLayers: ofSteps, recompute: ofSteps },
    trainLimit: given,
    longTexts: ofNetworks,
    labelsPerClass: given,
    classWeights: given,
    randomStart: ofNetworks,
    reads: ofNetworks,
    evalFraction: { default: 0.1 },
  },
  distill: {
    ...unlabeledTraining,
    teacher: required,
    model: { help: 'folder of the student to go on with, or org/name[@revision] of the Hub' },
    modelConfig: { help: 'config.json that gives the shape of a new student, in place of --model' },
    tokenizer: { help: "the new student's: folder with tokenizer.json or vocab.txt, or a model of the Hub" },
    match: given,
    temperature: {
      help: 'softens the probabilities of labels (Hinton et al. 2015)',
      default: 2,
      identity: true,
    },
    maskedWeight: given,
    cache: { help: "folder that keeps the teacher's answers for later runs; --no-cache: keep none" },
    batchTokens: { default: 2048 },
    epochs: { default: computed('2; more for few texts: about 2,000 steps, at most 30 epochs') },
    learningRate: { default: 5e-4 },
    dropout: { default: 0 },
  },
  trainTexts: {
    ...textTraining,
    model: required,
    epochs: { default: unless('maxSteps', 1) },
    batchSize: { default: 32 },
    warmup: { default: 0.06 },
  },
  evaluate: {
    ...masking,
    model: required,
    data: required,
    limit: given,
    cache: given,
    seed: given,
    threads: given,
    int8: given,
    offline: given,
  },
  check: {
    data: { required: true, help: 'texts to look through, labeled or not: files or globs' },
    eval: { help: 'held-out texts, of which none should be in --data: files or globs' },
    model: { help: 'model whose tokens are counted: a folder, or org/name[@revision] of the Hub' },
    maxLength: { help: 'tokens of a sequence: longer texts are counted' },
    offline: given,
  },
  predict: { ...use, ...predicted },
  predictFile: { ...use, ...predicted, output: labelFile, scores: given },
  embed: { ...use, ...vectors, model: required, input: required, output: vectorFile },
  loadModel: use,
  'model.fillMask': { topK: given, targets: given },
  'model.embed': vectors,
  serve: {
    ...use,
    models: required,
    port: given,
    host: { defaultHelp: '127.0.0.1, this machine alone' },
    maxBody: given,
    maxTexts: given,
    maxCharacters: given,
    maxMasks: given,
  },
  exportModel: {
    model: required,
    output: {
      required: true,
      help: 'folder to write: onnx/*.onnx, config.json, the tokenizer, modules of a sentence encoder',
    },
    dtypes: given,
    task: given,
    networkOnly: given,
    input: { help: 'texts to compare with the trained model on; random tokens without it' },
    overwrite: { help: 'replace an export that --output already holds' },
    threads: given,
    offline: given,
  },
  inspect: { model: required, offline: given },
  card: {
    model: { required: true, help: 'output folder of a finished run' },
    license: given,
    languages: given,
    datasets: given,
    overwrite: { help: 'replace a card that was edited, too' },
  },
  push: {
    model: { required: true, help: 'folder of the model: the output of a run or of an export' },
    repo: required,
    private: given,
    offline: given,
  },
  demo: {
    output: { help: 'folder for the adapted model', default: computed('checkpoints/demo') },
    threads: given,
  },
  pretrainImages: {
    ...imageTraining,
    method: required,
    data: { required: true, type: path('file'), help: `images to learn from: ${imagePlaces}` },
    eval: { type: path('file'), help: 'images to measure on, in place of a share of --data' },
    output: {
      required: true,
      help: 'folder to write the model to (required but for --preview); checkpoints go to DIR/checkpoints',
    },
    imageSize: given,
    channels: given,
    augment: { default: computed('on but for autoencoders') },
    architecture: ofMethod('autoencoder'),
    latentSize: ofMethod('autoencoder'),
    noise: ofMethod('autoencoder'),
    width: ofMethod('simsiam', 'simclr'),
    blocks: ofMethod('simsiam', 'simclr'),
    projectionSize: ofMethod('simsiam', 'simclr'),
    predictorSize: ofMethod('simsiam'),
    temperature: ofMethod('simclr'),
    patchSize: ofMethod('mae'),
    maskRatio: ofMethod('mae'),
    normalizedTargets: ofMethod('mae'),
    hiddenSize: { ...ofMethod('mae'), type: integer(4), default: 128 },
    layers: { ...ofMethod('mae'), default: 4 },
    attentionHeads: ofMethod('mae'),
    epochs: { default: computed('autoencoder 10, simsiam and simclr 20, mae 50') },
    batchSize: { default: 256 },
    evalFraction: { ...imageTraining.evalFraction, default: 0.05 },
    evalLimit: { ...imageTraining.evalLimit, default: 2000 },
    evalSteps: { default: computed('once an epoch') },
  },
  finetuneImages: {
    ...imageTraining,
    model: { required: true, help: 'folder that image pretrain wrote' },
    train: { required: true, type: path('file'), help: `labeled images to train on: ${imagePlaces}` },
    test: { type: path('path'), help: 'labeled images to measure on, in place of a share of --train' },
    labelsPerClass: given,
    randomStart: given,
    epochs: { default: computed('20; more for few images: about 300 steps, at most 200 epochs') },
    batchSize: { default: 64 },
    evalFraction: { ...imageTraining.evalFraction, default: 0.1 },
  },
  probeImages: {
    ...imageUse,
    model: { required: true, help: 'folder that image pretrain wrote' },
    train: { required: true, type: path('file'), help: `labeled images: ${imagePlaces}` },
    test: { required: true, type: path('path') },
    labelsPerClass: { help: 'use the labels of at most this many images of each class' },
    seeds: { help: 'repetitions (1 to 12), each with other draws of labels and other random starts' },
    seed: given,
    evalLimit: { help: 'evaluate at most this many images' },
  },
  embedImages: { ...imageUse, data: shownImages, output: vectorFile },
  showImages: {
    ...imageUse,
    data: shownImages,
    output: { required: true, help: 'picture to write: .png' },
    count: given,
    seed: given,
  },
  pretrainSequence: {
    ...seriesTraining,
    window: required,
    horizon: required,
    hiddenSize: { default: 64 },
    layers: { default: 2 },
    attentionHeads: given,
    epochs: { default: unless('maxSteps', 20) },
    evalFraction: { type: someHeldOut, default: 0.2, help: 'share of the series, its end, to hold out' },
  },
  pretrainTable: {
    ...seriesTraining,
    latentSize: { default: computed('half the columns, at most 8') },
    hiddenSizes: given,
    epochs: { default: unless('maxSteps', 50) },
    weightDecay: { default: 0 },
    evalFraction: { type: someHeldOut, default: 0.1, help: 'share of the rows to hold out' },
  },
  embedTable: {
    model: { required: true, help: 'folder that table pretrain wrote' },
    data: {
      required: true,
      type: path('file', 'numbers'),
      help: 'table with the columns that the model was trained on',
    },
    output: vectorFile,
    threads: given,
  },
} as const satisfies Readonly<Record<string, Takes>>;

export type Jobs = typeof jobs;
export type JobName = keyof Jobs;
