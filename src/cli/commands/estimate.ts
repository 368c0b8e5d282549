import { counted } from '../../core/errors.ts';
import { formatBytes } from '../../core/memory.ts';
import type { EstimateResult, TriedRun } from '../../jobs/estimate.ts';
import type { CommandSpec } from '../command.ts';
import { duration, percent, quantity, table } from '../format.ts';
import { jobOptions, withProgress } from '../jobOptions.ts';
import { writeResult } from '../output.ts';
import { signedPoints } from '../settlement.ts';

export const estimateCommand: CommandSpec = {
  name: 'estimate',
  group: 'train',
  summary: 'before a long adapt: what it should bring, how sure that is, and what it takes, in about two minutes',
  job: 'estimate',
  flags: ['query', 'evalQuery', 'textColumn', 'labelColumn', 'groupColumn'],
  examples: [
    'bertune estimate --model checkpoints/bert-mini-sentences --corpus logs/*.txt.gz --output runs/adapted',
    'bertune estimate --model checkpoints/bert-mini-sentences --corpus logs/*.txt.gz --train labeled.csv --budget 5',
  ],
  async run(settings, context) {
    const { estimate } = await import('../../jobs/estimate.ts');
    const options = jobOptions('estimate', settings);
    const result = await withProgress(context, (hooks) => estimate(options, hooks));
    await writeResult(context, settings, result, () => estimateReport(result));
  },
};

/** What the whole run should bring, for people: first what to decide by. */
export function estimateReport(result: EstimateResult): string {
  const { start, tried, whole, texts, labels } = result;
  const hasPerplexity = start.perplexity !== undefined;
  const row = ({ steps, tokens, loss, perplexity, accuracy }: TriedRun) => [
    ...[quantity(steps), quantity(tokens), loss.toFixed(4)],
    ...(hasPerplexity ? [perplexity?.toFixed(2) ?? '-'] : []),
    ...(labels ? [accuracy === undefined ? '-' : percent(accuracy)] : []),
  ];
  const { disk } = whole;
  const free = disk.free === null ? '' : ` (${formatBytes(disk.free)} free)`;
  return [
    verdictLine(result),
    ...(labels ? [labelsLine(labels, start.accuracy ?? 0)] : []),
    '',
    table(
      [
        ['steps', 'tokens', 'held-out loss', ...(hasPerplexity ? ['perplexity'] : []), ...(labels ? ['right'] : [])],
        ...[start, ...tried].map(row),
      ],
      ['right', 'right'],
    ),
    '',
    `the whole run takes about ${formatBytes(whole.memoryBytes)} of memory, and up to ${formatBytes(disk.model + disk.checkpoints)} on disk${free}`,
    `measured on ${counted(texts, 'held-out text')}; each run tried has the whole schedule in its steps`,
  ].join('\n');
}

function verdictLine({ start, whole, forecast, outcome, tried }: EstimateResult): string {
  const run = `the whole run (${duration(whole.seconds)}, ${rounded(whole.tokens)} tokens)`;
  if (!forecast) {
    const longest = tried.at(-1);
    if (outcome === 'too few') return `${run}: too few short runs to say what it brings`;
    return `${run}: not shown that it brings anything; after ${counted(longest?.steps ?? 0, 'step')} the held-out loss is ${longest?.loss.toFixed(3)}, from ${start.loss.toFixed(3)}. A lower learning rate, or held-out texts that are more like the corpus, may change that`;
  }
  const { perplexity, loss } = forecast;
  const [name, from, to, digits] = perplexity
    ? (['perplexity', start.perplexity ?? 0, perplexity, perplexity.value < 10 ? 2 : 1] as const)
    : (['held-out loss', start.loss, loss, 3] as const);
  const open = outcome === 'open' ? '; whether it falls at all is open' : '';
  return `${run} should bring ${name} from ${from.toFixed(digits)} to about ${to.value.toFixed(digits)} (${to.low.toFixed(digits)} to ${to.high.toFixed(digits)})${open}`;
}

function labelsLine({ texts, gain }: NonNullable<EstimateResult['labels']>, accuracy: number): string {
  const on = `${counted(texts, 'labeled text')}, ${percent(accuracy)} right by the vectors of the start`;
  if (!gain) return `labels: too early to say what it adds (${on})`;
  return `labels: ${signedPoints(gain.low)} to ${signedPoints(gain.high)} points (${on})`;
}

/** 90,123,456 as "90 M": no more digits than are known. */
function rounded(count: number): string {
  if (count < 1e5) return quantity(count);
  return count < 1e6
    ? `${Math.round(count / 1e3)} k`
    : `${count < 1e7 ? (count / 1e6).toFixed(1) : Math.round(count / 1e6)} M`;
}
