/** How a run goes. */

import { deviceNames } from '../../core/deviceNames.ts';
import { computed, type Table, whenOn, whereUsed } from '../setting.ts';
import { choice, fractionBelow1, integer, notNegative, number, text, toggle } from '../valueTypes.ts';

export const training = {
  /**
   * What is learned of texts without labels. `masked`: masked words; `contrastive`: to tell each text's vector from those
   * of others by a second pass with other dropout (SimCSE); `keep`: masked words, with vectors kept where the start has
   * them; `neighbours`: vectors drawn from where the start has them towards those of their neighbours.
   */
  objective: {
    type: choice('masked', 'contrastive', 'keep', 'neighbours'),
    help: 'what to learn: masked words, texts told apart, words with vectors kept, or neighbours',
    default: computed('neighbours for a sentence encoder, else masked'),
    identity: (value) => (value === 'masked' ? undefined : value),
    card: 'trained',
  },
  method: {
    type: choice('autoencoder', 'simsiam', 'simclr', 'mae'),
    help: 'what to learn: to rebuild images, to tell two views alike, or to fill in what is masked',
  },
  /**
   * How far a number is off: `squared`, or `huber`, which is squared up to one standard deviation of the training texts'
   * numbers and a straight line beyond, so that far-off ones pull no harder.
   */
  loss: {
    type: choice('squared', 'huber'),
    help: 'how errors of a number count; huber: those beyond a standard deviation less',
    default: 'squared',
    identity: (value) => (value === 'squared' ? undefined : value),
    card: 'trained',
  },
  /** Minutes that a run may take, from its start to the saved model; a method that would not fit in is left out. */
  budget: {
    type: number('minutes', 'a number of minutes above 0', (x) => x > 0),
    unit: 'minutes',
    help: 'minutes in which the method is chosen and the model trained',
    default: computed('4.5; more where training once takes over 1.5'),
    identity: false,
  },
  epochs: { type: integer(1), help: 'passes over the training texts', card: 'course' },
  maxSteps: { type: integer(1), help: 'updates, in place of --epochs', card: 'course' },
  /** Tokens of one update, padding included. */
  batchTokens: {
    type: integer(1),
    unit: 'tokens',
    help: 'tokens of one update, padding included',
    identity: true,
    card: 'batches',
  },
  /** Examples of one update. */
  batchSize: { type: integer(1), unit: 'examples', help: 'examples of one update', identity: true, card: 'batches' },
  /** The method's own when absent. */
  optimizer: { type: choice('adamw', 'sgd'), help: 'optimizer', default: computed("the method's") },
  /** Of SGD. */
  momentum: { type: fractionBelow1('x'), help: 'momentum of SGD', default: whereUsed(0.9) },
  /** Threads that prepare views; 1 prepares them between the steps. */
  dataThreads: {
    type: integer(1, 256),
    help: 'threads that augment images; 1: between the steps',
    default: computed('all cores, at most 4'),
    identity: false,
  },
  /** Micro-batches of one update. */
  accumulationSteps: {
    type: integer(1),
    help: 'micro-batches of one update',
    default: 1,
    identity: true,
    card: 'batches',
  },
  learningRate: {
    type: number('rate', 'a number above 0', (x) => x > 0),
    help: 'peak learning rate',
    default: 5e-5,
    identity: true,
    card: 'course',
  },
  schedule: {
    type: choice('linear', 'cosine', 'constant'),
    help: 'learning rate after warm-up',
    default: 'linear',
    identity: true,
    card: 'course',
  },
  /** Steps of warm-up, or a fraction of all steps when below 1. */
  warmup: {
    type: number('n', 'a fraction below 1 or a whole number of steps', (x) => x >= 0 && (x < 1 || Number.isInteger(x))),
    help: 'warm-up steps, or a share of all steps when below 1',
    identity: true,
    card: 'course',
  },
  weightDecay: {
    type: notNegative('x'),
    help: 'AdamW weight decay (none on biases and norms)',
    default: 0.01,
    identity: true,
    card: 'course',
  },
  /** Largest global gradient norm; 0 turns clipping off. */
  maxGradientNorm: {
    type: notNegative('x'),
    help: 'clip gradients to this global norm; 0: off',
    default: 1,
    identity: true,
    card: 'course',
  },
  dropout: {
    type: fractionBelow1('p'),
    help: 'dropout probability',
    default: computed("the model's"),
    identity: true,
    card: 'trained',
  },
  /** Leaves the embeddings as they are; `all`: the whole encoder, with a head fitted to its vectors at once. */
  freeze: {
    type: choice('embeddings', 'all'),
    help: 'leave embeddings as they are; all (finetune): the encoder, with a head fitted at once',
    identity: true,
    card: 'trained',
  },
  /** Leaves the embeddings and the first layers as they are. */
  freezeLayers: {
    type: integer(0),
    flagType: integer(1),
    help: 'leave the embeddings and the first layers as they are',
    default: 0,
    isQuiet: true,
    identity: (layers, { freeze }) => (freeze || layers ? layers : undefined),
    card: 'trained',
    cardAt0: false,
  },
  /** Computes each layer once more in the backward half of a step: the same numbers, less memory, more time. */
  recompute: {
    type: toggle(),
    help: 'compute each layer twice rather than keep what is in it: less memory, the same numbers',
    default: false,
    identity: false,
  },
  /** Matrix products in bfloat16 on Arm processors: faster, less exact. */
  fastMath: {
    type: toggle(),
    help: 'bfloat16 matrix products on Arm processors: faster, less exact',
    default: false,
    identity: whenOn,
  },
  /** How the gradients of several processes are added up; `exact`: micro-batch by micro-batch, to the bits of one process. */
  reduce: {
    type: choice('fast', 'exact'),
    help: 'sum of the gradients of several processes; exact: the same bits for any number of them',
    default: 'fast',
    // With one process there is nothing to add up, and its bits are those of exact.
    identity: false,
  },
  /** What a student learns of its teacher: the vectors of texts, or their class probabilities. */
  match: {
    type: choice('vectors', 'labels'),
    help: "what to learn of the teacher: its texts' vectors, or its labels' probabilities",
    default: computed('labels of a classifier, vectors of another model'),
    identity: true,
    card: 'trained',
  },
  /** How much masked words count beside the teacher's answers; 0: they are not learned. */
  maskedWeight: {
    type: notNegative('x'),
    help: "weight of masked words beside the teacher's answers; 0: none",
    default: computed('0.05 beside vectors, 0 beside labels'),
    identity: true,
    card: 'trained',
    cardAt0: false,
  },
  trainLimit: { type: integer(1), unit: 'examples', help: 'train on at most this many examples', card: 'trained' },
  /** Examples of each class that are trained on; all when absent. */
  labelsPerClass: { type: integer(1), help: 'train on at most this many examples of each class', card: 'trained' },
  /** Of a model that is a classifier: whether its classes are kept beside those of the texts. */
  labels: {
    type: choice('extend', 'replace'),
    help: "keep the labels that a classifier given as --model knows, or only the texts' own",
    default: 'extend',
    identity: false,
  },
  classWeights: { type: choice('none', 'balanced'), help: 'weigh rare classes more', default: 'none', card: 'trained' },
  /** Start the encoder from random weights: the baseline that shows what pretraining gives. */
  randomStart: {
    type: toggle(),
    help: 'random encoder weights: the baseline without pretraining',
    default: false,
    identity: true,
    card: 'trained',
  },
} as const satisfies Table;

export const evaluation = {
  /** Share of the data that is held out. */
  evalFraction: {
    type: fractionBelow1('p'),
    help: 'share of the texts to hold out when there is no --eval',
    card: 'draws',
  },
  /** Most held-out examples that are evaluated. */
  evalLimit: { type: integer(1), unit: 'texts', help: 'evaluate at most this many held-out texts', card: 'draws' },
  /** Most texts that are evaluated; all when absent. */
  limit: { type: integer(1), unit: 'texts', help: 'evaluate at most this many texts' },
  /** Repetitions with other draws of labels and other random starts. */
  seeds: {
    type: integer(1, 12),
    help: 'repetitions, each with other draws of labels and other random starts',
    default: 3,
  },
  evalSteps: {
    type: integer(1),
    help: 'steps between evaluations',
    default: computed('at the end; once an epoch with --patience'),
    // Without patience, a measurement changes nothing.
    identity: (steps, { patience }) => (patience ? (steps ?? null) : undefined),
  },
  /** Steps between checkpoints; 0 saves none, for those who train and throw away. */
  saveSteps: { type: integer(0), flagType: integer(1), help: 'steps between checkpoints', default: 500 },
  /** Checkpoints kept beside the best one. */
  keepCheckpoints: { type: integer(1), help: 'latest checkpoints kept beside the best one', default: 2 },
  /** Evaluations without improvement before the run stops; 0 turns early stopping off. */
  patience: {
    type: integer(0),
    unit: 'evaluations',
    help: 'evaluations without improvement before stopping; 0: never',
    default: 0,
    identity: true,
    card: 'trained',
    cardAt0: false,
  },
} as const satisfies Table;

const share = (expected: string) => number('p', expected, (x) => x > 0 && x < 1);

/** How far answers are to be trusted. */
export const trust = {
  /** Leave texts unlabeled that are unlike those of the labels, or that the model is unsure of. */
  abstain: {
    type: toggle(),
    help: 'leave texts unlabeled that are strange to the model or that it is unsure of',
    default: false,
  },
  /** Share of the answers that may be wrong. */
  mostWrong: {
    type: share('a share between 0 and 1, such as 0.02'),
    help: 'answer only so many texts that at most this share of the answers is wrong',
  },
  /** How sure the promise of `mostWrong` is. */
  confidence: {
    type: share('a share between 0 and 1, such as 0.95'),
    help: 'how sure the promise of --most-wrong is',
    default: whereUsed(0.95),
  },
  /** Share of the texts that are answered, the surest ones. */
  answered: {
    type: share('a share between 0 and 1, such as 0.8'),
    help: 'answer about this share of the texts, the surest ones',
  },
  /** Share of the texts whose set of labels holds the right one. */
  coverage: {
    type: share('a share between 0 and 1, such as 0.95'),
    help: 'add the set of labels that holds the right one for this share of the texts',
  },
  /** How the labels of a set are chosen. */
  sets: {
    type: choice('split', 'per-class', 'adaptive', 'regularized'),
    help: 'sets of --coverage: small on average, right for each label, or larger for harder texts',
    default: whereUsed('split'),
  },
} as const satisfies Table;

export const engine = {
  /**
   * What computes. `cpu`: ONNX Runtime on the processor; `tfjs`: the TensorFlow.js that is installed in the working
   * folder; `auto`: the processor.
   */
  device: {
    type: choice('auto', ...deviceNames),
    help: 'what computes: cpu, or tfjs, the TensorFlow.js that is installed; see bertune devices',
    default: 'auto',
    identity: false,
  },
} as const satisfies Table;

export const general = {
  seed: { type: integer(0), help: 'seed of every random choice', default: 0, identity: true, card: 'draws' },
  threads: { type: integer(1, 1024), help: 'processor threads', default: computed('all cores'), identity: false },
  config: { type: text('file'), help: 'YAML file with the same names as the flags; flags win (--no-NAME: switch off)' },
  /** Takes a model of the Hub from the cache alone; without it as HF_HUB_OFFLINE says. */
  offline: {
    type: toggle(),
    help: 'take models of the Hub from the cache alone',
    default: computed('as HF_HUB_OFFLINE says'),
    identity: false,
  },
  json: { type: toggle(), help: 'write the result to stdout as one JSON document', default: false },
  debug: { type: toggle(), help: 'show the stack trace of an error', default: false },
} as const satisfies Table;
