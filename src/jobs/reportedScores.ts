import { z } from 'zod';
import type { Row, ScoresOfRun, Target } from '../report/run.ts';

/** What a run's result tells of its classifier's scores; undefined where nothing was learned of them. */
export function scoresOf(result: unknown): ScoresOfRun | undefined {
  return z.object({ calibrated: scores }).safeParse(result).data?.calibrated;
}

/** How a model of several labels, a number or labels on tokens did; undefined of any other. */
export function targetOf(result: unknown): Target | undefined {
  return target.safeParse(result).data;
}

const figure = z.object({ value: z.number(), low: z.number(), high: z.number() });
const figures = z.object({ ece: figure, eceEqualMass: figure, brier: figure, logLoss: figure });
const scores: z.ZodType<ScoresOfRun> = z.object({
  kind: z.enum(['none', 'temperature', 'vector']),
  temperature: z.number().optional(),
  texts: z.number(),
  by: z.string(),
  before: figures.optional(),
  after: figures.optional(),
  outside: z.object({
    kind: z.string(),
    by: z.string(),
    tried: z.array(z.object({ kind: z.string(), auroc: z.number() })),
  }),
});

// JSON knows no NaN and writes null for it.
const number = z
  .number()
  .nullable()
  .transform((value) => value ?? Number.NaN);
const method = z.string().optional();
const perLabel = z.object({ label: z.string(), precision: number, recall: number, f1: number, support: z.number() });

const severalLabels = z
  .object({
    ...{ task: z.literal('several-labels'), method, count: z.number() },
    ...{ microF1: number, macroF1: number, averagePrecision: number, exactMatch: number, hammingLoss: number },
    perLabel: z.array(perLabel.extend({ threshold: z.number() })),
  })
  .transform(({ perLabel: labels, count, method, ...of }): Target => {
    const rows = [
      ...[row('F1 of all decisions', of.microF1), row('mean F1 of the labels', of.macroF1)],
      ...[row('mean average precision', of.averagePrecision), row('all labels right', of.exactMatch, 'share')],
      row('decisions that are wrong', of.hammingLoss, 'share'),
    ];
    return {
      shape: 'several-labels',
      method,
      kind: 'several labels',
      count,
      main: `F1 of ${shown(of.microF1)}`,
      figures: rows,
      labels,
    };
  });

const oneNumber = z
  .object({
    ...{ task: z.literal('number'), name: z.string(), method, count: z.number() },
    ...{ r2: number, mae: number, rmse: number, spearman: number, pearson: number },
    interval: z.object({ share: z.number(), held: number, margin: number }).nullable(),
  })
  .transform(({ name, interval, count, method, ...of }): Target => {
    const rows = [
      ...[row('mean absolute error', of.mae), row('root of the mean squared error', of.rmse)],
      ...[row('R²', of.r2), row('correlation', of.pearson), row('correlation of ranks', of.spearman)],
      ...(interval
        ? [
            { name: 'interval around each number', value: `± ${shown(interval.margin)}` },
            row(`intervals that held it, of ${percent(interval.share)} wanted`, interval.held, 'share'),
          ]
        : []),
    ];
    const main = `mean absolute error of ${shown(of.mae)}`;
    const within = interval
      ? `; ${percent(interval.held)} lie within ± ${shown(interval.margin)} of what was told`
      : '';
    const spread = `That tells ${percent(of.r2)} of how the numbers vary (R²: 0 % for telling their mean)${within}.`;
    return { shape: 'number', method, kind: `a number (${name})`, count, main, spread, figures: rows, labels: [] };
  });

const average = z.object({ precision: number, recall: number, f1: number, support: z.number() });
const range = z.object({ low: number, high: number });
const labelsOnTokens = z
  .object({
    entities: z.object({ micro: average, macro: average, types: z.array(perLabel), interval: range }),
    ...{ wordAccuracy: number, texts: z.number(), method },
  })
  .transform(({ entities: { micro, macro, types, interval }, wordAccuracy, texts, method }): Target => {
    const rows = [
      ...[
        row('F1 of all entities', micro.f1),
        { name: 'its 95 % interval', value: `${shown(interval.low)} to ${shown(interval.high)}` },
        row('precision', micro.precision, 'share'),
      ],
      ...[row('recall', micro.recall, 'share'), row('mean F1 of the labels', macro.f1)],
      row('words with the right tag', wordAccuracy, 'share'),
      { name: 'entities', value: micro.support.toLocaleString('en-US') },
    ];
    return {
      ...{
        shape: 'tokens',
        method,
        kind: 'labels on tokens',
        count: texts,
        main: `F1 of ${shown(micro.f1)} of entities`,
      },
      ...{ figures: rows, labels: types },
    };
  });

const target = z.union([severalLabels, oneNumber, labelsOnTokens]);

function row(name: string, value: number, kind: 'number' | 'share' = 'number'): Row {
  return { name, value: kind === 'share' ? percent(value) : shown(value) };
}

function percent(share: number): string {
  return Number.isFinite(share) ? `${(100 * share).toFixed(1)} %` : '–';
}

function shown(value: number): string {
  return Number.isFinite(value) ? String(Number(value.toPrecision(3))) : '–';
}
