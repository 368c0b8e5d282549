import type { CommandSpec } from '../command.ts';
import { jobOptions, withProgress } from '../jobOptions.ts';
import { labeledReport } from '../labeledReport.ts';
import { maskedLmReport } from '../maskedLmReport.ts';
import { writeResult } from '../output.ts';
import { slicesReport } from '../slicesReport.ts';
import { tokensReport } from '../tokensReport.ts';
import { trustReport } from '../trustReport.ts';

export const evaluateCommand: CommandSpec = {
  name: 'evaluate',
  group: 'judge',
  summary: 'measure a model on labeled texts, or a masked language model',
  job: 'evaluate',
  flags: ['query', 'textColumn', 'pairColumn', 'labelColumn', 'labelSeparator', 'labelColumns', 'sliceColumn'],
  examples: [
    'bertune evaluate --model runs/intent --data test.csv',
    'bertune evaluate --model runs/intent --data test.csv --out-of-scope other-topics.csv',
    'bertune evaluate --model runs/intent --data test.csv --slice-column channel',
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
          : `${[labeledReport(result), ...('calibration' in result ? trustReport(result) : [])].join('\n\n')}${'slices' in result ? slicesReport(result) : ''}`,
    );
  },
};
