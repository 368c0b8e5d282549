import { inspectBert } from '../hub/folder.ts';
import { findModel, readFound } from './findModel.ts';
import type { HubOptions, InspectResult, JobHooks } from './types.ts';

/** What a model holds, from its headers. Throws UsageError or BertuneError as `loadModel` does. */
export async function inspect(
  { model, offline }: { model: string } & HubOptions,
  hooks: JobHooks = {},
): Promise<InspectResult> {
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
