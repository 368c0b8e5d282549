import { createHash } from 'node:crypto';
import type { WordsModel } from '../../tasks/words/wordsModel.ts';
import type { FoundModel } from '../findModel.ts';
import { type ReadModel, readModel } from '../textModel.ts';
import { readWordsAlone, type WordsAlone } from '../wordsPart.ts';

/** Numbers that are looked at of a tensor of the encoder: more say no more of whether it is another. */
const sampled = 4096;

/** What tells the weights of a folder's classifier from others. Throws as `readModel`. */
export async function weightsDigest(found: FoundModel): Promise<string> {
  const alone = await readWordsAlone(found);
  return alone ? digestOfWords(alone) : digestOfModel(await readModel(found, { head: 'present', words: true }));
}

/** Of a classifier behind an encoder: all of the classifier, its labels, and a part of every other tensor. */
export function digestOfModel({ model, values, words }: ReadModel): string {
  const hash = createHash('sha256').update(JSON.stringify(model.config.labels ?? []));
  for (const name of [...values.keys()].sort()) {
    const data = values.get(name) ?? new Float32Array();
    hash.update(`${name} ${data.length} `).update(bytesOf(name.startsWith('classifier') ? data : someOf(data)));
  }
  if (words) hash.update(`words ${words.weight} `).update(digestOfNumbers(words.words));
  return hash.digest('hex');
}

/** Of a classifier on words alone. */
export function digestOfWords({ labels, words }: WordsAlone): string {
  return createHash('sha256').update(JSON.stringify(labels)).update(digestOfNumbers(words)).digest('hex');
}

function digestOfNumbers({ weights }: WordsModel): Buffer {
  const { terms, idf, weight, bias } = weights;
  const hash = createHash('sha256').update(JSON.stringify(terms));
  for (const data of [idf, weight, bias]) hash.update(bytesOf(data));
  return hash.digest();
}

/** Numbers at equal distances, by an odd step: an even one might meet one column alone. */
function someOf(data: Float32Array): Float32Array {
  const step = Math.max(1, Math.floor(data.length / sampled)) | 1;
  const count = Math.ceil(data.length / step);
  return Float32Array.from({ length: count }, (_, i) => data[i * step] as number);
}

function bytesOf({ buffer, byteOffset, byteLength }: Float32Array): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength);
}
