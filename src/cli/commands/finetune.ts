import { counted } from '../../core/errors.ts';
import type { AnyFinetuneResult, JobHooks, TokensFinetuneResult } from '../../jobs/types.ts';
import type { CommandSpec } from '../command.ts';
import { speed } from '../format.ts';
import { jobOptions, withTraining } from '../jobOptions.ts';
import { labeledReport, targetLadderReport } from '../labeledReport.ts';
import { ladderReport } from '../ladderReport.ts';
import { writeResult } from '../output.ts';
import { tokensReport } from '../tokensReport.ts';
import { calibratedReport } from '../trustReport.ts';

export const finetuneCommand: CommandSpec = {
  name: 'finetune',
  group: 'train',
  summary: 'learn from labeled texts: one label a text, several, a number, or labels of parts',
  job: 'finetune',
  flags: [
    'query',
    'evalQuery',
    'textColumn',
    'pairColumn',
    'labelColumn',
    'labelSeparator',
    'labelColumns',
    'sliceColumn',
    'groupColumn',
  ],
  examples: [
    'bertune finetune --model runs/adapted --train labeled.csv --output runs/intent',
    'bertune finetune --model runs/adapted --train train.jsonl --eval test.jsonl --label-column intent --labels-per-class 10 --output runs/intent',
    'bertune finetune --model runs/adapted --train pairs.csv --text-column question --pair-column answer --output runs/answers',
    'bertune finetune --model sentence-transformers/all-MiniLM-L6-v2 --train labeled.csv --method frozen --output runs/intent',
    "bertune finetune --model runs/adapted --train tickets.csv --task several-labels --label-separator ';' --output runs/topics",
    'bertune finetune --model runs/adapted --train reviews.csv --task number --label-column rating --output runs/rating',
    'bertune finetune --model runs/adapted --task tokens --train names.conll --output runs/names',
  ],
  isShared: true,
  async run(settings, context) {
    const { finetune } = await import('../../jobs/finetune.ts');
    const options = jobOptions('finetune', settings);
    const train = (hooks: JobHooks): Promise<AnyFinetuneResult | TokensFinetuneResult> => finetune(options, hooks);
    const result = await withTraining(context, train);
    await writeResult(context, settings, result, () =>
      [
        ...('ladder' in result && result.ladder ? [shownLadder(result.ladder), ''] : []),
        'entities' in result ? tokensReport(result) : labeledReport(result),
        ...('calibrated' in result ? calibratedReport(result.calibrated) : []),
        '',
        result.head
          ? `${result.method}, C ${result.head.c}`
          : [result.method, counted(result.steps, 'step'), ...speed(result.tokensPerSecond)].join(', '),
        `model saved to ${result.output}`,
      ].join('\n'),
    );
  },
};

function shownLadder(ladder: NonNullable<AnyFinetuneResult['ladder']>): string {
  return 'measure' in ladder ? targetLadderReport(ladder) : ladderReport(ladder);
}
