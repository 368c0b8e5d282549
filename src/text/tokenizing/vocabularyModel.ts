import { BertuneError } from '../../core/errors.ts';
import { asPart, type Options } from './kinds.ts';
import type { PieceModel } from './model.ts';

/** A vocabulary as WordPiece, BPE and WordLevel have it: an id for every piece. */
export class PieceVocabulary {
  readonly #ids: ReadonlyMap<string, number>;
  readonly #pieces: (string | undefined)[] = [];

  /** @throws BertuneError when the model's `vocab` is none */
  constructor(options: Options, where: string) {
    const entries = Object.entries(asPart(options.raw('vocab'), { where, name: 'vocab' }));
    for (const [piece, id] of entries) {
      if (typeof id !== 'number' || !Number.isSafeInteger(id) || id < 0 || id >= mostIds) {
        throw new BertuneError(`${where}: the vocab of tokenizer.json gives ${JSON.stringify(piece)} no id`);
      }
      this.#pieces[id] = piece;
    }
    this.#ids = new Map(entries as [string, number][]);
  }

  get size(): number {
    return this.#ids.size;
  }

  get bound(): number {
    return this.#pieces.length;
  }

  idOf(piece: string): number | undefined {
    return this.#ids.get(piece);
  }

  pieceOf(id: number): string | undefined {
    return this.#pieces[id];
  }

  /** A model of these pieces. @param tokenize how it cuts a word */
  model(tokenize: PieceModel['tokenize']): PieceModel {
    return {
      size: this.size,
      bound: this.bound,
      idOf: (piece) => this.idOf(piece),
      pieceOf: (id) => this.pieceOf(id),
      tokenize,
    };
  }

  entries(): Iterable<[string, number]> {
    return this.#ids;
  }
}

/** No vocabulary is larger; an array for one would not fit into memory. */
const mostIds = 1 << 27;
