import { inspectBert } from '../hub/folder.ts';
import type { InspectResult } from './types.ts';

/** What a model folder holds, from its headers. Throws UsageError or BertuneError as `loadModel` does. */
export async function inspect({ model }: { model: string }): Promise<InspectResult> {
  const { config, raw, present, parameters, storedAs, labels, notes } = await inspectBert(model);
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
