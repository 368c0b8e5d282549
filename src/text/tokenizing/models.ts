import { bytePair } from './bytePair.ts';
import { kindOf, Options, type Place, unknownKind } from './kinds.ts';
import type { PieceModel } from './model.ts';
import { unigram } from './unigram.ts';
import { wordLevel } from './wordLevel.ts';
import { wordPiece } from './wordPiece.ts';

const kinds = { BPE: bytePair, Unigram: unigram, WordLevel: wordLevel, WordPiece: wordPiece } as const;

/**
 * The model that a tokenizer.json describes.
 *
 * @param part the file's `model`
 * @throws BertuneError when it, or an option of it, is not known
 */
export function createModel(part: unknown, where: string): PieceModel {
  const place: Place = { where, name: 'model' };
  const kind = kindOf(part, place);
  if (!Object.hasOwn(kinds, kind)) throw unknownKind(kind, place);
  return kinds[kind as keyof typeof kinds](new Options(part, place), where);
}
