import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Architecture } from '../../src/hub/bertConfig.ts';
import { saveBert } from '../../src/hub/folder.ts';
import { initialValue } from '../../src/nn/parameters.ts';
import { classifierParts, maskedLmParts, partParameters } from '../../src/tasks/losses.ts';
import { loadTokenizer } from '../../src/text/tokenizer.ts';
import { dataFile, workPath } from './environment.ts';
import { configOf, type StepShape } from './shapes.ts';

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

async function made(
  shape: StepShape,
  labels: number | undefined,
  tokenizerFiles: () => ReadonlyMap<string, string>,
  prefix = '',
): Promise<string> {
  const architecture: Architecture = labels ? 'BertForSequenceClassification' : 'BertForMaskedLM';
  const folder = workPath('models', `${prefix}${shape.name}-${architecture}-${labels ?? 0}`);
  if (existsSync(join(folder, 'config.json'))) return folder;
  const names = labels && Array.from({ length: labels }, (_, i) => `label ${i}`);
  const config = { ...configOf(shape), ...(names ? { labels: names } : {}) };
  const specs = partParameters(config, labels ? classifierParts : maskedLmParts);
  const values = new Map(specs.map((spec) => [spec.name, initialValue(spec, config.initializerRange, 1)]));
  await saveBert(folder, { config, values, architecture, tokenizerFiles: tokenizerFiles() });
  return folder;
}
