import { counted } from '../../core/errors.ts';
import type { ProbeImagesResult } from '../../jobs/imageUseTypes.ts';
import { type Verdict, verdictOf } from '../../jobs/verdict.ts';
import type { CommandSpec } from '../command.ts';
import { percent, table } from '../format.ts';
import { jobOptions, withProgress } from '../jobOptions.ts';
import { writeResult } from '../output.ts';

type Estimate = ProbeImagesResult['scratch'];

export const imageProbeCommand: CommandSpec = {
  name: 'image probe',
  group: 'train',
  summary: 'measure what an encoder learned, against a random one and training from scratch',
  job: 'probeImages',
  examples: [
    'bertune image probe --model runs/photos --train photos.tar:train --test photos.tar:test --labels-per-class 10',
  ],
  async run(settings, context) {
    const { probeImages } = await import('../../jobs/probeImages.ts');
    const options = jobOptions('probeImages', settings);
    const result = await withProgress(context, (hooks) => probeImages(options, hooks));
    await writeResult(context, settings, result, () => probeReport(result));
  },
};

/** What was measured, for people. */
export function probeReport(result: ProbeImagesResult): string {
  const { pretrained, randomStart, scratch, labeled, tested, overRandomStart, overScratch } = result;
  const seeds = scratch.values.length;
  return [
    table(
      [
        ['accuracy', 'linear probe', 'nearest neighbours', 'all weights trained'],
        ['pretrained encoder', shown(pretrained.linear), shown(pretrained.knn), ''],
        ['the same at random start', shown(randomStart.linear), shown(randomStart.knn), ''],
        ['supervised from scratch', '', '', shown(scratch)],
      ],
      ['left'],
    ),
    `${counted(labeled, 'labeled image')}, ${counted(tested, 'test image')}, ${counted(seeds, 'seed')}${seeds > 1 ? ' (mean ± 95 % interval)' : ''}`,
    '',
    ...(overRandomStart && overScratch
      ? [
          `pretrained less random start: ${differenceOf(overRandomStart)}`,
          `pretrained less from scratch: ${differenceOf(overScratch)}`,
          verdictLine(result),
        ]
      : ['one seed tells no interval: run with --seeds 3 or more for a verdict']),
  ].join('\n');
}

/** What both comparisons say together: it helped where it beats both baselines, and did not where one is not beaten. */
function verdictLine({ overRandomStart, overScratch }: ProbeImagesResult): string {
  const verdicts = { 'a random encoder': verdictOf(overRandomStart), 'training from scratch': verdictOf(overScratch) };
  const relationTo = ([verdict, relation]: readonly [Verdict, string]) => {
    const names = Object.entries(verdicts).flatMap(([name, found]) => (found === verdict ? [name] : []));
    return names.length > 0 ? [`${relation} ${names.join(' and ')}`] : [];
  };
  const said = relations.flatMap(relationTo);
  if (said.length === 0) return 'helped: above both baselines with the whole interval';
  const isRefuted = Object.values(verdicts).some((verdict) => verdict === 'harmed' || verdict === 'did not help');
  return `${isRefuted ? 'did not help' : 'not shown with so few images'}: ${said.join(', ')}`;
}

/** How features stand to a baseline that they do not beat. */
const relations: readonly (readonly [Verdict, string])[] = [
  ['harmed', 'below'],
  ['did not help', 'no better than'],
  ['not shown', 'perhaps above, perhaps not above'],
];

function shown({ mean, high }: Estimate): string {
  return high === null ? percent(mean) : `${percent(mean).replace(' %', '')} ± ${percent(high - mean)}`;
}

function differenceOf({ mean, low, high }: { readonly mean: number; readonly low: number; readonly high: number }) {
  const points = (share: number) => `${share >= 0 ? '+' : ''}${(100 * share).toFixed(1)}`;
  return `${points(mean)} points (${points(low)} to ${points(high)})`;
}
