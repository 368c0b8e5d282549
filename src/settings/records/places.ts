/** What is read and written, and where. */

import { computed, type Table } from '../setting.ts';
import {
  choice,
  choices,
  integer,
  matching,
  number,
  path,
  programs,
  query,
  records,
  recordsOr,
  separator,
  text,
  textOrOff,
  texts,
  toggle,
  words,
} from '../valueTypes.ts';

export const input = {
  /** A folder, or `org/name[@revision]` of the Hub. */
  model: {
    type: text('dir'),
    help: 'folder of the model (config.json, weights …), also s3://, or org/name[@revision]',
  },
  /** Folders, or models of the Hub as `org/name[@revision]`. */
  models: {
    type: texts('dir'),
    flag: 'model',
    alsoFlag: 'models',
    help: 'folders of models, or org/name[@revision] of the Hub',
  },
  modelConfig: { type: text('file'), help: 'config.json that gives the shape of the new model' },
  tokenizer: { type: text('dir'), help: 'folder with tokenizer.json or vocab.txt, or a model of the Hub' },
  /** A sentence encoder or a classifier whose answers a student learns: a folder, or `org/name[@revision]` of the Hub. */
  teacher: { type: text('dir'), help: 'folder of the model to learn from, or org/name[@revision] of the Hub' },
  corpus: {
    type: records('file'),
    help: 'unlabeled texts: files or globs (.txt .csv .jsonl .parquet …), s3://, https://, databases',
  },
  train: { type: records('file'), help: 'labeled texts to train on: files or globs, s3://, https://, databases' },
  /**
   * Texts that describe classes, with the name of each as its label; `names`: the names themselves, as people write them;
   * `none`: nothing describes them.
   */
  labelTexts: {
    type: recordsOr('file', 'names', 'none'),
    help: 'texts that describe the labels: files, names (those of the labels) or none',
    default: computed('names where labels have few texts and folds say that they help'),
    identity: false,
  },
  /** Texts that are of none of the labels: what tells strange texts is chosen and measured on them. */
  outOfScope: { type: records('file'), help: 'texts that are of none of the labels: files or globs' },
  /** What answers cost: columns `label`, `answer` (empty: left to a person) and `cost`; `*` stands for any. */
  costs: {
    type: path('file'),
    help: 'table of costs by label and answer (empty: a person); what is answered is the cheapest',
  },
  general: {
    type: records('file'),
    help: 'texts of everyday language, to see what a model knows of it: files or globs',
  },
  unlabeled: { type: records('file'), help: 'texts without labels that help the few labeled ones: files or globs' },
  test: { type: records('path'), help: 'labeled images to measure on' },
  data: { type: records('file'), help: 'texts to evaluate on: files or globs' },
  input: { type: records('file'), help: 'texts to read: files or globs, s3://, https://, databases' },
  /** Texts, one at a time, when there is no input. */
  stdin: {
    type: programs('an async iterable of texts', isAsyncIterable),
    flag: false,
    help: 'texts, one at a time, when there is no input',
  },
  query: { type: query('sql'), help: 'a DuckDB "SELECT …" in place of the data file' },
  eval: { type: records('file'), help: 'held-out texts: files or globs' },
  evalQuery: { type: query('sql'), help: 'a DuckDB "SELECT …" in place of the --eval file' },
  textColumn: {
    type: text('name'),
    help: 'column with the text',
    default: computed('found when only one can be meant'),
  },
  /** Of the second text, where pairs of texts are labeled. */
  pairColumn: {
    type: text('name'),
    help: 'column with the second text, where pairs of texts are labeled',
    default: computed('none: single texts'),
  },
  labelColumn: {
    type: text('name'),
    help: 'column with the label',
    default: computed('found when only one can be meant'),
  },
  /** What stands between the labels in a column with several. */
  labelSeparator: {
    type: separator('x'),
    help: 'what stands between the labels of a text in the label column, such as ;',
    default: computed('lists are read as they are'),
  },
  /** Columns of 0 and 1, one for each label, which is named as its column. */
  labelColumns: { type: words('a,b'), help: 'columns of 0 and 1, one for each label, in place of --label-column' },
  groupColumn: { type: text('name'), help: 'column whose equal values stay on one side of every split' },
  sliceColumn: {
    type: text('name'),
    help: 'column, such as channel, on whose values the classifier is compared with the rest',
  },
  output: {
    type: text('path'),
    help: 'folder to write the model to; checkpoints go to DIR/checkpoints',
    identity: false,
  },
  /**
   * Of n processes, the part that this one does: `i/n`; `auto`: the task of Slurm's array; `auto/n`: also the index of a
   * job of Kubernetes. Each writes a part file, which `join` makes into one.
   */
  shard: {
    type: matching('i/n', 'i/n with i from 1 to n, auto, or auto/n', /^([1-9]\d*\/[1-9]\d*|auto(\/[1-9]\d*)?)$/),
    help: "part of the rows, such as 2/8; auto: Slurm's array task; auto/8: Kubernetes' job index",
    identity: false,
  },
  /** In files of labels: a column for each label, with its probability. */
  scores: { type: toggle(), help: 'the probability of every label, too', default: false },
  /** What each word of a text does to its label. */
  explain: { type: toggle(), help: 'what each word of a text does to its label', default: false },
  /**
   * Folder that keeps what can be made again: tokenized corpora and prepared images, for the next run on them. Without
   * it BERTUNE_CACHE, else `bertune` in the user's cache folder; false: nothing is kept.
   */
  cache: {
    type: textOrOff('dir'),
    help: 'folder that keeps tokenized texts for later runs; --no-cache: keep none',
    default: computed('BERTUNE_CACHE, or bertune in ~/.cache'),
    identity: false,
  },
  /** `fp32`, `fp16` (with float32 inputs and outputs), `q8` (dynamic int8). */
  dtypes: {
    type: choices('fp32', 'fp16', 'q8'),
    flag: 'dtype',
    help: 'numbers of the exported models',
    default: ['fp32', 'fp16', 'q8'],
  },
  /** Of an export what the model is for, when absent what its head is for; of labeled texts what is learned of each. */
  task: {
    type: choice('fill-mask', 'text-classification', 'feature-extraction'),
    help: 'what the model is for',
    default: computed("that of the model's head"),
  },
  /** Export the network of a classifier that reads words, too, without them: its answers differ. */
  networkOnly: {
    type: toggle(),
    help: 'export the network of a hybrid without its words, though its answers differ',
    default: false,
  },
  /** Folders of runs. */
  runs: { type: texts('dir'), flag: 'run', help: 'folders of runs to show; also without the flag', identity: false },
  /** Labels that look wrong, as `audit` wrote them. */
  audit: {
    type: text('file'),
    help: 'file that bertune audit wrote, to be shown; else audit.csv in the folder of the run',
    identity: false,
  },
  /** Whether a run writes a page that shows it, `report.html`, at its end. */
  report: {
    type: toggle(),
    help: 'write report.html, a page that shows the run, at its end; --no-report: none',
    default: true,
    identity: false,
  },
  /** Whether held-out texts stand beside their answers in `answers.json` and in reports. */
  reportTexts: {
    type: toggle(),
    help: 'held-out texts beside their answers, to be read in the report; --no-report-texts: none',
    default: true,
    identity: false,
  },
  /** What people looked at and filled in. */
  apply: { type: text('file'), help: 'the file that people looked at, filled in', identity: false },
  /** Files that people look at texts in: a table for a spreadsheet, tasks of Label Studio, records of Argilla. */
  format: {
    type: choice('table', 'label-studio', 'argilla'),
    help: 'what --output is for: a spreadsheet (.csv …), Label Studio or Argilla (.json)',
    default: 'table',
    identity: false,
  },
  /** How texts to label next are chosen. */
  strategy: {
    type: choice('mix', 'margin', 'entropy', 'coverage', 'random'),
    help: 'choose by what says most (mix), by doubt (margin, entropy), spread out, or by chance',
    default: 'mix',
    identity: false,
  },
  resume: { type: toggle(), help: 'continue from the last checkpoint in --output', default: false, identity: false },
  overwrite: { type: toggle(), help: 'replace a run that --output already holds', default: false, identity: false },
} as const satisfies Table;

export const hub = {
  /** `org/name` on the Hub; made when it is not there. */
  repo: { type: text('org/name'), help: 'repository on the Hub; made when it is not there' },
  /** Whether a repository that is made is a private one; without it, as the organization has it. */
  private: { type: toggle(), help: 'make the repository a private one' },
  /** What the run cannot know, kept in `run.json`: the model's license, its languages, data sets of the Hub. */
  license: {
    type: matching('name', 'a license as the Hub names it, such as apache-2.0', /^[\w][\w.+-]*$/),
    help: "the model's license as the Hub names it, such as apache-2.0",
  },
  languages: {
    type: words('a,b', matching('a', 'a language code such as en or zh', /^[a-z]{2,3}(-[\w-]+)?$/i)),
    flag: 'language',
    help: 'languages of the model, such as en or zh',
  },
  datasets: {
    type: words('a,b', matching('a', 'a data set of the Hub as org/name', /^[\w][\w.-]*(\/[\w][\w.-]*)?$/)),
    flag: 'dataset',
    help: 'data sets of the Hub that the model was trained on',
  },
} as const satisfies Table;

export const server = {
  /** 0: any free one. */
  port: {
    type: number('n', 'a port from 0 (any free one) to 65535', (x) => Number.isInteger(x) && x >= 0 && x <= 65_535),
    help: 'port to listen on; 0: any free one',
    default: 8080,
  },
  host: {
    type: text('name'),
    help: 'address to listen on; 0.0.0.0: all of this machine',
    default: '127.0.0.1',
  },
  /** Bytes of a request's body. */
  maxBody: { type: integer(1), unit: 'bytes', help: 'most bytes of a request', default: 1 << 20 },
  /** Texts of a request. */
  maxTexts: { type: integer(1), unit: 'texts', help: 'most texts of a request', default: 256 },
  /** Characters of a text. */
  maxCharacters: { type: integer(1), unit: 'characters', help: 'most characters of a text', default: 20_000 },
  /** Masks of all texts of a request. */
  maxMasks: { type: integer(1), unit: 'masks', help: 'most [MASK]s of a request', default: 256 },
  /** Characters of all texts of a request that are explained, by dozens of passes each; 0: none is. */
  maxExplained: {
    type: integer(0),
    unit: 'characters',
    help: 'most characters of a request that is to be explained; 0: none is',
    default: 2000,
  },
} as const satisfies Table;

function isAsyncIterable(value: unknown): value is AsyncIterable<string> {
  return typeof value === 'object' && value !== null && Symbol.asyncIterator in value;
}
