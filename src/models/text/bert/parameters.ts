import { embeddingSpec, layerNormSpecs, linearSpecs, type ParameterSpec } from '../../nn/parameters.ts';
import type { BertConfig } from './config.ts';

/** Parts of a BERT whose parameters are loaded, saved and trained together. */
export type BertPart = 'encoder' | 'mlmHead' | 'pooler' | 'classifier';

/** Every parameter of one part, in the order of the forward pass. */
export function bertParameters(config: BertConfig, part: BertPart): ParameterSpec[] {
  return parts[part](config);
}

/** Names of what freezing the embeddings and the first `layers` encoder layers leaves as it is. */
export function frozenParameters(config: BertConfig, layers: number): Set<string> {
  const frozen = ['embeddings.', ...Array.from({ length: layers }, (_, layer) => `encoder.${layer}.`)];
  const names = bertParameters(config, 'encoder').map(({ name }) => name);
  return new Set(names.filter((name) => frozen.some((prefix) => name.startsWith(prefix))));
}

const parts: Record<BertPart, (config: BertConfig) => ParameterSpec[]> = {
  encoder: (config) => [
    embeddingSpec('embeddings.word', config.vocabularySize, config.hiddenSize),
    embeddingSpec('embeddings.position', config.maxPositions, config.hiddenSize),
    embeddingSpec('embeddings.tokenType', config.tokenTypes, config.hiddenSize),
    ...layerNormSpecs('embeddings.norm', config.hiddenSize),
    ...Array.from({ length: config.layers }, (_, layer) => encoderLayer(config, `encoder.${layer}`)).flat(),
  ],
  mlmHead: (config) => [
    ...linearSpecs('mlmHead.transform', config.hiddenSize, config.hiddenSize),
    ...layerNormSpecs('mlmHead.norm', config.hiddenSize),
    ...linearSpecs('mlmHead.decoder', config.hiddenSize, config.vocabularySize).slice(config.tiedDecoder ? 1 : 0),
  ],
  pooler: (config) => linearSpecs('pooler', config.hiddenSize, config.hiddenSize),
  classifier: (config) => linearSpecs('classifier', config.hiddenSize, config.labels?.length ?? 2),
};

function encoderLayer(config: BertConfig, name: string): ParameterSpec[] {
  const { hiddenSize, intermediateSize } = config;
  return [
    ...linearSpecs(`${name}.attention.query`, hiddenSize, hiddenSize),
    ...linearSpecs(`${name}.attention.key`, hiddenSize, hiddenSize),
    ...linearSpecs(`${name}.attention.value`, hiddenSize, hiddenSize),
    ...linearSpecs(`${name}.attention.output`, hiddenSize, hiddenSize),
    ...layerNormSpecs(`${name}.attention.norm`, hiddenSize),
    ...linearSpecs(`${name}.feedForward.up`, hiddenSize, intermediateSize),
    ...linearSpecs(`${name}.feedForward.down`, intermediateSize, hiddenSize),
    ...layerNormSpecs(`${name}.feedForward.norm`, hiddenSize),
  ];
}
