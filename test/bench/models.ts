import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { saveText } from '../../src/hub/saveText.ts';
import type { HeadName } from '../../src/models/text/heads/table.ts';
import { initialValue } from '../../src/nn/parameters.ts';
import { loadTokenizer } from '../../src/text/tokenizer.ts';
import { dataFile, workPath } from './environment.ts';
import { familyModel, modelOf, type StepShape } from './shapes.ts';

/**
 * A model folder of a shape with random weights and BERT's vocabulary of 30,522 tokens, which all sides load; made once.
 *
 * @param labels number of classes of a classifier; a masked language model without
 */
export async function benchModel(shape: StepShape, labels?: number): Promise<string> {
  return made(shape, labels, () => loadTokenizer(join(dataFile('vocabs'), 'bert_uncased')).files());
}

/** The same masked language model without a tokenizer, for what reads no text; needs no data. */
export async function benchWeights(shape: StepShape): Promise<string> {
  return made(shape, undefined, () => new Map(), 'weights-');
}

/** The same for a family of encoders, with the sizes of the shape. */
export async function familyWeights(shape: StepShape, type: string): Promise<string> {
  return made(shape, undefined, () => new Map(), 'family-', familyModel(shape, type));
}

async function made(
  shape: StepShape,
  labels: number | undefined,
  tokenizerFiles: () => ReadonlyMap<string, string>,
  prefix = '',
  unnamed = modelOf(shape),
): Promise<string> {
  const head: HeadName = labels ? 'oneLabel' : 'maskedLm';
  const folder = workPath('models', `${prefix}${shape.name}-${unnamed.hubClass(head)}-${labels ?? 0}`);
  if (existsSync(join(folder, 'config.json'))) return folder;
  const model = unnamed.withLabels(labels ? Array.from({ length: labels }, (_, i) => `label ${i}`) : undefined);
  const specs = model.parameters(model.partsOf(head));
  const values = new Map(specs.map((spec) => [spec.name, initialValue(spec, model.config.initializerRange, 1)]));
  await saveText(folder, { model, values, head, tokenizerFiles: tokenizerFiles() });
  return folder;
}
