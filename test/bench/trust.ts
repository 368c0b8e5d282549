import { performance } from 'node:perf_hooks';
import { parseArgs } from 'node:util';
import { alone } from '../../src/core/collective.ts';
import { randomUnit } from '../../src/core/random.ts';
import { stratifiedFolds } from '../../src/data/folds.ts';
import { labelNames, readLabeledSet } from '../../src/data/labels.ts';
import { onnxEngine } from '../../src/engine/onnx/engine.ts';
import { softmax } from '../../src/evaluation/classification.ts';
import type { Rows } from '../../src/evaluation/neighbours.ts';
import { binomialTail, lowerBound, upperBound } from '../../src/evaluation/trust/binomial.ts';
import { measureCalibration } from '../../src/evaluation/trust/calibrationMeasure.ts';
import { type SetKind, setKinds } from '../../src/evaluation/trust/conformal.ts';
import { outsideScores } from '../../src/evaluation/trust/outsideScorer.ts';
import { type Asked, choosePolicy, decide } from '../../src/evaluation/trust/policy.ts';
import { measureSeparation } from '../../src/evaluation/trust/ranking.ts';
import { trustRows } from '../../src/evaluation/trust/rows.ts';
import { unscaled } from '../../src/evaluation/trust/scaling.ts';
import { openModel } from '../../src/jobs/model.ts';
import { fitTrust } from '../../src/jobs/trust/fit.ts';
import { linearLogits } from '../../src/jobs/trust/linearLogits.ts';
import { scaledValues } from '../../src/jobs/trust/scaledParts.ts';
import type { Trust } from '../../src/jobs/trust/trust.ts';
import { fitLinearHead } from '../../src/tasks/linearHead.ts';
import { dataFile, saveResults, threads } from './environment.ts';
import { gigabytes, percent, printTable, seconds } from './table.ts';

/**
 * How far a classifier on frozen vectors can be trusted: calibration before and after, texts of no class out of and in
 * the domain (BANKING77-OOS), and whether promises hold on five sets, each with ten splits into texts that calibrate and
 * texts that measure; then 100,000 predictions through all of it. Flags: --model DIR, --most N (training texts of a set),
 * --splits N.
 */
const { values: flags } = parseArgs({
  options: {
    model: { type: 'string', default: 'sentence-transformers/all-MiniLM-L6-v2' },
    most: { type: 'string', default: '3000' },
    splits: { type: 'string', default: '10' },
  },
});

interface BenchSet {
  readonly name: string;
  readonly train: string;
  readonly pool: readonly string[];
  readonly outside?: Readonly<Record<string, string>>;
}

const intents = (name: string) => ({
  name,
  train: `intents/${name}_train.csv`,
  pool: [`intents/${name}_valid.csv`, `intents/${name}_test.csv`],
});
const sets: readonly BenchSet[] = [
  {
    ...intents('banking77oos'),
    pool: ['intents/banking77oos_test.csv'],
    outside: {
      'out of the domain': 'intents/banking77oos_oodoos_test.csv',
      'in the domain': 'intents/banking77oos_idoos_test.csv',
    },
  },
  intents('banking77'),
  intents('snips'),
  intents('atis'),
  { name: 'sst2', train: 'sst2/train.tsv', pool: ['sst2/dev.tsv'] },
];

const engine = onnxEngine({ threads });
const model = await openModel(flags.model, { threads }, alone);

interface Texts {
  readonly texts: string[];
  readonly labels: string[];
}

async function read(files: readonly string[], most = Number.POSITIVE_INFINITY): Promise<Texts> {
  const set = await readLabeledSet({ files: files.map(dataFile), flag: 'data', onNote: () => {} });
  const chosen = Array.from(set.texts.keys())
    .sort((a, b) => randomUnit(0, 'sample', a) - randomUnit(0, 'sample', b))
    .slice(0, most);
  return { texts: chosen.map((i) => set.texts[i] as string), labels: chosen.map((i) => set.labels[i] as string) };
}

async function vectorsOf(texts: readonly string[]): Promise<Rows> {
  const data: number[][] = [];
  for (let from = 0; from < texts.length; from += 1024) {
    for (const vector of await model.embed(texts.slice(from, from + 1024))) data.push([...vector]);
  }
  return { data: Float32Array.from(data.flat()), size: data[0]?.length ?? 0 };
}

/** A classifier of a set, and what is known of it. */
async function trained(set: BenchSet) {
  const train = await read([set.train], Number(flags.most));
  const labels = labelNames(train.labels);
  const numbers = Int32Array.from(train.labels, (label) => labels.indexOf(label));
  const classes = labels.length;
  const features = await vectorsOf(train.texts);
  const folds = stratifiedFolds({ classes: numbers, keys: [train.texts], count: 5, seed: 0 });
  const head = await fitLinearHead({ engine, features, labels: numbers, classes, folds });
  const trust = await fitTrust({
    ...{ answers: head.held, labels: numbers, classes, folds, vectors: features, by: 'folds', trained: [], seed: 0 },
    mayScaleClasses: true,
  });
  if (!trust) throw new Error(`${set.name}: nothing was held out`);
  const values = scaledValues(
    new Map([
      ['classifier.weight', Float32Array.from(head.weight)],
      ['classifier.bias', Float32Array.from(head.bias)],
    ]),
    trust.scaling,
  );
  const seen = async (texts: readonly string[]) => {
    const vectors = await vectorsOf(texts);
    const rows = Array.from({ length: texts.length }, (_, i) =>
      vectors.data.subarray(i * vectors.size, (i + 1) * vectors.size),
    );
    const logits = linearLogits(rows, values);
    const flat = Float32Array.from(logits.flatMap((row) => [...row]));
    return { logits, vectors, outside: outsideScores(trust.outside, { logits: flat, classes, vectors }) };
  };
  return { labels, classes, trust, seen };
}

const asks: readonly (Partial<Asked> & { readonly name: string })[] = [
  ...[0.02, 0.05].map((mostWrong) => ({ name: `${percent(mostWrong)} wrong`, mostWrong })),
  ...setKinds.flatMap((kind: SetKind) => [{ name: `coverage 95 %, ${kind}`, coverage: 0.95, sets: kind }]),
];
const outcomes = new Map(asks.map(({ name }) => [name, [] as Outcome[]]));

interface Outcome {
  readonly set: string;
  readonly isRefused?: true;
  /** Texts measured, and how many kept to what was promised. */
  readonly count?: number;
  readonly good?: number;
  readonly answered?: number;
  readonly size?: number;
}

const calibrations: string[][] = [];
const separations: string[][] = [];
let last: Awaited<ReturnType<typeof trained>> | undefined;
let lastPool: Awaited<ReturnType<Awaited<ReturnType<typeof trained>>['seen']>> | undefined;
let lastLabels: Int32Array | undefined;
for (const set of sets) {
  const classifier = await trained(set);
  const { labels, classes, trust, seen } = classifier;
  const all = await read(set.pool);
  const kept = Array.from(all.texts.keys()).filter((i) => labels.includes(all.labels[i] as string));
  const pool = await seen(kept.map((i) => all.texts[i] as string));
  const numbers = Int32Array.from(kept, (i) => labels.indexOf(all.labels[i] as string));
  const measure = (row: (logits: ArrayLike<number>) => ArrayLike<number>) =>
    measureCalibration({
      probabilities: pool.logits.flatMap((logits) => [...softmax(row(logits))]),
      ...{ labels: numbers, classes },
    });
  const [before, after] = [measure((row) => unscaled(row, trust.scaling)), measure((row) => row)];
  calibrations.push([
    ...[set.name, trust.scaling.kind, String(after.count)],
    ...[before, after].flatMap(({ ece, eceEqualMass, logLoss }) => [
      `${ece.value.toFixed(4)} (${ece.low.toFixed(3)} to ${ece.high.toFixed(3)})`,
      eceEqualMass.value.toFixed(4),
      logLoss.value.toFixed(4),
    ]),
  ]);
  for (const [where, file] of Object.entries(set.outside ?? {})) {
    const outside = await seen((await read([file])).texts);
    const { auroc, auprOutside, fprAt95 } = measureSeparation(pool.outside, outside.outside);
    separations.push([where, trust.outside.kind, auroc.toFixed(4), auprOutside.toFixed(4), fprAt95.toFixed(4)]);
  }
  for (let split = 0; split < Number(flags.splits); split++) {
    for (const [name, outcome] of measureSplit(trust, pool, numbers, split)) {
      outcomes.get(name)?.push({ ...outcome, set: set.name });
    }
  }
  [last, lastPool, lastLabels] = [classifier, pool, numbers];
}

/** Calibrates with one half of the texts, and measures on the other. */
function* measureSplit(
  trust: Trust,
  { logits, outside }: { readonly logits: readonly Float32Array[]; readonly outside: Float64Array },
  labels: Int32Array,
  split: number,
): Generator<[string, Omit<Outcome, 'set'>]> {
  const isFresh = Array.from(labels, (_, i) => randomUnit(split, 'split', i) < 0.5);
  const fresh = Array.from(labels.keys()).filter((i) => isFresh[i]);
  const others = Array.from(labels.keys()).filter((i) => !isFresh[i]);
  const probabilities = logits.map((row) => softmax(row));
  const rows = trustRows(
    fresh.flatMap((i) => [...(probabilities[i] as Float64Array)]),
    fresh.map((i) => labels[i] as number),
    trust.classes,
    fresh.map((i) => outside[i] as number),
  );
  for (const { name, ...asked } of asks) {
    const policy = choosePolicy({ ...trust, fresh: rows }, { confidence: 0.95, ...asked });
    if ('impossible' in policy) {
      yield [name, { isRefused: true }];
      continue;
    }
    let [count, good, size] = [0, 0, 0];
    for (const i of others) {
      const { best, why, set } = decide(policy, probabilities[i] as Float64Array, outside[i] as number);
      if (why) continue;
      count++;
      size += set?.length ?? 0;
      if (set ? set.includes(labels[i] as number) : best === labels[i]) good++;
    }
    yield [name, { count, good, answered: count / others.length, size: size / Math.max(1, count) }];
  }
}

printTable('scores as probabilities', [
  ['set', 'scaling', 'texts', 'ECE before', 'equal shares', 'log loss', 'ECE after', 'equal shares', 'log loss'],
  ...calibrations,
]);
printTable('texts of no class, BANKING77-OOS', [['', 'told by', 'AUROC', 'AUPR', 'pass at 95 %'], ...separations]);
printTable(`promises on ${sets.length} sets × ${flags.splits} splits`, [
  ['asked', 'promised', 'refused', 'kept', 'broken beyond chance', 'at most by chance', 'answered', 'labels of a set'],
  ...asks.map(({ name, mostWrong, coverage = 0 }) => {
    const made = (outcomes.get(name) ?? []).filter(({ isRefused }) => !isRefused);
    const refused = (outcomes.get(name) ?? []).length - made.length;
    const of = (key: 'count' | 'good' | 'answered' | 'size') => made.reduce((sum, one) => sum + (one[key] ?? 0), 0);
    // Broken: the texts that measure speak against the promise by their own exact 95 % bound.
    const broken = made.filter(({ count = 0, good = 0 }) =>
      mostWrong === undefined
        ? upperBound(good, count, 0.95) < coverage
        : lowerBound(count - good, count, 0.95) > mostWrong,
    ).length;
    let chance = 0;
    while (binomialTail(chance, made.length, 0.05) < 0.99 && chance < made.length) chance++;
    return [
      ...[name, String(made.length), String(refused), percent(of('good') / Math.max(1, of('count')))],
      ...[String(broken), String(chance), percent(of('answered') / Math.max(1, made.length))],
      mostWrong === undefined ? (of('size') / Math.max(1, made.length)).toFixed(2) : '',
    ];
  }),
]);

if (last && lastPool && lastLabels) await many(last.trust, lastPool, lastLabels);

/** 100,000 texts through what tells strange ones, sets, decisions and measures. */
async function many(
  trust: Trust,
  { logits, vectors }: { readonly logits: readonly Float32Array[]; readonly vectors: Rows },
  labels: Int32Array,
): Promise<void> {
  const count = 100_000;
  const { size } = vectors;
  const policy = choosePolicy(trust, { confidence: 0.95, abstain: true, coverage: 0.95, sets: 'adaptive' });
  if ('impossible' in policy) throw new Error('internal: no policy');
  const memory = process.memoryUsage().rss;
  const began = performance.now();
  const probabilities = new Float32Array(count * trust.classes);
  let left = 0;
  const chunk = 512;
  for (let from = 0; from < count; from += chunk) {
    const some = Array.from({ length: Math.min(chunk, count - from) }, (_, i) => (from + i) % logits.length);
    const rows = some.map((i) => logits[i] as Float32Array);
    const data = new Float32Array(some.length * size);
    for (const [row, i] of some.entries()) data.set(vectors.data.subarray(i * size, (i + 1) * size), row * size);
    const flat = Float32Array.from(rows.flatMap((row) => [...row]));
    const scores = outsideScores(trust.outside, { logits: flat, classes: trust.classes, vectors: { data, size } });
    for (const [i, row] of rows.entries()) {
      const own = softmax(row);
      probabilities.set(own, (from + i) * trust.classes);
      if (decide(policy, own, scores[i] as number).why) left++;
    }
  }
  const all = Int32Array.from({ length: count }, (_, i) => labels[i % logits.length] as number);
  const { ece } = measureCalibration({ probabilities, labels: all, classes: trust.classes });
  printTable('100,000 predictions', [
    ['told by', 'time', 'memory more', 'left unlabeled', 'ECE'],
    [
      ...[trust.outside.kind, seconds((performance.now() - began) / 1000)],
      ...[gigabytes(process.memoryUsage().rss - memory), percent(left / count), ece.value.toFixed(4)],
    ],
  ]);
}

saveResults('trust', { recipe: flags, calibrations, separations, outcomes: Object.fromEntries(outcomes) });
await model.dispose();
