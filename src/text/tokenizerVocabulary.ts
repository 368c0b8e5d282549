import { BertuneError, UsageError } from '../core/errors.ts';
import type { ModelPieces } from './addedTokens.ts';
import { contentOf } from './rebuilding.ts';
import type { TokenizerRules } from './tokenizerClass.ts';
import { isObject, type TokenizerFiles, type WholeTokenizerJson } from './tokenizerFiles.ts';
import { readVocabulary, type TokenizerConfig, vocabularyLines } from './vocabulary.ts';

/**
 * A `tokenizer.json` that holds the vocabulary alone, of a folder that has none.
 *
 * @throws UsageError when there is no vocabulary either; BertuneError when there is one in a form that is not read
 */
export function vocabularyJson(
  { where, vocabularyText, vocabularyObject: vocab, merges, otherVocabulary }: TokenizerFiles,
  rules: TokenizerRules,
  config: TokenizerConfig,
): WholeTokenizerJson {
  if (rules === 'roberta' && vocab) {
    if (merges !== undefined) return { ...emptyJson, model: { type: 'BPE', vocab, merges } };
    throw new BertuneError(`${where} has vocab.json without the merges.txt that belongs to it`, 'copy it too');
  }
  if (otherVocabulary !== undefined) {
    throw new BertuneError(
      `${where} has its tokenizer only as ${otherVocabulary}, which is not read; write tokenizer.json once: python -c "import sys; from transformers import AutoTokenizer as A; A.from_pretrained(sys.argv[1]).save_pretrained(sys.argv[1])" "${where}"`,
    );
  }
  if (vocabularyText === undefined) {
    throw new UsageError(`no tokenizer in ${where}: expected tokenizer.json or vocab.txt`);
  }
  const pieces = Object.fromEntries(readVocabulary(vocabularyText));
  return { ...emptyJson, model: { type: 'WordPiece', unk_token: contentOf(config.unk_token), vocab: pieces } };
}

/** The keys in the order in which they are written. */
const emptyJson = {
  ...{ version: '1.0', truncation: null, padding: null, added_tokens: [] },
  ...{ normalizer: undefined, pre_tokenizer: undefined, post_processor: undefined, decoder: undefined },
};

/** The pieces of a model: ids by piece, or a list of pieces with their scores. */
export function modelPieces(vocab: unknown): ModelPieces {
  if (Array.isArray(vocab)) return listedPieces(vocab);
  const ids = isObject<Record<string, number>>(vocab) ? vocab : {};
  return {
    size: Object.keys(ids).length,
    idsOf: (contents) =>
      new Map(
        [...contents].flatMap((content) => (Object.hasOwn(ids, content) ? [[content, Number(ids[content])]] : [])),
      ),
  };
}

/** Looks through the list once for all contents of a question, and not again for those of earlier ones. */
function listedPieces(vocab: readonly unknown[]): ModelPieces {
  const found = new Map<string, number | undefined>();
  return {
    size: vocab.length,
    idsOf(contents) {
      const wanted = new Set([...contents].filter((content) => !found.has(content)));
      for (const content of wanted) found.set(content, undefined);
      if (wanted.size > 0) {
        for (const [id, entry] of vocab.entries()) {
          const piece: unknown = Array.isArray(entry) ? entry[0] : entry;
          if (typeof piece === 'string' && wanted.has(piece)) found.set(piece, id);
        }
      }
      return new Map(
        [...contents].flatMap((content) => {
          const id = found.get(content);
          return id === undefined ? [] : [[content, id]];
        }),
      );
    },
  };
}

/** Whether a `vocab.txt` holds the pieces of a `tokenizer.json`. */
export function isVocabularyOf(text: string, { model }: WholeTokenizerJson): boolean {
  const vocab: unknown = model?.vocab;
  if (!isObject<Readonly<Record<string, unknown>>>(vocab)) return false;
  const pieces = vocabularyLines(text);
  const own = pieces.filter((piece, id) => vocab[piece] === id);
  // A piece that stands there twice has one of the two ids.
  const isTwice = (piece: string, id: number) => vocab[piece] !== id && pieces[Number(vocab[piece])] === piece;
  return (
    own.length === Object.keys(vocab).length &&
    (own.length === pieces.length || pieces.every((piece, id) => vocab[piece] === id || isTwice(piece, id)))
  );
}
