import { inspectBert } from '../hub/folder.ts';
import type { OptionsOf } from '../settings/options.ts';
import { resolve } from '../settings/resolve.ts';
import { findModel, readFound } from './findModel.ts';
import type { InspectResult, JobHooks } from './types.ts';

export interface InspectOptions extends OptionsOf<'inspect'> {}

/** What a model holds, from its headers. Throws UsageError or BertuneError as `loadModel` does. */
export async function inspect(options: InspectOptions, hooks: JobHooks = {}): Promise<InspectResult> {
  const { model, offline } = resolve('inspect', options);
  const found = await findModel(model, { offline }, hooks);
  const { config, raw, present, parameters, storedAs, labels, notes } = await readFound(found, inspectBert);
  return {
    path: model,
    modelType: typeof raw.model_type === 'string' ? raw.model_type : 'bert',
    heads: present.filter((part) => part !== 'encoder'),
    layers: config.layers,
    hiddenSize: config.hiddenSize,
    attentionHeads: config.attentionHeads,
    intermediateSize: config.intermediateSize,
    activation: config.activation,
    vocabularySize: config.vocabularySize,
    maxPositions: config.maxPositions,
    parameters,
    storedAs,
    labels,
    notes,
  };
}
