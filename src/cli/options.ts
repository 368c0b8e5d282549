import {
  choice,
  choices,
  integer,
  number,
  query,
  text,
  textOrOff,
  texts,
  toggle,
  type ValueType,
  words,
} from './values.ts';

/** One option: a flag of the command line and, under the same name, a key of the `--config` file. */
export interface Option<T> extends ValueType<T> {
  /** The flag and the key of the file, where two options share one and no command has both. */
  readonly flag?: string;
  readonly group: string;
  readonly description: string;
  /** The default as the help shows it; the job that takes the option applies it. */
  readonly default?: string;
}

const fractionBelow1 = (argument: string) =>
  number(argument, 'a fraction from 0 up to but not including 1', (x) => x >= 0 && x < 1);
const notNegative = (argument: string) => number(argument, 'a number of at least 0', (x) => x >= 0);

/** Every option of every command, in the order of the help. Flags and configuration keys are both made from it. */
export const options = {
  ...group('Input and output', {
    model: {
      ...text('dir'),
      description: 'folder of the model (config.json, weights, tokenizer), or org/name[@revision]',
    },
    models: { ...texts('dir'), flag: 'model', description: 'folders of models, or org/name[@revision] of the Hub' },
    'model-config': { ...text('file'), description: 'config.json that gives the shape of the new model' },
    tokenizer: { ...text('dir'), description: 'folder with tokenizer.json or vocab.txt, or a model of the Hub' },
    corpus: {
      ...texts('file'),
      description: 'unlabeled texts: files or globs (.txt .csv .tsv .jsonl .parquet, also .gz)',
    },
    train: { ...texts('file'), description: 'labeled texts to train on: files or globs' },
    test: { ...texts('path'), description: 'labeled images to measure on' },
    data: { ...texts('file'), description: 'texts to evaluate on: files or globs' },
    input: { ...texts('file'), description: 'texts to read: files or globs' },
    query: { ...query('sql'), description: 'a DuckDB "SELECT …" in place of the data file' },
    eval: { ...texts('file'), description: 'held-out texts: files or globs' },
    'eval-query': { ...query('sql'), description: 'a DuckDB "SELECT …" in place of the --eval file' },
    'text-column': {
      ...text('name'),
      description: 'column with the text',
      default: 'found when only one can be meant',
    },
    'label-column': {
      ...text('name'),
      description: 'column with the label',
      default: 'found when only one can be meant',
    },
    'group-column': { ...text('name'), description: 'column whose equal values stay on one side of every split' },
    output: { ...text('path'), description: 'folder to write the model to; checkpoints go to DIR/checkpoints' },
    cache: {
      ...textOrOff('dir'),
      description: 'folder that keeps tokenized texts for later runs; --no-cache: keep none',
      default: 'BERTUNE_CACHE, or bertune in ~/.cache',
    },
    dtype: { ...choices('fp32', 'fp16', 'q8'), description: 'numbers of the exported models', default: 'fp32,fp16,q8' },
    task: {
      ...choice('fill-mask', 'text-classification', 'feature-extraction'),
      description: 'what the exported model is for',
      default: "that of the model's head",
    },
    resume: { ...toggle(), description: 'continue from the last checkpoint in --output' },
    overwrite: { ...toggle(), description: 'replace a run that --output already holds' },
  }),
  ...group('The Hub', {
    repo: { ...text('org/name'), description: 'repository on the Hub; made when it is not there' },
    private: { ...toggle(), description: 'make the repository a private one' },
    license: { ...text('name'), description: "the model's license as the Hub names it, such as apache-2.0" },
    language: { ...words('a,b'), description: 'languages of the model, such as en or zh' },
    dataset: { ...words('a,b'), description: 'data sets of the Hub that the model was trained on' },
  }),
  ...group('Server', {
    port: {
      ...number('n', 'a port from 0 (any free one) to 65535', (x) => Number.isInteger(x) && x >= 0 && x <= 65_535),
      description: 'port to listen on; 0: any free one',
      default: '8080',
    },
    host: {
      ...text('name'),
      description: 'address to listen on; 0.0.0.0: all of this machine',
      default: '127.0.0.1, this machine alone',
    },
    'max-body': { ...integer(1), description: 'most bytes of a request', default: '1048576' },
    'max-texts': { ...integer(1), description: 'most texts of a request', default: '256' },
    'max-characters': { ...integer(1), description: 'most characters of a text', default: '20000' },
    'max-masks': { ...integer(1), description: 'most [MASK]s of a request', default: '256' },
  }),
  ...group('Text and masks', {
    'max-length': {
      ...integer(3),
      description: 'longest sequence in tokens, special tokens included',
      default: 'what bertune trained the model with, else 128',
    },
    int8: { ...toggle(), description: 'compute with int8 weights: about 1.5 times as fast, slightly other results' },
    overlap: {
      ...integer(0),
      description: 'tokens that the pieces of a longer text share, below half of --max-length',
      default: '0',
    },
    'mask-probability': {
      ...number('p', 'a probability above 0 and at most 1', (x) => x > 0 && x <= 1),
      description: 'share of the tokens to predict',
      default: '0.15',
    },
    'whole-word': { ...toggle(), description: 'mask all pieces of a word together' },
    pooling: { ...choice('mean', 'cls'), description: 'how token vectors become one vector', default: 'mean' },
  }),
  ...group('Images and numbers', {
    method: {
      ...choice('autoencoder', 'simsiam', 'simclr', 'mae'),
      description: 'what to learn: to rebuild images, to tell two views alike, or to fill in what is masked',
    },
    'image-size': { ...integer(4), description: 'height and width of the images', default: "the first one's" },
    channels: {
      ...number('1|3', '1 (grayscale) or 3 (RGB)', (x) => x === 1 || x === 3),
      description: '1: grayscale, 3: RGB',
      default: "the first image's",
    },
    augment: { ...toggle(), description: 'change images at random; --no-augment: leave them as they are' },
    architecture: { ...choice('dense', 'conv'), description: 'layers of an autoencoder', default: 'dense' },
    'latent-size': { ...integer(1), description: 'numbers that an autoencoder makes of each example', default: '32' },
    noise: {
      ...notNegative('x'),
      description: 'deviation of the noise that an autoencoder is to remove, of the full range 1',
      default: '0',
    },
    width: { ...integer(1), description: 'SimSiam, SimCLR: channels of the first stage of the ResNet', default: '32' },
    blocks: { ...integer(1), description: 'SimSiam, SimCLR: residual blocks of each stage', default: '1' },
    'projection-size': { ...integer(1), description: 'SimSiam, SimCLR: width of the projector', default: '256' },
    'predictor-size': {
      ...integer(1),
      description: 'SimSiam: width of the predictor',
      default: "a quarter of the projector's",
    },
    temperature: {
      ...number('x', 'a number above 0', (x) => x > 0),
      description: 'SimCLR: temperature',
      default: '0.5',
    },
    'patch-size': { ...integer(1), description: 'MAE: side of a patch in pixels', default: '4' },
    'mask-ratio': {
      ...number('p', 'a fraction between 0 and 1', (x) => x > 0 && x < 1),
      description: 'MAE: share of the patches to mask',
      default: '0.75',
    },
    'normalized-targets': { ...toggle(), description: 'MAE: predict each patch less its mean, over its deviation' },
    'hidden-size': { ...integer(2), description: 'width of the transformer (MAE: its encoder)' },
    layers: { ...integer(1), description: 'layers of the transformer' },
    'attention-heads': { ...integer(1), description: 'attention heads of a layer', default: '4' },
    preview: { ...text('png'), description: 'write a sheet of the views that training would see, and stop' },
    count: { ...integer(1), description: 'images to show', default: '8' },
    columns: { ...words('a,b'), description: 'columns of numbers to learn from', default: 'all that hold numbers' },
    window: { ...integer(2), description: 'rows that the model reads' },
    horizon: { ...integer(1), description: 'rows that it predicts' },
  }),
  ...group('Training', {
    epochs: { ...integer(1), description: 'passes over the training texts' },
    'max-steps': { ...integer(1), description: 'updates, in place of --epochs' },
    'batch-tokens': { ...integer(1), description: 'tokens of one update, padding included' },
    'batch-size': { ...integer(1), description: 'examples of one update' },
    optimizer: { ...choice('adamw', 'sgd'), description: 'optimizer', default: "the method's" },
    momentum: { ...fractionBelow1('x'), description: 'momentum of SGD', default: '0.9' },
    'data-threads': {
      ...integer(1),
      description: 'threads that augment images; 1: between the steps',
      default: 'all cores, at most 4',
    },
    'accumulation-steps': { ...integer(1), description: 'micro-batches of one update', default: '1' },
    'learning-rate': { ...number('rate', 'a number above 0', (x) => x > 0), description: 'peak learning rate' },
    schedule: {
      ...choice('linear', 'cosine', 'constant'),
      description: 'learning rate after warm-up',
      default: 'linear',
    },
    warmup: {
      ...number('n', 'a fraction below 1 or a whole number of steps', (x) => x >= 0 && (x < 1 || Number.isInteger(x))),
      description: 'warm-up steps, or a share of all steps when below 1',
    },
    'weight-decay': {
      ...notNegative('x'),
      description: 'AdamW weight decay (none on biases and norms)',
      default: '0.01',
    },
    'max-gradient-norm': {
      ...notNegative('x'),
      description: 'clip gradients to this global norm; 0: off',
      default: '1',
    },
    dropout: { ...fractionBelow1('p'), description: 'dropout probability', default: "the model's" },
    freeze: { ...choice('embeddings'), description: 'leave the embeddings as they are' },
    'freeze-layers': { ...integer(1), description: 'leave the embeddings and the first layers as they are' },
    recompute: {
      ...toggle(),
      description: 'compute each layer twice rather than keep what is in it: less memory, the same numbers',
    },
    'fast-math': { ...toggle(), description: 'bfloat16 matrix products on Arm processors: faster, less exact' },
    'train-limit': { ...integer(1), description: 'train on at most this many examples' },
    'labels-per-class': { ...integer(1), description: 'train on at most this many examples of each class' },
    'class-weights': { ...choice('none', 'balanced'), description: 'weigh rare classes more', default: 'none' },
    'random-start': { ...toggle(), description: 'random encoder weights: the baseline without pretraining' },
  }),
  ...group('Evaluation and checkpoints', {
    'eval-fraction': { ...fractionBelow1('p'), description: 'share of the texts to hold out when there is no --eval' },
    'eval-limit': { ...integer(1), description: 'evaluate at most this many held-out texts' },
    limit: { ...integer(1), description: 'evaluate at most this many texts' },
    seeds: {
      ...number('n', 'a whole number from 1 to 12', (x) => Number.isInteger(x) && x >= 1 && x <= 12),
      description: 'repetitions, each with other draws of labels and other random starts',
      default: '3',
    },
    'eval-steps': {
      ...integer(1),
      description: 'steps between evaluations',
      default: 'at the end; once an epoch with --patience',
    },
    'save-steps': { ...integer(1), description: 'steps between checkpoints', default: '500' },
    'keep-checkpoints': { ...integer(1), description: 'latest checkpoints kept beside the best one', default: '2' },
    patience: { ...integer(0), description: 'evaluations without improvement before stopping; 0: never', default: '0' },
  }),
  ...group('Prompt', {
    'top-k': { ...integer(1), description: 'words shown for each [MASK]', default: '5' },
    targets: { ...words('a,b'), description: 'rank these words only' },
    compare: { ...text('dir'), description: 'show a second model beside the first' },
  }),
  ...group('General', {
    seed: { ...integer(0), description: 'seed of every random choice', default: '0' },
    threads: { ...integer(1), description: 'processor threads', default: 'all cores' },
    config: {
      ...text('file'),
      description: 'YAML file with the same names as the flags; flags win (--no-NAME: switch off)',
    },
    offline: {
      ...toggle(),
      description: 'take models of the Hub from the cache alone',
      default: 'as HF_HUB_OFFLINE says',
    },
    json: { ...toggle(), description: 'write the result to stdout as one JSON document' },
    debug: { ...toggle(), description: 'show the stack trace of an error' },
  }),
};

export type OptionName = keyof typeof options;

/** The value of each option that was given. */
export type Settings = { readonly [Name in OptionName]?: ReturnType<(typeof options)[Name]['read']> };

/** Names of every option, in the order of the help. */
export const optionNames: readonly OptionName[] = Object.keys(options).filter(isOptionName);

/** What an option is called on the command line and in the file. */
export function flagName(name: OptionName): string {
  const option: Option<unknown> = options[name];
  return option.flag ?? name;
}

export function isOptionName(name: string): name is OptionName {
  return Object.hasOwn(options, name);
}

/** Options of which at most one may be given. */
export const exclusiveOptions: readonly (readonly [OptionName, OptionName])[] = [
  ['epochs', 'max-steps'],
  ['eval', 'eval-fraction'],
  ['eval-query', 'eval-fraction'],
  ['eval', 'eval-query'],
  ['corpus', 'query'],
  ['train', 'query'],
  ['data', 'query'],
  ['input', 'query'],
  ['test', 'eval-fraction'],
  ['resume', 'overwrite'],
];

function group<T extends Record<string, Omit<Option<unknown>, 'group'>>>(
  name: string,
  entries: T,
): { [K in keyof T]: T[K] & { readonly group: string } } {
  const grouped: Record<string, object> = {};
  for (const [key, entry] of Object.entries(entries)) grouped[key] = { ...entry, group: name };
  return grouped as { [K in keyof T]: T[K] & { readonly group: string } };
}
