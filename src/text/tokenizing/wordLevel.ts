import { BertuneError } from '../../core/errors.ts';
import type { Options } from './kinds.ts';
import type { PieceModel } from './model.ts';
import { PieceVocabulary } from './vocabularyModel.ts';

/** Whole words that the vocabulary has, or the unknown token. */
export function wordLevel(options: Options, where: string): PieceModel {
  const vocabulary = new PieceVocabulary(options, where);
  const unknown = options.string('unk_token', '<unk>');
  return vocabulary.model((word, spans) => {
    const id = vocabulary.idOf(word) ?? vocabulary.idOf(unknown);
    if (id === undefined) {
      const shown = JSON.stringify(word.slice(0, 40));
      throw new BertuneError(`${where}: the vocabulary has neither ${shown} nor ${unknown}`);
    }
    spans?.push(0, word.length);
    return [id];
  });
}
