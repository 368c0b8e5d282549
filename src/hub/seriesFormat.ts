import { z } from 'zod';
import type { DocumentFormat, JsonObject } from '../core/document.ts';
import { UsageError } from '../core/errors.ts';
import { say, setting } from '../core/message.ts';
import type { SeriesConfig } from '../models/series/config.ts';

/** What `config.json` calls the models of each kind. */
export const seriesTypes = {
  forecaster: 'bertune-forecaster',
  'table-autoencoder': 'bertune-table-autoencoder',
} as const;

const positive = z.int().min(1);
const shared = { columns: z.array(z.string()).min(1), mean: z.array(z.number()), deviation: z.array(z.number()) };
const schema = z.discriminatedUnion('kind', [
  z.object({
    kind: z.literal('forecaster'),
    ...shared,
    ...{ window: positive, horizon: positive, hiddenSize: positive, layers: positive, attentionHeads: positive },
  }),
  z.object({
    kind: z.literal('table-autoencoder'),
    ...shared,
    ...{ hiddenSizes: z.array(positive), latentSize: positive },
  }),
]);

/** The `config.json` of a model over numbers. */
export const seriesFormat: DocumentFormat<SeriesConfig> = {
  schema,
  migrations: [],
  recognize(content, file) {
    if (isSeriesConfig(content)) return;
    const { model_type: found = 'missing' } = content;
    const known = Object.values(seriesTypes).join(' or ');
    throw new UsageError(say`${file}: model_type is ${found}, not ${known}; choose another ${setting('model')}`);
  },
};

/** Whether a `config.json` says that it is of a model over numbers. */
export function isSeriesConfig({ model_type: modelType }: JsonObject): boolean {
  return Object.values(seriesTypes).some((name) => name === modelType);
}
