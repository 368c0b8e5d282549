import type { RunFolder } from '../../src/jobs/runFolder.ts';
import type { BertConfig } from '../../src/models/text/bert/config.ts';
import type { PartName } from '../../src/models/text/heads/head.ts';

/** What of the package ends a run. */
export type Product = typeof import('../../src/jobs/runFolder.ts') &
  typeof import('../../src/hub/saveText.ts') &
  typeof import('../../src/models/text/bert/family.ts') &
  typeof import('../../src/models/text/model.ts');

/** As small as a BERT can be: what is counted is files and writes. */
const config: BertConfig = {
  vocabularySize: 5,
  hiddenSize: 2,
  layers: 1,
  attentionHeads: 1,
  intermediateSize: 2,
  activation: 'gelu',
  maxPositions: 4,
  tokenTypes: 1,
  layerNormEpsilon: 1e-12,
  hiddenDropout: 0,
  attentionDropout: 0,
  initializerRange: 0.1,
  tiedDecoder: true,
  padTokenId: 0,
};

export const claim = { command: 'adapt', resume: true, inputs: [] };
export const [oldVersion, newVersion] = [1, 2];

/** What ends a run, in a folder with an older record and model. */
export const acts: readonly ((product: Product, run: RunFolder) => Promise<void>)[] = [
  (_, run) => run.begin({ version: newVersion }),
  (product, run) => saveModel(product, run.path, newVersion),
  (_, run) => run.finish({ version: newVersion }),
];

/** Saves a model whose every file tells the version. */
export function saveModel({ saveText, textModel, bert }: Product, path: string, version: number): Promise<void> {
  const model = textModel(bert, config);
  const valuesOf = (...parts: PartName[]) => {
    return new Map(
      model.parameters(parts).map(({ name, shape }) => [name, new Float32Array(sizeOf(shape)).fill(version)]),
    );
  };
  return saveText(path, {
    model,
    head: 'maskedLm',
    raw: { version },
    values: valuesOf('encoder', 'mlmHead'),
    tokenizerFiles: new Map([['vocab.txt', `${version}\n`.repeat(5)]]),
    pooler: valuesOf('pooler'),
  });
}

function sizeOf(shape: readonly number[]): number {
  return shape.reduce((size, length) => size * length, 1);
}
