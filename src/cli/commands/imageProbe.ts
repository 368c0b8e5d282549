import { counted } from '../../core/errors.ts';
import type { ProbeImagesResult } from '../../jobs/imageUseTypes.ts';
import type { CommandSpec } from '../command.ts';
import { percent, table } from '../format.ts';
import { jobOptions, withProgress } from '../jobOptions.ts';
import { writeResult } from '../output.ts';

type Estimate = ProbeImagesResult['scratch'];

export const imageProbeCommand: CommandSpec = {
  name: 'image probe',
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

function probeReport(result: ProbeImagesResult): string {
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
          verdictOf(result),
        ]
      : ['one seed tells no interval: run with --seeds 3 or more for a verdict']),
  ].join('\n');
}

function verdictOf({ helped, overRandomStart, overScratch }: ProbeImagesResult): string {
  if (helped) return 'helped: above both baselines with the whole interval';
  const beaten = (difference: { readonly low: number } | null) => difference !== null && difference.low > 0;
  const open = [
    ...(beaten(overRandomStart) ? [] : ['a random encoder']),
    ...(beaten(overScratch) ? [] : ['training from scratch on the same labels']),
  ];
  return `did not help: not shown to be above ${open.join(' and ')}`;
}

function shown({ mean, high }: Estimate): string {
  return high === null ? percent(mean) : `${percent(mean).replace(' %', '')} ± ${percent(high - mean)}`;
}

function differenceOf({ mean, low, high }: { readonly mean: number; readonly low: number; readonly high: number }) {
  const points = (share: number) => `${share >= 0 ? '+' : ''}${(100 * share).toFixed(1)}`;
  return `${points(mean)} points (${points(low)} to ${points(high)})`;
}
