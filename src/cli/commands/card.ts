import type { CommandSpec } from '../command.ts';
import { given, required } from '../jobOptions.ts';
import { writeResult } from '../output.ts';

export const cardCommand: CommandSpec = {
  name: 'card',
  summary: "write a run's model card (README.md) anew from its run.json",
  options: ['model', 'license', 'language', 'dataset', 'overwrite'],
  required: ['model'],
  descriptions: {
    model: 'output folder of a finished run',
    overwrite: 'replace a card that was edited, too',
  },
  examples: [
    'bertune card --model runs/intent --license apache-2.0 --language en',
    'bertune card --model runs/intent --overwrite',
  ],
  async run(settings, context) {
    const { card } = await import('../../jobs/card.ts');
    const options = given({
      model: required(settings, 'model'),
      license: settings.license,
      languages: settings.language,
      datasets: settings.dataset,
      overwrite: settings.overwrite,
    });
    const result = await card(options);
    await writeResult(context, settings, result, () => `card written to ${result.path}`);
  },
};
