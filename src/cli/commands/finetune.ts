import { counted } from '../../core/errors.ts';
import type { FinetuneResult, JobHooks, TokensFinetuneResult } from '../../jobs/types.ts';
import { classificationReport } from '../classificationReport.ts';
import type { CommandSpec } from '../command.ts';
import { speed } from '../format.ts';
import { jobOptions, withTraining } from '../jobOptions.ts';
import { ladderReport } from '../ladderReport.ts';
import { writeResult } from '../output.ts';
import { tokensReport } from '../tokensReport.ts';

export const finetuneCommand: CommandSpec = {
  name: 'finetune',
  summary: 'train a classifier of texts, or of parts of them, on labeled texts',
  job: 'finetune',
  flags: ['query', 'evalQuery', 'textColumn', 'pairColumn', 'labelColumn', 'groupColumn'],
  examples: [
    'bertune finetune --model runs/adapted --train labeled.csv --output runs/intent',
    'bertune finetune --model runs/adapted --train train.jsonl --eval test.jsonl --label-column intent --labels-per-class 10 --output runs/intent',
    'bertune finetune --model runs/adapted --train pairs.csv --text-column question --pair-column answer --output runs/answers',
    'bertune finetune --model sentence-transformers/all-MiniLM-L6-v2 --train labeled.csv --method frozen --output runs/intent',
    'bertune finetune --model runs/adapted --task tokens --train names.conll --output runs/names',
  ],
  isShared: true,
  async run(settings, context) {
    const { finetune } = await import('../../jobs/finetune.ts');
    const options = jobOptions('finetune', settings);
    const train = (hooks: JobHooks): Promise<FinetuneResult | TokensFinetuneResult> => finetune(options, hooks);
    const result = await withTraining(context, train);
    await writeResult(context, settings, result, () =>
      [
        ...('ladder' in result && result.ladder ? [ladderReport(result.ladder), ''] : []),
        'entities' in result ? tokensReport(result) : classificationReport(result),
        '',
        result.head
          ? `${result.method}, C ${result.head.c}`
          : [result.method, counted(result.steps, 'step'), ...speed(result.tokensPerSecond)].join(', '),
        `model saved to ${result.output}`,
      ].join('\n'),
    );
  },
};
