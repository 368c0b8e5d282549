import { counted } from '../../core/errors.ts';
import type { DistillResult } from '../../jobs/types.ts';
import type { CommandSpec } from '../command.ts';
import { duration, percent, speed, table } from '../format.ts';
import { jobOptions, withTraining } from '../jobOptions.ts';
import { writeResult } from '../output.ts';

export const distillCommand: CommandSpec = {
  name: 'distill',
  group: 'train',
  summary: 'teach a small model the vectors or the labels of a larger one, on unlabeled texts',
  job: 'distill',
  flags: ['query', 'evalQuery', 'textColumn', 'groupColumn'],
  examples: [
    'bertune distill --teacher runs/intent --model checkpoints/bert-mini-sentences --corpus chats.txt --output runs/small-intent',
    'bertune distill --teacher sentence-transformers/all-MiniLM-L6-v2 --model checkpoints/bert-mini-sentences --corpus logs/*.csv.gz --text-column message --output runs/small-encoder',
    'bertune distill --teacher sentence-transformers/all-MiniLM-L6-v2 --model-config small.json --tokenizer vocab/ --corpus wiki.txt --output runs/new-encoder',
  ],
  isShared: true,
  async run(settings, context) {
    const { distill } = await import('../../jobs/distill.ts');
    const options = jobOptions('distill', settings);
    const result = await withTraining(context, (hooks) => distill(options, hooks));
    await writeResult(context, settings, result, () => report(result));
  },
};

/** How near the student came to its teacher, and what that took. */
function report(result: DistillResult): string {
  const { match, lossBefore, lossAfter, steps, tokens, tokensPerSecond, texts, output } = result;
  const [asking, training] = [result.teacherSeconds, result.trainingSeconds].map(duration);
  const row = (name: string, before: number | null, after: number | null, shown: (value: number) => string) => {
    const cell = (value: number | null) => (value === null ? '-' : shown(value));
    return [name, cell(before), '->', cell(after)];
  };
  const decimals = (value: number) => value.toFixed(4);
  const likeness =
    match === 'labels'
      ? row('same label as the teacher', result.agreementBefore ?? null, result.agreementAfter ?? null, percent)
      : row('mean cosine to the teacher', result.cosineBefore ?? null, result.cosineAfter ?? null, decimals);
  return [
    table(
      [['held-out texts', 'before', '', 'after'], likeness, row('loss', lossBefore, lossAfter, decimals)],
      ['left'],
    ),
    '',
    `${counted(texts, 'text')}: ${asking} for the teacher's answers, ${training} for training`,
    [counted(steps, 'step'), counted(tokens, 'token'), ...speed(tokensPerSecond)].join(', '),
    `model saved to ${output}`,
  ].join('\n');
}
