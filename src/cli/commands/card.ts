import type { CommandSpec } from '../command.ts';
import { jobOptions } from '../jobOptions.ts';
import { writeResult } from '../output.ts';

export const cardCommand: CommandSpec = {
  name: 'card',
  group: 'share',
  summary: "write a run's model card (README.md) anew from its run.json",
  job: 'card',
  examples: [
    'bertune card --model runs/intent --license apache-2.0 --language en',
    'bertune card --model runs/intent --overwrite',
  ],
  async run(settings, context) {
    const { card } = await import('../../jobs/card.ts');
    const options = jobOptions('card', settings);
    const result = await card(options);
    await writeResult(context, settings, result, () => `card written to ${result.path}`);
  },
};
