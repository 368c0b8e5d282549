import { parseArgs } from 'node:util';
import { NearDuplicates } from '../../src/data/nearDuplicates.ts';
import type { Strategy } from '../../src/evaluation/choosing.ts';
import type { Examples } from '../../src/tasks/learner.ts';
import { nextTexts } from '../../src/tasks/nextTexts.ts';
import { fail, saveResults } from './environment.ts';
import type { SetName } from './fewshotSets.ts';
import { type JudgingSet, judgingSet, mean, testAccuracy } from './judgingSets.ts';
import { percent, printTable } from './table.ts';

/**
 * How many labels a classifier on vectors needs to get a share of the test set right, when texts are chosen as `next` does,
 * in batches, from no label on, beside choosing by chance. Flags: --sets banking77,snips, --strategies
 * mix,margin,coverage,random, --seeds 10, --target 0.85, --batch N (a class a text and a half), --most N, --pool N.
 */
const { values: flags } = parseArgs({
  options: {
    sets: { type: 'string', default: 'banking77,snips' },
    strategies: { type: 'string', default: 'mix,margin,entropy,coverage,random' },
    seeds: { type: 'string', default: '10' },
    target: { type: 'string', default: '0.85' },
    batch: { type: 'string' },
    most: { type: 'string' },
    pool: { type: 'string' },
  },
});

const target = Number(flags.target);
const strategies = flags.strategies.split(',');
const known: readonly Strategy[] = ['mix', 'margin', 'entropy', 'coverage', 'random'];
const results: object[] = [];
for (const name of flags.sets.split(',')) {
  const set = await judgingSet(name as SetName, flags.pool === undefined ? undefined : Number(flags.pool));
  const { classes } = set.train;
  const batch = flags.batch === undefined ? Math.max(7, Math.round(1.5 * classes)) : Number(flags.batch);
  const most = flags.most === undefined ? 15 * classes : Number(flags.most);
  const groups = groupsOf(set);
  const rows: string[][] = [];
  let byChance: number | undefined;
  for (const wanted of [...strategies].sort((a, b) => Number(b === 'random') - Number(a === 'random'))) {
    const strategy = known.find((one) => one === wanted) ?? fail(`--strategies: there is no ${wanted}`);
    const needed: number[] = [];
    const curves: { labels: number; accuracy: number }[][] = [];
    for (let seed = 0; seed < Number(flags.seeds); seed++) {
      const curve = await simulated(set, groups, { strategy, seed, batch, most });
      curves.push(curve);
      needed.push(labelsTo(curve) ?? most);
      process.stderr.write(
        `${name} ${strategy} seed ${seed}: ${curve.map(({ labels, accuracy }) => `${labels}:${percent(accuracy)}`).join(' ')}\n`,
      );
    }
    if (strategy === 'random') byChance = mean(needed);
    results.push({ set: name, strategy, batch, needed, curves });
    const of = byChance === undefined ? '-' : percent(mean(needed) / byChance);
    rows.push([strategy, mean(needed).toFixed(0), `${Math.min(...needed)} to ${Math.max(...needed)}`, of]);
  }
  printTable(`${name}: labels to get ${percent(target)} right, in batches of ${batch}, mean of ${flags.seeds} seeds`, [
    ['', 'labels', 'lowest to highest', 'of chance'],
    ...rows,
  ]);
}
saveResults('next', { recipe: flags, results });

interface Simulation {
  readonly strategy: Strategy;
  readonly seed: number;
  readonly batch: number;
  readonly most: number;
}

/** Labels texts batch by batch until the share is reached. */
async function simulated(set: JudgingSet, groups: Int32Array, { strategy, seed, batch, most }: Simulation) {
  const { learner, vectors, train } = set;
  let chosen: number[] = [];
  const curve: { labels: number; accuracy: number }[] = [];
  while (chosen.length < most) {
    const taken = new Set(chosen);
    const labeled = labeledOf(train, chosen);
    const pool = Array.from(train.texts).filter((i) => !taken.has(i));
    const turn = seed * 1000 + curve.length;
    const found = await nextTexts({
      learner,
      vectors,
      labeled,
      pool,
      groups,
      strategy,
      count: batch,
      seed: turn,
      c: usualC,
    });
    chosen = [...chosen, ...found.map(({ index }) => index)];
    const accuracy = await testAccuracy(set, labeledOf(train, chosen), usualC);
    curve.push({ labels: chosen.length, accuracy });
    if (accuracy >= target) break;
  }
  return curve;
}

/** For vectors of length 1, by folds on few labels of these sets. */
const usualC = 30;

/** Between two sizes, where a line from one to the other crosses the share. */
function labelsTo(curve: readonly { labels: number; accuracy: number }[]): number | undefined {
  const at = curve.findIndex(({ accuracy }) => accuracy >= target);
  const [before, after] = [curve[at - 1] ?? { labels: 0, accuracy: 0 }, curve[at]];
  if (!after) return undefined;
  const part = (target - before.accuracy) / (after.accuracy - before.accuracy);
  return before.labels + part * (after.labels - before.labels);
}

function labeledOf({ labels, classes }: Examples, texts: readonly number[]): Examples {
  return { texts, labels: texts.map((i) => labels[i] as number), classes };
}

function groupsOf({ learner, train }: JudgingSet): Int32Array {
  const near = new NearDuplicates((i) => learner.texts[i] as string);
  for (const i of Array.from(train.texts)) near.add(learner.texts[i] as string);
  const groups = Int32Array.from(train.texts);
  for (const { members } of near.groups()) for (const member of members) groups[member] = members[0] as number;
  return groups;
}
