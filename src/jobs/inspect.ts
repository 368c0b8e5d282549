import { inspectText } from '../hub/textFolder.ts';
import type { OptionsOf } from '../settings/options.ts';
import { resolve } from '../settings/resolve.ts';
import { findModel, readFound } from './findModel.ts';
import type { InspectResult, JobHooks } from './types.ts';

export interface InspectOptions extends OptionsOf<'inspect'> {}

/** What a model holds, from its headers. Throws UsageError or BertuneError as `loadModel` does. */
export async function inspect(options: InspectOptions, hooks: JobHooks = {}): Promise<InspectResult> {
  const { model, offline } = resolve('inspect', options);
  const found = await findModel(model, { offline }, hooks);
  const { model: read, present, parameters, storedAs, labels, notes } = await readFound(found, inspectText);
  const { config } = read;
  return {
    path: model,
    modelType: read.type,
    heads: present.flatMap((part) => (part === 'encoder' || part === 'sentence' ? [] : part)),
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
