import { counted } from '../../core/errors.ts';
import type { CommandSpec } from '../command.ts';
import { jobOptions, withProgress } from '../jobOptions.ts';
import { writeResult } from '../output.ts';

export const calibrateCommand: CommandSpec = {
  name: 'calibrate',
  group: 'judge',
  summary: 'learn from labeled texts that a classifier has not seen when it may answer alone',
  job: 'calibrate',
  flags: ['query', 'textColumn', 'pairColumn', 'labelColumn'],
  examples: [
    'bertune calibrate --model runs/intent --data fresh.csv',
    'bertune predict --model runs/intent --input new.csv --most-wrong 0.02 > labels.jsonl',
    'bertune predict --model runs/intent --input new.csv --coverage 0.95 > sets.jsonl',
  ],
  async run(settings, context) {
    const { calibrate } = await import('../../jobs/calibrate.ts');
    const options = jobOptions('calibrate', settings);
    const result = await withProgress(context, (hooks) => calibrate(options, hooks));
    await writeResult(context, settings, result, () => {
      const { scaling, texts, promised, notPromised, output } = result;
      const at = scaling?.temperature === undefined ? '' : ` ${scaling.temperature}`;
      return [
        ...(scaling ? [`scores calibrated: ${scaling.kind}${at}, fitted to ${counted(scaling.texts, 'text')}`] : []),
        ...promised,
        ...notPromised.map(
          (share) =>
            `cannot be promised on ${counted(texts, 'text')}: at most ${Number((100 * share).toFixed(1))} % wrong`,
        ),
        `saved to ${output}`,
      ].join('\n');
    });
  },
};
