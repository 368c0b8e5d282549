import { classificationReport } from '../classificationReport.ts';
import type { CommandSpec } from '../command.ts';
import { given, maskingOptions, required, requiredData, withProgress } from '../jobOptions.ts';
import { maskedLmReport } from '../maskedLmReport.ts';
import { writeResult } from '../output.ts';

export const evaluateCommand: CommandSpec = {
  name: 'evaluate',
  summary: 'measure a classifier on labeled texts, or a masked language model',
  options: [
    'model',
    'data',
    'query',
    'text-column',
    'label-column',
    'max-length',
    'int8',
    'mask-probability',
    'whole-word',
    'limit',
    'cache',
  ],
  required: ['model', 'data'],
  examples: [
    'bertune evaluate --model runs/intent --data test.csv',
    'bertune evaluate --model runs/adapted --data held-out.txt --json',
  ],
  async run(settings, context) {
    const { evaluate } = await import('../../jobs/evaluate.ts');
    const options = given({
      ...maskingOptions(settings),
      model: required(settings, 'model'),
      data: requiredData(settings, 'data'),
      limit: settings.limit,
      cache: settings.cache,
      seed: settings.seed,
      threads: settings.threads,
      int8: settings.int8,
      offline: settings.offline,
    });
    const result = await withProgress(context, (hooks) => evaluate(options, hooks));
    await writeResult(context, settings, result, () =>
      'perplexity' in result ? maskedLmReport(result) : classificationReport(result),
    );
  },
};
