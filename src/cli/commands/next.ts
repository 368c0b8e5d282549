import { counted } from '../../core/errors.ts';
import type { CommandSpec } from '../command.ts';
import { printable, quantity, shortened, table } from '../format.ts';
import { jobOptions, withProgress } from '../jobOptions.ts';
import { writeResult } from '../output.ts';

const shown = 10;
const characters = 60;

export const nextCommand: CommandSpec = {
  name: 'next',
  group: 'data',
  summary: 'choose which texts to label next, also before there are labels',
  job: 'next',
  flags: ['textColumn', 'labelColumn'],
  examples: [
    'bertune next --model checkpoints/bert-mini-sentences --unlabeled chats.csv --count 50 --output next.csv',
    'bertune next --model checkpoints/bert-mini-sentences --unlabeled chats.csv --train labeled.csv --output next.csv',
    'bertune next --apply exported.json --output more.csv',
  ],
  async run(settings, context) {
    const { next } = await import('../../jobs/next.ts');
    const options = jobOptions('next', settings);
    const result = await withProgress(context, (hooks) => next(options, hooks));
    await writeResult(context, settings, result, () => {
      if ('open' in result)
        return `${counted(result.labeled, 'label')} of ${counted(result.classes, 'class', 'classes')} saved to ${result.output}`;
      const { items, pool, labeled, classes, files } = result;
      const rows = items
        .slice(0, shown)
        .map(({ row, text, reason }) => [quantity(row), shortened(printable(text), characters), printable(reason)]);
      const more = items.length > shown ? [`… and ${quantity(items.length - shown)} more`] : [];
      const from =
        labeled > 0 ? `, beside ${counted(labeled, 'label')} of ${counted(classes, 'class', 'classes')}` : '';
      return [
        `${counted(items.length, 'text')} to label, of ${quantity(pool)}${from}`,
        '',
        table([['row', 'text', 'why'], ...rows], ['right', 'left', 'left']),
        ...more,
        '',
        `to label: ${files.join(', ')}`,
      ].join('\n');
    });
  },
};
