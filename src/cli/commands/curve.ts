import type { CurveResult } from '../../jobs/curve.ts';
import type { CommandSpec } from '../command.ts';
import { bar, percent, quantity, table } from '../format.ts';
import { jobOptions, withProgress } from '../jobOptions.ts';
import { writeResult } from '../output.ts';

export const curveCommand: CommandSpec = {
  name: 'curve',
  summary: 'accuracy at growing numbers of labels, and what twice as many would bring',
  job: 'curve',
  flags: ['query', 'evalQuery', 'textColumn', 'labelColumn', 'groupColumn'],
  examples: [
    'bertune curve --model checkpoints/bert-mini-sentences --train labeled.csv',
    'bertune curve --model sentence-transformers/all-MiniLM-L6-v2 --train labeled.csv --eval test.csv --json',
  ],
  async run(settings, context) {
    const { curve } = await import('../../jobs/curve.ts');
    const options = jobOptions('curve', settings);
    const result = await withProgress(context, (hooks) => curve(options, hooks));
    await writeResult(context, settings, result, () => report(result));
  },
};

const cells = 24;

function report({ sizes, forecasts, gain, law, measuredOn, method }: CurveResult): string {
  const row = ({ labels, accuracy, low, high }: (typeof sizes)[number], what: string) => [
    quantity(labels),
    percent(accuracy),
    `${percent(low)} to ${percent(high)}`,
    what,
    bar(accuracy, cells),
  ];
  const points = (share: number) => (100 * share).toFixed(1);
  const [now, twice] = forecasts;
  const by = method === 'words' ? 'a linear classifier on words' : 'a linear classifier on vectors';
  return [
    table(
      [
        ['labels', 'right', '95 % interval', ''],
        ...sizes.map((size) => row(size, 'measured')),
        ...forecasts.filter(({ labels }) => labels > (sizes.at(-1)?.labels ?? 0)).map((size) => row(size, 'forecast')),
      ],
      ['right', 'right', 'right', 'left', 'left'],
    ),
    '',
    `twice the labels, ${quantity(twice?.labels ?? 0)} in place of ${quantity(now?.labels ?? 0)}, would bring about ${points(gain.mean)} points (95 % interval ${points(gain.low)} to ${points(gain.high)})`,
    `errors fall as ${law.floor.toFixed(3)} + ${law.scale.toPrecision(3)} · labels^-${law.rate.toFixed(2)}; measured on ${quantity(measuredOn)} texts by ${by}`,
  ].join('\n');
}
