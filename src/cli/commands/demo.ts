import type { DemoResult, DemoStart } from '../../jobs/demo.ts';
import type { FillMaskResult } from '../../jobs/types.ts';
import type { Verdict } from '../../jobs/verdict.ts';
import type { CommandSpec } from '../command.ts';
import { duration, percent, table } from '../format.ts';
import { given, withTraining } from '../jobOptions.ts';
import { ladderReport } from '../ladderReport.ts';
import { writeResult } from '../output.ts';
import { settlement, signedPoints } from '../settlement.ts';

export const demoCommand: CommandSpec = {
  name: 'demo',
  group: 'train',
  summary: 'run the main job on the messages and the base model that come with bertune',
  job: 'demo',
  helps: { seed: 'accepted for symmetry: the demo runs five fixed seeds' },
  examples: ['bertune demo', 'bertune demo --json'],
  async run(settings, context) {
    const { demo } = await import('../../jobs/demo.ts');
    const options = given({ output: settings.output, threads: settings.threads });
    const result = await withTraining(context, (hooks) => demo(options, hooks));
    await writeResult(context, settings, result, () => demoReport(result));
  },
};

/** What the demo found, for people. */
export function demoReport({
  adapted,
  labels,
  seeds,
  summaries,
  difference,
  verdict,
  ladder,
  ladderAccuracy,
  before,
  after,
  seconds,
}: DemoResult): string {
  const row = (name: DemoStart) => {
    const { mean, lowest, highest } = summaries[name];
    return [name, percent(mean), `${percent(lowest)} to ${percent(highest)}`];
  };
  return [
    `Unlabeled messages: perplexity on held-out ones ${adapted.perplexityBefore?.toFixed(1)} -> ${adapted.perplexityAfter?.toFixed(1)}`,
    '',
    before.text,
    `  before: ${words(before)}`,
    `  after:  ${words(after)}`,
    '',
    `Test accuracy of an intent classifier from ${labels} labels (mean and range of ${seeds.length} seeds):`,
    table([row('random start'), row('base'), row('adapted')], ['left', 'right', 'left']),
    '',
    `adapted - base: ${signedPoints(difference.mean)} points (95 % interval ${signedPoints(difference.low)} to ${signedPoints(difference.high)})`,
    `${verdicts[verdict]}${verdict === 'not shown' ? settlement(difference) : ''}`,
    '',
    ...(ladder ? [ladderReport(ladder), `${ladder.chosen}: ${percent(ladderAccuracy)} of the test texts`, ''] : []),
    `Took ${duration(seconds)}. Try it: npx bertune fill-mask --model ${adapted.output}`,
  ].join('\n');
}

const verdicts: Readonly<Record<Verdict, string>> = {
  helped: 'adapting helped: the whole interval lies above 0',
  'not shown': 'not shown with these few texts: the interval holds 0 and gains of a point or more',
  'did not help': 'adapting did not help: the interval holds no gain of a point',
  harmed: 'adapting harmed: the whole interval lies below 0',
};

function words({ masks }: FillMaskResult): string {
  return masks
    .flatMap(({ candidates }) => candidates.map(({ token, score }) => `${token} ${percent(score)}`))
    .join(', ');
}
