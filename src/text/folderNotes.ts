import { counted } from '../core/errors.ts';
import { listOf } from './addedTokens.ts';
import { contentOf } from './rebuilding.ts';
import type { TokenizerClass } from './tokenizerClass.ts';
import type { TokenizerFiles, WholeTokenizerJson } from './tokenizerFiles.ts';
import { specialRoles, type TokenizerConfig } from './vocabulary.ts';

export interface FolderReading {
  readonly files: TokenizerFiles;
  readonly tokenizer: TokenizerClass;
  readonly config: TokenizerConfig;
  /** What was made of the files. */
  readonly json: WholeTokenizerJson;
  /** What of `tokenizer.json` the class does not go by. */
  readonly ignored: readonly string[];
  /** Whether `vocab.txt` is there and holds the pieces that were taken. */
  readonly hasVocabulary: boolean;
}

/** Lines about a folder whose files disagree, or from which less follows than they seem to say. */
export function folderNotes(reading: FolderReading): string[] {
  const { where, json: given, vocabularyText, config } = reading.files;
  const { name = 'tokenizer', note } = reading.tokenizer;
  const ignored = given ? reading.ignored : [];
  const lines = [
    note,
    vocabularyText?.startsWith('\ufeff') &&
      `${where}: vocab.txt begins with a byte order mark, which is left out; for transformers it is part of the first piece`,
    ignored.length > 0 &&
      `${where}: the ${name} of transformers goes by tokenizer_config.json${config ? '' : ', which is missing,'} and its own defaults rather than by tokenizer.json, which differs in ${ignored.join(', ')}: so does this`,
    ...tokenNotes(reading),
    given &&
      vocabularyText !== undefined &&
      !reading.hasVocabulary &&
      `${where}: vocab.txt has other pieces than tokenizer.json, which counts`,
    capitalsNote(reading),
    config?.padding_side === 'left' &&
      `${where}: padding_side is left, and texts are padded at their right here: each is read as if it stood alone`,
  ];
  return lines.filter((line) => typeof line === 'string');
}

function tokenNotes({ files, config, json }: FolderReading): string[] {
  const { where, json: given, specialTokensMap = {} } = files;
  const taken = new Map(listOf(json.added_tokens).map((token) => [token.content, JSON.stringify(token)]));
  const changed = listOf(given?.added_tokens).filter((token) => taken.get(token.content) !== JSON.stringify(token));
  const listed = changed.map(({ content }) => (taken.has(content) ? content : `${content} (left out)`));
  const overruled = specialRoles.filter((role) => {
    const older = contentOf(specialTokensMap[`${role}_token`]);
    return older !== undefined && older !== contentOf(config[`${role}_token`]);
  });
  return [
    ...(listed.length > 0
      ? [
          `${where}: tokenizer.json and the other files disagree about added tokens: ${shortened(listed)} are read as transformers reads them`,
        ]
      : []),
    ...(overruled.length > 0
      ? [
          `${where}: special_tokens_map.json is not read where tokenizer_config.json has added_tokens_decoder, though it names another ${overruled.map((role) => `${role}_token`).join(', ')}`,
        ]
      : []),
  ];
}

function shortened(names: readonly string[]): string {
  return names.slice(0, 3).join(', ') + (names.length > 3 ? ', …' : '');
}

/** Share of pieces with a capital, of those with letters that have case, that no lower-cased vocabulary comes near. */
const casedShare = 0.05;

function capitalsNote({ files, json, tokenizer }: FolderReading): string | undefined {
  const { normalizer, model } = json;
  const vocab: unknown = model?.vocab;
  if (tokenizer.rules === 'file' || normalizer?.type !== 'BertNormalizer' || normalizer.lowercase === false)
    return undefined;
  const pieces = Object.keys(typeof vocab === 'object' && vocab !== null ? vocab : {});
  const capitals = pieces.filter((piece) => piece !== piece.toLowerCase() && !isMarked.test(piece)).length;
  const cased = () => pieces.filter((piece) => hasCase.test(piece)).length;
  if (capitals < 3 || capitals < 0.01 * pieces.length || capitals < casedShare * cased()) return undefined;
  const named = files.config?.do_lower_case === true;
  return `${files.where}: the vocabulary has ${counted(capitals, 'piece')} with capital letters, which are never found: text is lower-cased, since tokenizer_config.json ${named ? 'says' : 'does not say'} do_lower_case${named ? '' : ': false'}`;
}

/** As special tokens are written, and those that are kept for later. */
const isMarked = /^[[<].*[\]>]$/;
const hasCase = /[\p{Lu}\p{Ll}]/u;
