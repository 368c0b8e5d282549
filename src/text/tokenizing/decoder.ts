import { join } from 'node:path';
import { Tokenizer } from '@huggingface/tokenizers';
import { BertuneError, messageOf } from '../../core/errors.ts';
import type { AddedToken } from './addedTokens.ts';

/** What a decoder is made from. */
export interface DecoderParts {
  /** `decoder` of a tokenizer.json. */
  readonly decoder: unknown;
  /** Contents of tokenizer_config.json. */
  readonly config: object;
  readonly added: readonly AddedToken[];
  /** What the model puts at the end of a word. */
  readonly wordEnd?: string;
}

/**
 * What makes text of pieces: the decoder of `@huggingface/tokenizers`, which starts, without the vocabulary, when it is
 * first asked.
 *
 * @throws BertuneError, when asked, for a decoder that the library does not know
 */
export function decoderOf(parts: DecoderParts, where: string): (pieces: readonly string[]) => string {
  let library: Tokenizer | undefined;
  return (pieces) => {
    if (pieces.length === 0) return '';
    library ??= open(parts, where);
    // It looks pieces up by id: for these, their places.
    if (library.model) library.model.vocab = [...pieces];
    return library.decode(pieces.map((_, i) => i));
  };
}

function open({ decoder, config, added, wordEnd }: DecoderParts, where: string): Tokenizer {
  const model = { type: 'BPE', vocab: {}, merges: [], unk_token: '', end_of_word_suffix: wordEnd };
  const none = { normalizer: null, pre_tokenizer: null, post_processor: null };
  try {
    return new Tokenizer({ ...none, model, decoder, added_tokens: added }, config);
  } catch (error) {
    throw new BertuneError(
      `${join(where, 'tokenizer.json')} cannot be used (${messageOf(error)}); save it with transformers anew`,
    );
  }
}
