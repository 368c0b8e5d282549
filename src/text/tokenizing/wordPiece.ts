import { BertuneError } from '../../core/errors.ts';
import type { Options } from './kinds.ts';
import type { PieceModel } from './model.ts';
import { PieceVocabulary } from './vocabularyModel.ts';

/**
 * WordPiece (Wu et al. 2016, as Devlin et al. 2019 use it): from left to right, the longest piece of the vocabulary. A
 * word with a part that has none is one unknown token, and so is one that is too long.
 */
export function wordPiece(options: Options, where: string): PieceModel {
  const vocabulary = new PieceVocabulary(options, where);
  const unknownPiece = options.string('unk_token', '[UNK]');
  const prefix = options.string('continuing_subword_prefix', '##');
  const mostCharacters = options.number('max_input_chars_per_word', 100);
  const unknown = vocabulary.idOf(unknownPiece);
  // Pieces that go on with a word, without their prefix.
  const inner = new Map<string, number>();
  let longest = 0;
  for (const [piece, id] of vocabulary.entries()) {
    if (piece.startsWith(prefix)) inner.set(piece.slice(prefix.length), id);
    longest = Math.max(longest, piece.length);
  }

  const unknownWord = (word: string, spans?: number[]) => {
    if (unknown === undefined) {
      throw new BertuneError(
        `${where}: ${JSON.stringify(word.slice(0, 40))} has no piece in the vocabulary, nor is there ${unknownPiece}`,
      );
    }
    spans?.push(0, word.length);
    return [unknown];
  };

  return vocabulary.model((word, spans) => {
    if (word.length > mostCharacters && charactersOf(word) > mostCharacters) return unknownWord(word, spans);
    const ids: number[] = [];
    const found: number[] = [];
    for (let start = 0; start < word.length; ) {
      let end = Math.min(word.length, start + longest);
      let id: number | undefined;
      for (; end > start; end--) {
        const part = word.slice(start, end);
        id = start === 0 ? vocabulary.idOf(part) : inner.get(part);
        if (id !== undefined) break;
      }
      if (id === undefined) return unknownWord(word, spans);
      ids.push(id);
      found.push(start, end);
      start = end;
    }
    spans?.push(...found);
    return ids;
  });
}

function charactersOf(word: string): number {
  let count = 0;
  for (const _ of word) count++;
  return count;
}
