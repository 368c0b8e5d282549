import { createHash } from 'node:crypto';
import type { FoundModel } from '../findModel.ts';
import { readModel } from '../textModel.ts';
import { digestOfModel, digestOfWords } from '../trust/weightsDigest.ts';
import { readWordsAlone } from '../wordsPart.ts';

/**
 * What tells a model from others by all that its answers come of: every weight, its configuration, what a sentence encoder's
 * folder says, and the tokenizer. The same model under another name, in another folder, has the same. Throws as `readModel`.
 */
export async function modelDigest(found: FoundModel): Promise<string> {
  const alone = await readWordsAlone(found);
  if (alone) return digestOfWords(alone);
  const read = await readModel(found, { head: 'present', words: true });
  const { model, values, sentence, tokenizer } = read;
  const files = [...tokenizer.files()].sort(([a], [b]) => (a < b ? -1 : 1));
  const hash = createHash('sha256');
  // With labels, and words that are read beside it.
  hash.update(digestOfModel(read));
  hash.update(JSON.stringify([model.type, model.hubConfig(), model.sentence, sentence, files]));
  for (const name of [...values.keys()].sort()) {
    const { buffer, byteOffset, byteLength } = values.get(name) ?? new Float32Array();
    hash.update(`${name} `).update(new Uint8Array(buffer, byteOffset, byteLength));
  }
  return hash.digest('hex');
}
