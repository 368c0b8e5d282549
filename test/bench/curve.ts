import { parseArgs } from 'node:util';
import { sampleLimit } from '../../src/data/labels.ts';
import type { Examples } from '../../src/tasks/learner.ts';
import { learningCurve } from '../../src/tasks/learningCurve.ts';
import { saveResults } from './environment.ts';
import type { SetName } from './fewshotSets.ts';
import { judgingSet, mean, testAccuracy } from './judgingSets.ts';
import { percent, printTable } from './table.ts';

/**
 * How far the forecasts of `curve` are off: from half the labels, what all of them bring, beside what they do bring, both
 * on the test set; and how often the truth is in the interval. Flags: --sets banking77,snips,atis,sst2, --seeds 5, --labels
 * 250,1000,4000 (all labels that there are, each).
 */
const { values: flags } = parseArgs({
  options: {
    sets: { type: 'string', default: 'banking77,snips,atis,sst2' },
    seeds: { type: 'string', default: '5' },
    labels: { type: 'string', default: '500,2000,4000' },
  },
});

const results: {
  set: string;
  labels: number;
  seed: number;
  half: number;
  forecast: number;
  real: number;
  isIn: boolean;
}[] = [];
for (const name of flags.sets.split(',')) {
  const set = await judgingSet(name as SetName, 10_000);
  for (const labels of flags.labels.split(',').map(Number)) {
    if (labels > set.train.labels.length || labels < 8 * set.names.length) continue;
    for (let seed = 0; seed < Number(flags.seeds); seed++) {
      const whole = part(set.train, labels, seed);
      const half = part(whole, labels / 2, seed + 100);
      const { sizes, forecast } = await learningCurve({ learner: set.learner, examples: half, held: set.test, seed });
      const real = await testAccuracy(set, whole, await set.learner.chooseC(whole, seed));
      const { accuracy, low, high } = forecast(labels);
      const isIn = low <= real && real <= high;
      results.push({ set: name, labels, seed, half: sizes.at(-1)?.accuracy ?? 0, forecast: accuracy, real, isIn });
      process.stderr.write(
        `${name} ${labels} seed ${seed}: ${percent(accuracy)} (${percent(low)} to ${percent(high)}), really ${percent(real)}\n`,
      );
    }
  }
}
const groups = [...new Set(results.map(({ set, labels }) => `${set} ${labels}`))];
const points = (value: number) => (100 * value).toFixed(1);
printTable('forecasts from half the labels, in points', [
  ['', 'half', 'forecast', 'all', 'off by', 'at most', 'without a forecast', 'in the interval'],
  ...[...groups, ''].map((group) => {
    const own = results.filter(({ set, labels }) => group === '' || `${set} ${labels}` === group);
    const of = (value: (one: (typeof own)[number]) => number) => own.map(value);
    const off = of(({ forecast, real }) => Math.abs(forecast - real));
    return [
      group === '' ? 'all' : group,
      ...[of(({ half }) => half), of(({ forecast }) => forecast), of(({ real }) => real)].map((all) =>
        points(mean(all)),
      ),
      ...[points(mean(off)), points(Math.max(...off)), points(mean(of(({ half, real }) => Math.abs(half - real))))],
      `${own.filter(({ isIn }) => isIn).length} of ${own.length}`,
    ];
  }),
]);
saveResults('curve', { recipe: flags, results });

function part({ texts, labels, classes }: Examples, count: number, seed: number): Examples {
  const names = Array.from(labels, String);
  const kept = sampleLimit({ labels: names, limit: count, seed });
  return { texts: kept.map((i) => texts[i] as number), labels: kept.map((i) => labels[i] as number), classes };
}
