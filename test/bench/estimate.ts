import { copyFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { gunzipSync } from 'node:zlib';
import { randomUnit } from '../../src/core/random.ts';
import { adapt } from '../../src/jobs/adapt.ts';
import { forecastOf } from '../../src/jobs/estimating/forecast.ts';
import { cacheFolder, fail, resultsFolder, saveResults, threads, workFolder } from './environment.ts';
import { mean } from './judgingSets.ts';
import { printTable } from './table.ts';

/**
 * How far what `estimate` tells is off: whole runs of `adapt` beside what short runs of 4, 8, 16 … steps, each with the whole
 * schedule, tell of them; and how often the truth is in the interval. A short run of `estimate` is a run of `adapt` of as many
 * steps, to the last bit, so that runs of `adapt` are what both sides are made of; they are kept, and made once. Flags:
 * --worlds cs-5e-4,… --seeds 1 --tried 8,16,32,64,128 --steps 512,1024 --batch-tokens 512 --max-length 32.
 */
const { values: flags } = parseArgs({
  options: {
    worlds: { type: 'string', default: '' },
    seeds: { type: 'string', default: '1' },
    tried: { type: 'string', default: '8,16,32,64,128' },
    steps: { type: 'string', default: '512' },
    'batch-tokens': { type: 'string', default: '512' },
    'max-length': { type: 'string', default: '32' },
  },
});

interface World {
  readonly model: 'bert-mini-sentences' | 'bert-mini-general';
  readonly text: 'cs' | 'wiki' | 'imdb';
  readonly learningRate: number;
  readonly schedule?: 'linear' | 'cosine' | 'constant';
}

/** Models, texts and learning rates that a run may have: what is gained goes from nothing to two thirds of the loss. */
const worlds: Readonly<Record<string, World>> = {
  'logs, sentences, 5e-4': { model: 'bert-mini-sentences', text: 'cs', learningRate: 5e-4 },
  'reviews, sentences, 1e-3': { model: 'bert-mini-sentences', text: 'imdb', learningRate: 1e-3 },
  'logs, general, 5e-4 cosine': { model: 'bert-mini-general', text: 'cs', learningRate: 5e-4, schedule: 'cosine' },
  'logs, sentences, 2e-4 constant': {
    model: 'bert-mini-sentences',
    text: 'cs',
    learningRate: 2e-4,
    schedule: 'constant',
  },
  'logs, general, 5e-5': { model: 'bert-mini-general', text: 'cs', learningRate: 5e-5 },
  'reviews, general, 2e-4': { model: 'bert-mini-general', text: 'imdb', learningRate: 2e-4 },
  'articles, sentences, 5e-4': { model: 'bert-mini-sentences', text: 'wiki', learningRate: 5e-4 },
};

interface Run {
  readonly world: string;
  readonly seed: number;
  readonly steps: number;
  readonly tokens: number;
  readonly before: number;
  readonly after: number;
}

const folder = join(workFolder, 'estimate');
mkdirSync(folder, { recursive: true });
const kept = join(folder, `runs-${flags['batch-tokens']}-${flags['max-length']}.json`);
const runs: Run[] = existsSync(kept) ? (JSON.parse(readFileSync(kept, 'utf8')) as Run[]) : [];
const [tried, whole] = [numbers(flags.tried), numbers(flags.steps)];
const chosen = flags.worlds === '' ? Object.keys(worlds) : flags.worlds.split(';');
// Run records read the version from a package.json two folders above the sources.
copyFileSync('package.json', join(resultsFolder, 'build', 'package.json'));

const results: {
  world: string;
  seed: number;
  from: number;
  to: number;
  start: number;
  told: number;
  low: number;
  high: number;
  truth: number;
  last: number;
}[] = [];
for (const name of chosen) {
  for (let seed = 0; seed < Number(flags.seeds); seed++) {
    const own: Run[] = [];
    for (const steps of [...tried, ...whole]) own.push(await runOf(name, seed, steps));
    for (const steps of whole) {
      const truth = own.find((run) => run.steps === steps);
      // As after less time, too: with the longest short runs left out.
      for (let longest = 3; longest <= tried.length; longest++) {
        const short = own.slice(0, longest).map(({ tokens, after }) => ({ tokens, loss: after }));
        const last = own[longest - 1];
        if (!truth || !last || last.steps > steps / 2) continue;
        const { forecast } = forecastOf({ loss: truth.before }, short, truth.tokens, seed);
        const { value: told, low, high } = forecast?.loss ?? { value: Number.NaN, low: Number.NaN, high: Number.NaN };
        results.push({
          ...{ world: name, seed, from: last.steps, to: steps, start: truth.before, told, low, high },
          ...{ truth: truth.after, last: last.after },
        });
      }
    }
  }
}

const told = results.filter(({ told }) => Number.isFinite(told));
const perplexity = (loss: number) => Math.exp(loss).toFixed(2);
printTable('perplexity of whole runs, told from short ones', [
  ['', 'steps tried', 'of', 'start', 'tried', 'told', 'interval', 'truth', 'within'],
  ...results.map(({ world, from, to, start, last, told, low, high, truth }) => [
    ...[world, String(from), String(to)],
    ...[start, last, told].map((loss) => (Number.isFinite(loss) ? perplexity(loss) : '-')),
    Number.isFinite(low) ? `${perplexity(low)} to ${perplexity(high)}` : 'nothing told',
    ...[perplexity(truth), Number.isFinite(low) ? (low <= truth && truth <= high ? 'yes' : 'no') : '-'],
  ]),
]);
const within = told.filter(({ low, high, truth }) => low <= truth && truth <= high).length;
const off = (of: (one: (typeof told)[number]) => number) =>
  `${(100 * mean(told.map((one) => Math.abs(Math.exp(of(one) - one.truth) - 1)))).toFixed(1)} %`;
printTable('all of them', [
  ['told', 'nothing told', 'within', 'perplexity off by', 'with that of the longest short run'],
  [
    String(told.length),
    String(results.length - told.length),
    `${within} of ${told.length}`,
    off((one) => one.told),
    off((one) => one.last),
  ],
]);
saveResults('estimate', { recipe: flags, results });

async function runOf(world: string, seed: number, steps: number): Promise<Run> {
  const found = runs.find((run) => run.world === world && run.seed === seed && run.steps === steps);
  if (found) return found;
  const { model, text, learningRate, schedule } =
    worlds[world] ?? fail(`${world} is none of ${Object.keys(worlds).join('; ')}`);
  const { evalLossBefore, evalLossAfter, tokens } = await adapt({
    ...{ model: join(modelsFolder(), model), objective: 'masked', learningRate, schedule, seed, maxSteps: steps },
    corpus: { files: [textFile(text, 'train')] },
    eval: { files: [textFile(text, 'held')] },
    ...{ evalLimit: 300, batchTokens: Number(flags['batch-tokens']), maxLength: Number(flags['max-length']) },
    ...{ saveSteps: 0, report: false, threads, cache: cacheFolder, output: join(folder, 'run'), overwrite: true },
  });
  if (evalLossBefore === null || evalLossAfter === null) throw new Error('nothing was held out');
  const run = { world, seed, steps, tokens, before: evalLossBefore, after: evalLossAfter };
  runs.push(run);
  writeFileSync(kept, JSON.stringify(runs));
  process.stderr.write(
    `${world} seed ${seed}, ${steps} steps: ${evalLossBefore.toFixed(3)} -> ${evalLossAfter.toFixed(3)}\n`,
  );
  return run;
}

/** Lines of a public text in an order drawn by chance, in two files. */
function textFile(text: World['text'], part: 'train' | 'held'): string {
  const path = (which: string) => join(folder, `${text}-${which}.txt`);
  if (existsSync(path(part))) return path(part);
  const lines = linesOf(text).filter((line) => line.trim() !== '');
  const order = lines.map((_, i) => randomUnit(0, 'sample', i, 0, 0));
  const drawn = [...lines.keys()].sort((a, b) => (order[a] as number) - (order[b] as number)).map((i) => lines[i]);
  writeFileSync(path('held'), `${drawn.slice(0, 2000).join('\n')}\n`);
  writeFileSync(path('train'), `${drawn.slice(2000, 102_000).join('\n')}\n`);
  return path(part);
}

function linesOf(text: World['text']): string[] {
  const data = process.env.BERTUNE_DATA ?? fail('BERTUNE_DATA names the folder with the data sets');
  const read = (name: string) =>
    gunzipSync(readFileSync(join(data, name)))
      .toString()
      .split('\n');
  if (text !== 'imdb') return read(text === 'cs' ? 'text/cs_logs.txt.gz' : 'text/wiki_en.txt.gz');
  const reviews = read('imdb/unsup.jsonl.gz').filter((line) => line !== '');
  return reviews.map((line) => (JSON.parse(line) as { text: string }).text.replace(/<br \/>|\n/g, ' '));
}

function modelsFolder(): string {
  return process.env.BERTUNE_MODELS ?? fail('BERTUNE_MODELS names the folder with the models');
}

function numbers(list: string): number[] {
  return list.split(',').map(Number);
}
