import { counted } from '../../core/errors.ts';
import { formatBytes } from '../../core/memory.ts';
import type { ComparedModel, CompareResult } from '../../jobs/compare.ts';
import type { CommandSpec } from '../command.ts';
import { duration, percent, quantity, table } from '../format.ts';
import { jobOptions, withProgress } from '../jobOptions.ts';
import { writeResult } from '../output.ts';
import { settlement, signedPoints } from '../settlement.ts';

export const compareCommand: CommandSpec = {
  name: 'compare',
  group: 'judge',
  summary: 'train models on the same labels, measure them on the same texts, and say by how much they differ',
  job: 'compare',
  flags: ['query', 'evalQuery', 'textColumn', 'labelColumn', 'groupColumn'],
  examples: [
    'bertune compare --model checkpoints/bert-mini-sentences runs/adapted --train labeled.csv --eval test.csv',
    'bertune compare --model runs/a runs/b runs/c --train labeled.csv --eval test.csv --labels-per-class 10 --method finetune',
    'bertune compare --model base runs/adapted --train labeled.csv --eval test.csv --corpus logs.txt --general wiki.txt',
  ],
  async run(settings, context) {
    const { compare } = await import('../../jobs/compare.ts');
    const options = jobOptions('compare', settings);
    const result = await withProgress(context, (hooks) => compare(options, hooks));
    await writeResult(context, settings, result, () => compareReport(result));
  },
};

/** What was found, for people: the verdicts first. */
export function compareReport({ models, seeds, texts, method }: CompareResult): string {
  const [first, ...others] = models;
  const measures = measuresOf(models);
  return [
    ...others.map((other) => verdictLine(other, first?.model ?? '')),
    '',
    table(
      [
        ['', 'right', seeds > 1 ? 'of the seeds' : '', ...measures.map(({ title }) => title)],
        ...models.map((model) => [
          model.model,
          percent(model.accuracy.mean),
          seeds > 1 ? `${percent(model.accuracy.lowest)} to ${percent(model.accuracy.highest)}` : '',
          ...measures.map(({ of }) => of(model)),
        ]),
      ],
      ['left', 'right', 'left'],
    ),
    '',
    `${method}, ${counted(seeds, 'seed')}, ${counted(texts, 'test text')}; intervals of 95 %${others.length > 1 ? ', for all models together' : ''}`,
  ].join('\n');
}

interface Measure {
  readonly title: string;
  of(model: ComparedModel): string;
}

/** Further columns: those of which some model has a figure. */
function measuresOf(models: readonly ComparedModel[]): Measure[] {
  const perplexity = (value: number | null | undefined) => (typeof value === 'number' ? value.toFixed(1) : '-');
  const all: (Measure & { readonly isThere: boolean })[] = [
    {
      title: 'tokens a text',
      of: ({ vocabulary }) => (vocabulary ? `${vocabulary.tokens}` : '-'),
      isThere: models.some(({ vocabulary }) => vocabulary),
    },
    {
      title: 'pieces a word',
      of: ({ vocabulary }) => vocabulary?.pieces.toFixed(2) ?? '-',
      isThere: models.some(({ vocabulary }) => vocabulary),
    },
    {
      title: 'unknown',
      of: ({ vocabulary }) => (vocabulary ? percent(vocabulary.unknown) : '-'),
      isThere: models.some(({ vocabulary }) => vocabulary),
    },
    {
      title: 'perplexity',
      of: ({ perplexity: of }) => perplexity(of?.corpus),
      isThere: models.some(({ perplexity: of }) => typeof of?.corpus === 'number'),
    },
    {
      title: 'of general text',
      of: ({ perplexity: of }) => perplexity(of?.general),
      isThere: models.some(({ perplexity: of }) => typeof of?.general === 'number'),
    },
    { title: 'parameters', of: ({ parameters }) => quantity(parameters), isThere: true },
    { title: 'weights', of: ({ bytes }) => formatBytes(bytes), isThere: true },
    { title: 'a run', of: ({ seconds }) => duration(seconds), isThere: true },
    { title: 'texts/s', of: ({ textsPerSecond }) => quantity(textsPerSecond), isThere: true },
  ];
  return all.filter(({ isThere }) => isThere);
}

function verdictLine({ model, gain }: ComparedModel, reference: string): string {
  if (!gain) throw new Error('internal: nothing was compared');
  const { low, high, outcome } = gain;
  const points = (share: number) => Math.abs(100 * share).toFixed(1);
  const between = `${signedPoints(low)} to ${signedPoints(high)} points`;
  if (outcome === 'better') return `${model} is better than ${reference}, by ${points(low)} to ${points(high)} points`;
  if (outcome === 'worse') return `${model} is worse than ${reference}, by ${points(high)} to ${points(low)} points`;
  if (outcome === 'alike') return `${model} is as good as ${reference}: a difference of less than a point (${between})`;
  return `${model} against ${reference}: not shown which is better (${between})${settlement(gain)}`;
}
