import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { randomBelow, randomUnit } from '../../src/core/random.ts';
import { readLabeledSet } from '../../src/data/labels.ts';
import { judge } from '../../src/jobs/auditing/judge.ts';
import type { Examples } from '../../src/tasks/learner.ts';
import { dataFile, pythonLack, pythonScript, saveResults, workPath } from './environment.ts';
import { type JudgingSet, judgingSet, judgingSetOf, testAccuracy } from './judgingSets.ts';
import { runToEnd } from './processes.ts';
import { percent, printTable } from './table.ts';

/**
 * Labels of Banking77 that were swapped, found again by `audit` and by cleanlab (a logistic regression of scikit-learn on
 * the same vectors, in folds, and `find_label_issues` as it comes), and what a classifier then gets right of the clean test
 * set. Of kind `real` nothing is swapped: the labels of BANKING77-OOS's texts are held against those that Banking77 gives the same texts.
 * Flags: --rates 0.05,0.1,0.2, --kinds uniform,confusable,real, --seeds 1, --texts N, --only-ours.
 */
const { values: flags } = parseArgs({
  options: {
    rates: { type: 'string', default: '0.05,0.1,0.2' },
    kinds: { type: 'string', default: 'uniform,confusable,real' },
    seeds: { type: 'string', default: '1' },
    texts: { type: 'string' },
    'only-ours': { type: 'boolean', default: false },
  },
});

const set = await judgingSet('banking77', flags.texts === undefined ? undefined : Number(flags.texts));
const nearest = nearestClasses(set);
const lack = flags['only-ours'] ? '--only-ours' : pythonLack('numpy', 'sklearn', 'cleanlab');
if (lack && !flags['only-ours']) process.stderr.write(`without cleanlab: ${lack}\n`);
const results: object[] = [];
const table: string[][] = [];
for (const kind of flags.kinds.split(',')) {
  if (kind === 'real') {
    await realCase();
    continue;
  }
  for (const rate of flags.rates.split(',').map(Number)) {
    for (let seed = 0; seed < Number(flags.seeds); seed++) await oneCase(kind, rate, seed);
  }
}
printTable('labels of Banking77 that were swapped, found again', [
  ['', 'flags', 'precision', 'recall', 'F1', 'ROC', 'PR', 'as given', 'dropped', 'mended', 'clean'],
  ...table,
]);
saveResults('audit', { recipe: flags, results });

async function oneCase(kind: string, rate: number, seed: number): Promise<void> {
  const labels = swapped(kind, rate, seed);
  const wrong = Array.from(labels, (label, i) => label !== set.train.labels[i]);
  const examples = { ...set.train, labels };
  for (const { side, ...judged } of await bySide(set, examples, seed)) await add(side, judged);

  async function add(side: string, { flagged, scores, likely }: Omit<Judged, 'side'>): Promise<void> {
    const isFlagged = new Set(flagged);
    const kept = Array.from(labels.keys()).filter((i) => !isFlagged.has(i));
    const c = await set.learner.chooseC(examples, 0);
    const accuracy = {
      given: await testAccuracy(set, examples, c),
      dropped: await testAccuracy(set, { ...examples, ...some(examples, kept) }, c),
      mended: await testAccuracy(
        set,
        { ...examples, labels: labels.map((label, i) => (isFlagged.has(i) ? (likely[i] as number) : label)) },
        c,
      ),
      clean: await testAccuracy(set, set.train, c),
    };
    note(`${side}, ${kind} ${percent(rate)}, seed ${seed}`, found(flagged, scores, wrong), Object.values(accuracy));
    results.push({ side, kind, rate, seed, ...found(flagged, scores, wrong), accuracy });
  }
}

/** Labels that a published set got wrong. */
async function realCase(): Promise<void> {
  const [own, ...others] = await Promise.all(
    ['banking77oos_train', 'banking77_train', 'banking77_valid', 'banking77_test'].map((name) =>
      readLabeledSet({ files: [dataFile(`intents/${name}.csv`)], flag: 'data', onNote: () => {} }),
    ),
  );
  if (!own) throw new Error('internal: no texts');
  const right = new Map<string, Set<string>>();
  for (const { texts, labels } of others) {
    for (const [i, text] of texts.entries()) {
      const key = text.trim().toLowerCase();
      right.set(key, (right.get(key) ?? new Set()).add(labels[i] as string));
    }
  }
  const rows = Array.from(own.texts.keys()).filter((i) => own.texts[i]?.trim() !== '');
  const pool = { texts: rows.map((i) => own.texts[i] as string), labels: rows.map((i) => own.labels[i] as string) };
  const real = await judgingSetOf({ pool, test: { texts: [], labels: [] } });
  const wrong = pool.texts.map((text, i) => {
    const labels = right.get(text.trim().toLowerCase());
    return labels !== undefined && !labels.has(pool.labels[i] as string);
  });
  for (const { side, flagged, scores } of await bySide(real, real.train, 0)) {
    note(`${side}, real`, found(flagged, scores, wrong), []);
    results.push({ side, kind: 'real', ...found(flagged, scores, wrong) });
  }
}

interface Judged {
  readonly side: string;
  /** Numbers of the examples whose labels look wrong. */
  readonly flagged: readonly number[];
  /** Of each example, high where its label looks wrong. */
  readonly scores: Float64Array;
  readonly likely: Int32Array;
}

async function bySide(of: JudgingSet, examples: Examples, seed: number): Promise<Judged[]> {
  const { labels } = examples;
  const { found, places } = await judge(of.learner, examples, seed);
  const scores = new Float64Array(labels.length);
  const likely = Int32Array.from(labels);
  for (const [at, i] of places.entries()) {
    scores[i] = found.scores[at] as number;
    likely[i] = found.likely[at] as number;
  }
  const ours = { side: 'bertune', flagged: found.flagged.map((at) => places[at] as number), scores, likely };
  if (lack) return [ours];
  const files = { vectors: workPath('audit.f32'), labels: workPath('audit.json'), output: workPath('cleanlab.json') };
  const { data, size } = of.vectors;
  writeFileSync(files.vectors, data.subarray(0, labels.length * size));
  writeFileSync(files.labels, JSON.stringify(Array.from(labels)));
  const { stdout } = await runToEnd(pythonScript('cleanlab', 'audit_reference.py', { ...files, size }));
  const theirs: { flags: number[]; scores: number[]; likely: number[] } = JSON.parse(stdout);
  return [
    ours,
    {
      ...{ side: 'cleanlab', flagged: theirs.flags },
      ...{ scores: Float64Array.from(theirs.scores), likely: Int32Array.from(theirs.likely) },
    },
  ];
}

function found(flagged: readonly number[], scores: Float64Array, wrong: readonly boolean[]) {
  const hits = flagged.filter((i) => wrong[i]).length;
  const [precision, recall] = [hits / flagged.length, hits / wrong.filter(Boolean).length];
  const f1 = (2 * precision * recall) / (precision + recall);
  return { flags: flagged.length, precision, recall, f1, ...areasUnder(scores, wrong) };
}

function note(
  title: string,
  { flags: count, precision, recall, f1, roc, pr }: ReturnType<typeof found>,
  accuracies: number[],
): void {
  table.push([
    ...[
      title,
      String(count),
      ...[precision, recall, f1].map((value) => value.toFixed(3)),
      roc.toFixed(4),
      pr.toFixed(3),
    ],
    ...(accuracies.length > 0 ? accuracies.map(percent) : ['', '', '', '']),
  ]);
  process.stderr.write(`${table.at(-1)?.join('  ')}\n`);
}

function some({ texts, labels }: Examples, kept: readonly number[]) {
  return { texts: kept.map((i) => texts[i] as number), labels: kept.map((i) => labels[i] as number) };
}

/** Labels of which a share is another one: any, or one of the three classes that lie nearest. */
function swapped(kind: string, rate: number, seed: number): Int32Array {
  const { labels, classes } = set.train;
  return Int32Array.from(labels, (label, i) => {
    if (randomUnit(seed, 'labels', i) >= rate) return label;
    if (kind === 'uniform') return (label + 1 + randomBelow(classes - 1, seed, 'labels', i, 1)) % classes;
    return nearest[label]?.[randomBelow(3, seed, 'labels', i, 1)] ?? label;
  });
}

/** Of each class the three whose mean vectors are nearest to its own. */
function nearestClasses({ train, vectors: { data, size } }: JudgingSet): number[][] {
  const means = Array.from({ length: train.classes }, () => new Float64Array(size));
  for (let i = 0; i < train.labels.length; i++) {
    const own = means[train.labels[i] as number] as Float64Array;
    for (let j = 0; j < size; j++) own[j] = (own[j] as number) + (data[i * size + j] as number);
  }
  const units = means.map((own) => own.map((value) => value / Math.hypot(...own)));
  const near = (a: Float64Array, b: Float64Array) => a.reduce((sum, value, j) => sum + value * (b[j] as number), 0);
  return units.map((own, c) =>
    Array.from(units.keys())
      .filter((other) => other !== c)
      .sort((a, b) => near(units[b] as Float64Array, own) - near(units[a] as Float64Array, own))
      .slice(0, 3),
  );
}

/** Areas under the curves of ROC and of precision against recall (average precision) of scores, high where wrong. */
function areasUnder(scores: Float64Array, wrong: readonly boolean[]): { roc: number; pr: number } {
  const order = Array.from(scores.keys()).sort((a, b) => (scores[b] as number) - (scores[a] as number));
  const all = wrong.filter(Boolean).length;
  let [hits, roc, pr] = [0, 0, 0];
  for (const [rank, i] of order.entries()) {
    if (wrong[i]) pr += ++hits / (rank + 1);
    else roc += hits;
  }
  return { roc: roc / (all * (scores.length - all)), pr: pr / all };
}
