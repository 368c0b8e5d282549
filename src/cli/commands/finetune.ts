import { counted } from '../../core/errors.ts';
import { classificationReport } from '../classificationReport.ts';
import type { CommandSpec } from '../command.ts';
import { speed } from '../format.ts';
import { jobOptions, withTraining } from '../jobOptions.ts';
import { ladderReport } from '../ladderReport.ts';
import { writeResult } from '../output.ts';

export const finetuneCommand: CommandSpec = {
  name: 'finetune',
  summary: 'train a text classifier on labeled texts, from a pretrained or adapted model',
  job: 'finetune',
  flags: ['query', 'evalQuery', 'textColumn', 'pairColumn', 'labelColumn', 'groupColumn'],
  examples: [
    'bertune finetune --model runs/adapted --train labeled.csv --output runs/intent',
    'bertune finetune --model runs/adapted --train train.jsonl --eval test.jsonl --label-column intent --labels-per-class 10 --output runs/intent',
    'bertune finetune --model runs/adapted --train pairs.csv --text-column question --pair-column answer --output runs/answers',
    'bertune finetune --model sentence-transformers/all-MiniLM-L6-v2 --train labeled.csv --method frozen --output runs/intent',
  ],
  isShared: true,
  async run(settings, context) {
    const { finetune } = await import('../../jobs/finetune.ts');
    const options = jobOptions('finetune', settings);
    const result = await withTraining(context, (hooks) => finetune(options, hooks));
    await writeResult(context, settings, result, () =>
      [
        ...(result.ladder ? [ladderReport(result.ladder), ''] : []),
        classificationReport(result),
        '',
        result.head
          ? `${result.method}, C ${result.head.c}`
          : [result.method, counted(result.steps, 'step'), ...speed(result.tokensPerSecond)].join(', '),
        `model saved to ${result.output}`,
      ].join('\n'),
    );
  },
};
