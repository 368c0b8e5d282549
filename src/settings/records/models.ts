/** What models are, what they read and what they are asked. */

import { computed, type Table, whenOn } from '../setting.ts';
import {
  choice,
  integer,
  integers,
  notNegative,
  number,
  oneNumber,
  text,
  textOrOff,
  toggle,
  words,
} from '../valueTypes.ts';

/** Ways in which token vectors become one, in the names of sentence-transformers. */
const poolings = ['mean', 'cls', 'max', 'mean_sqrt_len_tokens', 'weightedmean', 'lasttoken'] as const;

export const textAndMasks = {
  /**
   * Most tokens of a sequence, special tokens included; when absent, what a sentence encoder's folder says, what bertune
   * trained the model with, else 128.
   */
  maxLength: {
    type: integer(3),
    unit: 'tokens',
    help: 'longest sequence in tokens, special tokens included',
    default: computed('what a sentence encoder says, what bertune trained the model with, else 128'),
    identity: true,
    card: 'text',
  },
  /** Of texts that are longer than `maxLength`: read the start alone, or all of them in windows of it whose answers are averaged. */
  longTexts: {
    type: choice('start', 'windows'),
    help: 'texts over --max-length: read their start, or windows whose answers are averaged',
    default: computed("the folder's own, else what does better on folds of the training texts"),
    identity: (value) => (value === 'windows' ? value : undefined),
    card: 'text',
  },
  /** Compute with int8 weights: about 1.5 times as fast, with slightly other results. */
  int8: {
    type: toggle(),
    help: 'compute with int8 weights: about 1.5 times as fast, slightly other results',
    default: false,
  },
  /** Tokens that consecutive pieces of a split text share, below half of `maxLength`; words stay whole. */
  overlap: {
    type: integer(0),
    unit: 'tokens',
    help: 'tokens that the pieces of a longer text share, below half of --max-length',
    default: 0,
    identity: whenOn,
    card: 'text',
    cardAt0: false,
  },
  maskProbability: {
    type: number('p', 'a probability above 0 and at most 1', (x) => x > 0 && x <= 1),
    help: 'share of the tokens to predict',
    default: 0.15,
    identity: true,
    card: 'text',
  },
  wholeWord: {
    type: toggle(),
    help: 'mask all pieces of a word together',
    default: false,
    identity: true,
    card: 'text',
  },
  /** How token vectors become one vector, in place of what the folder says and of the modules behind it. */
  pooling: {
    type: { ...choice(...poolings), argument: 'way' },
    help: 'how token vectors become one vector, such as mean, cls or max',
    default: computed("the folder's own, else mean"),
  },
  /** What a classifier reads of a text: a pooling of its tokens, or BERT's pooler. */
  reads: {
    type: { ...choice('pooler', ...poolings), argument: 'way' },
    help: "what the classifier reads: BERT's pooler, or a pooling such as mean or cls",
    default: computed("the folder's own, else mean; BERT's pooler with method finetune"),
    identity: true,
    card: 'text',
  },
  /** What tags of words are written in: those that are read, or the CoNLL file that is written. */
  tagScheme: {
    type: { ...choice('IOB1', 'IOB2', 'BIOES', 'BILOU', 'IO'), argument: 'scheme' },
    help: 'how tags of words say where entities begin: IOB1, IOB2, BIOES, BILOU, or IO, not at all',
    default: computed('told by the tags'),
    card: 'text',
  },
  /** What places of entities in texts are counted in. */
  offsets: {
    type: choice('code-points', 'utf-16'),
    help: 'what places in texts are counted in: as in Python, or as in JavaScript',
    default: computed('told by the texts'),
  },
  /** How the tags of tokens become entities, as the pipelines of transformers have it, in place of decoding. */
  aggregation: {
    type: { ...choice('none', 'simple', 'first', 'average', 'max'), argument: 'way' },
    help: "put entities together as transformers' pipelines do, of the likeliest tags",
    default: computed('the best tags that the scheme allows'),
  },
  /** Name of a prompt of the sentence encoder that texts begin with. */
  prompt: {
    type: text('name'),
    help: "name of one of the model's prompts, put before every text",
    default: computed("the model's default prompt"),
  },
  /** What texts begin with, in place of the model's default prompt; false: nothing. */
  promptText: {
    type: textOrOff('text'),
    help: 'text to put before every text',
    default: computed("the model's default prompt"),
  },
  /** Keep so many numbers of a vector, the first ones, of models trained for it (Kusupati et al. 2022). */
  truncateDimensions: {
    type: integer(1),
    help: 'keep only the first n numbers of each vector, of models trained for it (Matryoshka)',
    default: computed('all of them'),
  },
} as const satisfies Table;

export const imagesAndNumbers = {
  /** Height and width that images are resized to; what the data has when absent. */
  imageSize: {
    type: integer(4),
    unit: 'pixels',
    help: 'height and width of the images',
    default: computed("the first one's"),
  },
  /** 1 for grayscale, 3 for RGB; what the data has when absent. */
  channels: {
    type: oneNumber('1 (grayscale) or 3 (RGB)', 1, 3),
    help: '1: grayscale, 3: RGB',
    default: computed("the first image's"),
  },
  /** Whether views are augmented; on by default but for autoencoders. */
  augment: {
    type: toggle(),
    help: 'change images at random; --no-augment: leave them as they are',
    default: computed('on'),
    identity: (value) => value ?? null,
  },
  /** Layers of an autoencoder: fully connected (the default) or convolutional. */
  architecture: { type: choice('dense', 'conv'), help: 'layers of an autoencoder', default: 'dense' },
  /** Numbers that an autoencoder makes of each example. */
  latentSize: { type: integer(1), help: 'numbers that an autoencoder makes of each example', default: 32 },
  /** Deviation of the noise that an autoencoder is to remove, in parts of the full range; 0 by default. */
  noise: {
    type: notNegative('x'),
    help: 'deviation of the noise that an autoencoder is to remove, of the full range 1',
    default: 0,
    identity: true,
  },
  /** Channels of a ResNet's first stage, doubled with each of the next two; 32 by default. */
  width: { type: integer(1), help: 'SimSiam, SimCLR: channels of the first stage of the ResNet', default: 32 },
  /** Residual blocks of each stage; 1 by default. */
  blocks: { type: integer(1), help: 'SimSiam, SimCLR: residual blocks of each stage', default: 1 },
  /** Width of the projector of SimSiam and SimCLR; 256 by default. */
  projectionSize: { type: integer(1), help: 'SimSiam, SimCLR: width of the projector', default: 256 },
  /** Width of SimSiam's predictor; a quarter of the projector's by default. */
  predictorSize: {
    type: integer(1),
    help: 'SimSiam: width of the predictor',
    default: computed("a quarter of the projector's"),
  },
  /** Temperature of SimCLR; 0.5 by default. */
  temperature: {
    type: number('x', 'a number above 0', (x) => x > 0),
    help: 'SimCLR: temperature',
    default: 0.5,
  },
  /** Side of a masked autoencoder's patches in pixels; 4 by default. */
  patchSize: { type: integer(1), unit: 'pixels', help: 'MAE: side of a patch in pixels', default: 4 },
  /** Share of an image's patches that are masked; 0.75 by default. */
  maskRatio: {
    type: number('p', 'a fraction between 0 and 1', (x) => x > 0 && x < 1),
    help: 'MAE: share of the patches to mask',
    default: 0.75,
  },
  /** Whether patches are predicted less their mean, over their deviation. */
  normalizedTargets: {
    type: toggle(),
    help: 'MAE: predict each patch less its mean, over its deviation',
    default: false,
  },
  /** Width of the transformer. */
  hiddenSize: { type: integer(2), help: 'width of the transformer (MAE: its encoder)' },
  layers: { type: integer(1), help: 'layers of the transformer' },
  attentionHeads: { type: integer(1), help: 'attention heads of a layer', default: 4 },
  /** Widths between the columns and the latent vector. */
  hiddenSizes: {
    type: integers(1),
    flag: false,
    help: 'widths between the columns and the latent vector',
    default: [64, 32],
  },
  preview: { type: text('png'), help: 'write a sheet of the views that training would see, and stop' },
  count: { type: integer(1), help: 'images to show', default: 8 },
  /** Columns to learn from; without it, all that hold numbers. */
  columns: { type: words('a,b'), help: 'columns of numbers to learn from', default: computed('all that hold numbers') },
  /** Rows that the model reads. */
  window: { type: integer(2), unit: 'rows', help: 'rows that the model reads' },
  /** Rows that it predicts. */
  horizon: { type: integer(1), unit: 'rows', help: 'rows that it predicts' },
} as const satisfies Table;

export const prompt = {
  topK: { type: integer(1), help: 'words shown for each [MASK]', default: 5 },
  targets: { type: words('a,b'), help: 'rank these words only' },
  compare: { type: text('dir'), help: 'show a second model beside the first' },
} as const satisfies Table;
