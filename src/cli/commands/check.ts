import { BertuneError, counted } from '../../core/errors.ts';
import { checkReport } from '../checkReport.ts';
import type { CommandSpec } from '../command.ts';
import { spelledAsFlag } from '../flags.ts';
import { jobOptions, withProgress } from '../jobOptions.ts';
import { writeResult } from '../output.ts';

export const checkCommand: CommandSpec = {
  name: 'check',
  group: 'data',
  summary: 'look through texts before the work; exit status 1 where something is wrong',
  job: 'check',
  flags: ['query', 'evalQuery', 'textColumn', 'labelColumn', 'groupColumn'],
  examples: [
    'bertune check --data labeled.csv --eval test.csv --model checkpoints/bert-mini-sentences',
    'bertune check --data logs/*.txt --json',
  ],
  async run(settings, context) {
    const { check } = await import('../../jobs/check.ts');
    const options = jobOptions('check', settings);
    const result = await withProgress(context, (hooks) => check(options, hooks));
    const findings = result.findings.map(({ level, line }) => ({ level, text: line.spelled(spelledAsFlag) }));
    await writeResult(context, settings, { ...result, findings }, () => checkReport({ ...result, findings }));
    const wrong = findings.filter(({ level }) => level === 'wrong').length;
    if (wrong > 0)
      throw new BertuneError(`${counted(wrong, 'thing is', 'things are')} wrong with the data, as told above`);
  },
};
