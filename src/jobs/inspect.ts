import { inspectText } from '../hub/textFolder.ts';
import { findModel, readFound } from './findModel.ts';
import type { HubOptions, InspectResult, JobHooks } from './types.ts';

/** What a model holds, from its headers. Throws UsageError or BertuneError as `loadModel` does. */
export async function inspect(
  { model, offline }: { model: string } & HubOptions,
  hooks: JobHooks = {},
): Promise<InspectResult> {
  const found = await findModel(model, { offline }, hooks);
  const { model: read, present, parameters, storedAs, labels, notes } = await readFound(found, inspectText);
  const { config } = read;
  return {
    path: model,
    modelType: read.type,
    heads: present.flatMap((part) => (part === 'encoder' ? [] : part)),
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
