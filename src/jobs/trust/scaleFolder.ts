import { dirname, join } from 'node:path';
import type { Scaling } from '../../evaluation/trust/scaling.ts';
import { patchTensors } from '../../hub/patchTensors.ts';
import { openWeights, weightFile } from '../../hub/weightFiles.ts';
import { saveWords, saveWordsPart } from '../../hub/wordsFolder.ts';
import type { FoundModel } from '../findModel.ts';
import { readModel } from '../textModel.ts';
import { readWordsAlone } from '../wordsPart.ts';
import { scaledBeside, scaledValues, scaledWords } from './scaledParts.ts';

/** Puts a scaling into the weights of a folder's classifier; all else stays as it is. Throws as `patchTensors`. */
export async function scaleFolder(found: FoundModel, scaling: Scaling): Promise<void> {
  if (scaling.kind === 'none') return;
  const { folder } = found;
  const alone = await readWordsAlone(found);
  if (alone) {
    const { kind, labels, pairs, words } = alone;
    await saveWords(folder, { kind, weights: scaledWords(words, scaling).weights, labels, pairs });
    return;
  }
  const { model, values, words } = await readModel(found, { head: 'oneLabel', words: true });
  const scaled = scaledValues(values, scaling);
  const patched = new Map<string, Map<string, Float32Array>>();
  for (const name of ['classifier.weight', 'classifier.bias']) {
    const data = scaled.get(name);
    for (const written of data ? model.names.written(name) : []) {
      // Of a classifier behind a sentence encoder the name says its folder.
      const inFolder = written.includes('/');
      const file = inFolder ? join(folder, dirname(written), weightFile) : await fileWith(folder, written);
      const own = patched.get(file) ?? new Map<string, Float32Array>();
      own.set(inFolder ? written.slice(dirname(written).length + 1) : written, data as Float32Array);
      patched.set(file, own);
    }
  }
  for (const [file, tensors] of patched) await patchTensors(file, tensors);
  if (!words) return;
  const beside = scaledBeside(words, scaling);
  await saveWordsPart(folder, { weights: beside.words.weights, weight: beside.weight });
}

/** The file of a model's weights, which may be shards, that holds a tensor. */
async function fileWith(folder: string, name: string): Promise<string> {
  const weights = await openWeights(folder, new Set());
  try {
    return weights.tensors.has(name) ? weights.fileOf(name) : join(folder, weightFile);
  } finally {
    await weights.close();
  }
}
