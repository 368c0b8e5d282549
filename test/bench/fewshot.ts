import { existsSync, mkdirSync, readdirSync, rmSync } from 'node:fs';
import { cpus, loadavg } from 'node:os';
import { basename, dirname, join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { fail, pythonLack, resultsFolder, workPath } from './environment.ts';
import {
  appendRow,
  groupCells,
  groupsOf,
  groupTitle,
  keyOf,
  machineLines,
  markdown,
  type Row,
  readRows,
} from './fewshotRows.ts';
import {
  type Draw,
  type DrawFiles,
  draw,
  type Sources,
  sets,
  shotsTitle,
  type Wanted,
  wantedSets,
  writeDraw,
} from './fewshotSets.ts';
import { allSides, otherSides, ourSides, type Side } from './fewshotSides.ts';
import { runToEnd } from './processes.ts';
import { percent, printTable, seconds } from './table.ts';

/**
 * Accuracy and wall time of `finetune` on few labels, with the method that it chooses itself and with each of the others,
 * beside an SVM on TF-IDF, a logistic regression on frozen sentence vectors and SetFit. Every side reads the same files; seeds
 * draw the labels, where a set has no draws of its own, and train. Rows go to a file of JSON lines as they come, and those that
 * are there are not measured again. Flags: see the README beside this file.
 */
const { values: flags } = parseArgs({
  options: {
    sets: { type: 'string', default: Object.keys(sets).join(',') },
    methods: {
      type: 'string',
      default: Object.keys(ourSides)
        .filter((name) => name !== 'ladder+unlabeled')
        .join(','),
    },
    sides: { type: 'string', default: Object.keys(otherSides).join(',') },
    models: { type: 'string', default: defaultModels().join(',') },
    'chinese-models': { type: 'string', default: '' },
    seeds: { type: 'string', default: '3' },
    'setfit-texts': { type: 'string', default: '1000' },
    budget: { type: 'string' },
    results: { type: 'string', default: join(resultsFolder, 'fewshot.jsonl') },
    'only-ours': { type: 'boolean', default: false },
    table: { type: 'string' },
    markdown: { type: 'boolean', default: false },
  },
});
const results = resolve(flags.table ?? flags.results);
if (flags.table === undefined) await measureAll();
const rows = orFail(() => readRows(results));
if (rows.length === 0) fail(`${results} holds no rows`);
if (flags.markdown) process.stdout.write(`${markdown(groupsOf(rows))}\n\n`);
else for (const group of groupsOf(rows)) printTable(groupTitle(group), groupCells(group));
process.stdout.write(`${machineLines(rows).join('\n')}\n`);

/** Measures what is asked for and not there yet, sides in turn. */
async function measureAll(): Promise<void> {
  const wanted = orFail(() => wantedSets(flags.sets));
  const sides = chosenSides();
  const models = { English: folders(flags.models), Chinese: folders(flags['chinese-models']) };
  mkdirSync(dirname(results), { recursive: true });
  const found = orFail(() => readRows(results));
  if (found.length > 0)
    tell(`${results} holds ${found.length} rows, which are not measured again; remove it to begin anew`);
  const done = new Set(found.map(keyOf));
  const read = new Map<string, Sources>();
  for (const want of wanted) {
    const { set } = want;
    const { language } = sets[set];
    if (models[language].length === 0) tell(`${set}: no ${language} model is given, so what reads one is left out`);
    for (let seed = 1; seed <= Number(flags.seeds); seed++) {
      const pending = jobsOf(want, seed, sides, models).filter((job) => !done.has(keyOf(job)));
      if (pending.length === 0) continue;
      const sources = read.get(set) ?? (await sets[set].read());
      read.set(set, sources);
      const drawn = draw(sources, want.shots, seed);
      const files = writeDraw(workPath('fewshot', 'draws', `${set}-${want.shots}-${seed}`), drawn);
      for (const job of pending) await measure(job, drawn, files);
    }
  }
}

/** A row to be measured. */
interface Job extends Pick<Row, 'set' | 'shots' | 'seed' | 'model' | 'side'> {
  /** The model that the command names; a side that reads none is given the first. */
  readonly named: string;
}

function jobsOf(
  want: Wanted,
  seed: number,
  sides: Readonly<Record<string, Side>>,
  models: Readonly<Record<'English' | 'Chinese', readonly string[]>>,
): Job[] {
  const mine = models[sets[want.set].language];
  const [any = ''] = [...mine, ...models.English, ...models.Chinese];
  const all = Object.entries(sides);
  return [
    ...all.flatMap(([side, { readsModel }]) => (readsModel ? [] : [{ ...want, seed, side, model: null, named: any }])),
    ...mine.flatMap((model) =>
      all.flatMap(([side, { readsModel }]) => (readsModel ? [{ ...want, seed, side, model, named: model }] : [])),
    ),
  ];
}

/** Runs one side and keeps its row; one that fails is told of, and tried again by the next call. */
async function measure({ named, ...job }: Job, drawn: Draw, files: DrawFiles): Promise<void> {
  const side = allSides[job.side];
  const name = [
    `${job.set}, ${shotsTitle(job.shots)}`,
    `seed ${job.seed}`,
    job.side,
    ...(job.model ? [basename(job.model)] : []),
  ].join(', ');
  if (!side) throw new Error(`internal: no side ${job.side}`);
  const trained = drawn.train.texts.length;
  if (job.side === 'setfit' && trained > Number(flags['setfit-texts'])) {
    tell(`${name}: left out, it has ${trained} texts, and --setfit-texts is ${flags['setfit-texts']}`);
    return;
  }
  const folder = workPath('fewshot', 'runs', 'model');
  rmSync(dirname(folder), { recursive: true, force: true });
  mkdirSync(dirname(folder), { recursive: true });
  const [load = 0] = loadavg();
  try {
    const { language } = sets[job.set];
    const { budget } = flags;
    const run = await runToEnd(
      side.command({ ...files, model: named, language, seed: job.seed, output: folder, budget }),
    );
    const answer = side.answer(JSON.parse(run.stdout.trim().split('\n').at(-1) ?? ''));
    const row: Row = {
      ...{ ...job, trained, tested: drawn.test.texts.length + drawn.unseen, ...answer },
      ...{ seconds: run.seconds, peakBytes: run.peakBytes, measured: new Date().toISOString() },
      ...{ processor: cpus()[0]?.model ?? 'unknown', cores: cpus().length, load },
    };
    appendRow(results, row);
    tell(`${name}: ${percent(row.correct / row.tested)} in ${seconds(row.seconds)}`);
  } catch (error) {
    process.exitCode = 1;
    tell(`${name}: no row. ${error instanceof Error ? error.message : error}`);
  }
}

function chosenSides(): Readonly<Record<string, Side>> {
  const others = flags['only-ours'] ? 'none' : flags.sides;
  const chosen = { ...named('methods', flags.methods, ourSides), ...named('sides', others, otherSides) };
  return Object.fromEntries(
    Object.entries(chosen).filter(([name, { modules }]) => {
      const lack = modules.length > 0 ? pythonLack(...modules) : undefined;
      if (lack) tell(`${name} is left out: ${lack}`);
      return !lack;
    }),
  );
}

function named(flag: string, value: string, all: Readonly<Record<string, Side>>): Readonly<Record<string, Side>> {
  if (value === 'none') return {};
  return Object.fromEntries(
    value.split(',').map((name) => {
      const side = all[name];
      return side
        ? [name, side]
        : fail(`--${flag}: there is no ${name}; there are ${Object.keys(all).join(', ')}, none`);
    }),
  );
}

function folders(value: string): string[] {
  return value
    .split(',')
    .filter(Boolean)
    .map((folder) => (existsSync(folder) ? resolve(folder) : fail(`${folder} is not there; name folders of models`)));
}

/** all-MiniLM-L6-v2 where BERTUNE_MODELS has it, and the base that comes with the package. */
function defaultModels(): string[] {
  const { BERTUNE_MODELS: root } = process.env;
  const bases = readdirSync('checkpoints').filter((name) => name.startsWith('bert-'));
  const places = [...(root ? [join(root, 'all-minilm-l6-v2')] : []), ...bases.map((name) => join('checkpoints', name))];
  return places.filter((folder) => existsSync(join(folder, 'config.json')));
}

/** What comes, and why something does not, while rows are measured. */
function tell(line: string): void {
  process.stderr.write(`${line}\n`);
}

function orFail<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    return fail(error instanceof Error ? error.message : String(error));
  }
}
