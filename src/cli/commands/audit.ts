import { counted } from '../../core/errors.ts';
import { auditReport } from '../auditReport.ts';
import type { CommandSpec } from '../command.ts';
import { jobOptions, withProgress } from '../jobOptions.ts';
import { writeResult } from '../output.ts';

export const auditCommand: CommandSpec = {
  name: 'audit',
  summary: 'find labels that look wrong, for people to mend, and classes that are one or two',
  job: 'audit',
  flags: ['query', 'textColumn', 'labelColumn', 'groupColumn'],
  examples: [
    'bertune audit --model checkpoints/bert-mini-sentences --data labeled.csv --output look.csv',
    'bertune audit --data labeled.csv --apply look.csv --output mended.csv',
    'bertune audit --model sentence-transformers/all-MiniLM-L6-v2 --data labeled.csv --format label-studio --output look.json',
  ],
  async run(settings, context) {
    const { audit } = await import('../../jobs/audit.ts');
    const options = jobOptions('audit', settings);
    const result = await withProgress(context, (hooks) => audit(options, hooks));
    await writeResult(context, settings, result, () => {
      if (!('relabeled' in result)) return auditReport(result);
      const { rows, relabeled, dropped, output } = result;
      return `${counted(relabeled, 'label')} changed and ${counted(dropped, 'row')} dropped; ${counted(rows, 'row')} saved to ${output}`;
    });
  },
};
