import { classificationReport } from '../classificationReport.ts';
import type { CommandSpec } from '../command.ts';
import { jobOptions, withProgress } from '../jobOptions.ts';
import { maskedLmReport } from '../maskedLmReport.ts';
import { writeResult } from '../output.ts';
import { tokensReport } from '../tokensReport.ts';

export const evaluateCommand: CommandSpec = {
  name: 'evaluate',
  summary: 'measure a classifier on labeled texts, or a masked language model',
  job: 'evaluate',
  flags: ['query', 'textColumn', 'pairColumn', 'labelColumn'],
  examples: [
    'bertune evaluate --model runs/intent --data test.csv',
    'bertune evaluate --model runs/adapted --data held-out.txt --json',
  ],
  isShared: true,
  async run(settings, context) {
    const { evaluate } = await import('../../jobs/evaluate.ts');
    const options = jobOptions('evaluate', settings);
    const result = await withProgress(context, (hooks) => evaluate(options, hooks));
    await writeResult(context, settings, result, () =>
      'entities' in result
        ? tokensReport(result)
        : 'perplexity' in result
          ? maskedLmReport(result)
          : classificationReport(result),
    );
  },
};
