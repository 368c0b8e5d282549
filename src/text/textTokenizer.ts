import { join } from 'node:path';
import { BertuneError } from '../core/errors.ts';
import type { BertNormalizerConfig } from './bertNormalizer.ts';
import { type AlignedEncoding, addToken, addWord, addWords, type Encoding, Words, wordOf } from './encoding.ts';
import type { Frame } from './frame.ts';
import { type AddedToken, readAddedToken, splitter } from './tokenizing/addedTokens.ts';
import { AlignedText } from './tokenizing/alignedText.ts';
import { decoderOf } from './tokenizing/decoder.ts';
import { Options } from './tokenizing/kinds.ts';
import type { PieceModel } from './tokenizing/model.ts';
import { createModel } from './tokenizing/models.ts';
import { createNormalizer } from './tokenizing/normalizers.ts';
import { createPostProcessor, frameOfProcessor, trimmed } from './tokenizing/postProcessor.ts';
import { createPreTokenizer } from './tokenizing/preTokenizers.ts';
import type { SpecialRole, TokenizerConfig } from './vocabulary.ts';

export type { AlignedEncoding, Encoding } from './encoding.ts';

/**
 * What turns text into tokens. Its files say of themselves which kind it is, so families of encoders do not: models of
 * one family come with tokenizers of several kinds.
 */
export interface TextTokenizer {
  readonly vocabularySize: number;
  /** Ids of the special tokens by role. */
  readonly special: SpecialTokenIds;
  readonly specialIds: ReadonlySet<number>;
  /** What stands around every sequence. */
  readonly frame: Frame;
  /** The end at which a text that is too long is cut. */
  readonly truncationSide: 'left' | 'right';
  /** Surrogates without their other half count as U+FFFD. */
  encode(text: string): Encoding;
  /** The same tokens, and what each stands for; slower. */
  encodeAligned(text: string): AlignedEncoding;
  /** The id of a role. @throws BertuneError when no token has it */
  idOfRole(role: SpecialRole): number;
  /** The raw piece of an id. */
  tokenOf(id: number): string;
  idOf(token: string): number | undefined;
  /** Text of tokens, pieces joined. */
  decode(ids: readonly number[]): string;
  /** Contents of the tokenizer's files by name, to be saved with a model. */
  files(): Map<string, string>;
}

/** Ids of special tokens; of a role that the tokenizer has no token for, undefined. */
export type SpecialTokenIds = Readonly<Record<'pad', number> & Partial<Record<SpecialRole, number>>>;

/** A tokenizer as its files describe it, contradictions between them resolved. */
export interface TokenizerDefinition {
  /** What messages call the place of the files. */
  readonly where: string;
  /** `tokenizer.json`, the one description that counts. */
  readonly json: TokenizerJson;
  readonly config: TokenizerConfig;
  /** Text of the special tokens by role. */
  readonly special: Readonly<Partial<Record<SpecialRole, string>>>;
  /** The end at which a text that is too long is cut; right when absent. */
  readonly truncationSide?: 'left' | 'right';
  /** Contents of the files to be saved with a model, by name. */
  readonly files: ReadonlyMap<string, string>;
}

/** A `tokenizer.json`, whose parts are looked at by kind. */
export interface TokenizerJson {
  readonly model?: { readonly type?: string };
  readonly normalizer?: (BertNormalizerConfig & { readonly type?: string }) | null;
  readonly pre_tokenizer?: object | null;
  readonly post_processor?: object | null;
  readonly decoder?: object | null;
  readonly added_tokens?: readonly object[];
}

/**
 * The tokenizer of a description, with the tokens of the reference (Hugging Face tokenizers, in Rust).
 *
 * @throws BertuneError when a part, or an option of one, is not known, or it cannot be used
 */
export function textTokenizer(definition: TokenizerDefinition): TextTokenizer {
  const { where, json, config } = definition;
  checkParts(json, where);
  const model = createModel(json.model, where);
  const normalizer = createNormalizer(json.normalizer, where);
  const preTokenizer = createPreTokenizer(json.pre_tokenizer, where);
  const processor = createPostProcessor(json.post_processor, where);
  const added = addedTokens(json, model, where);
  const idOf = (token: string) => added.byContent.get(token)?.id ?? model.idOf(token);
  const tokenOf = (id: number) => added.byId.get(id)?.content ?? model.pieceOf(id);
  const special = specialIdsOf(definition, idOf);
  const normalize = (text: string) => normalizer?.normalize(text) ?? text;
  const all = [...added.byContent.values()];
  const splitRaw = splitter(all.filter((token) => !token.normalized).map((token) => [token.content, token]));
  const splitNormalized = splitter(
    all.filter((token) => token.normalized).map((token) => [normalize(token.content), token]),
  );
  const words = new Words(model, preTokenizer);
  const wordEnd = new Options(json.model, { where, name: 'model' }).string('end_of_word_suffix', '');
  const decode = decoderOf({ decoder: json.decoder, config, added: all, wordEnd }, where);

  const encodeFast = (text: string): Encoding => {
    const ends = preTokenizer.partsAtSpaces ? { ends: [] } : {};
    const encoding: Encoding = { ids: [], wordIds: [], words: [], ...ends };
    for (const raw of splitRaw(text)) {
      if (raw.token) {
        addToken(encoding, text.slice(raw.from, raw.to), raw.token);
        continue;
      }
      const normalized = normalize(raw.to - raw.from === text.length ? text : text.slice(raw.from, raw.to));
      if (normalized === '') continue;
      for (const { from, to, token } of splitNormalized(normalized)) {
        const part = to - from === normalized.length ? normalized : normalized.slice(from, to);
        if (token) addToken(encoding, part, token);
        else addWords(encoding, preTokenizer.cut(part), words);
      }
    }
    return encoding;
  };

  const encodeAligned = (text: string): AlignedEncoding => {
    const ends = preTokenizer.partsAtSpaces ? { ends: [] } : {};
    const encoding: AlignedEncoding = { ids: [], wordIds: [], words: [], ...ends, offsets: [] };
    const names: string[] = [];
    const add = (part: AlignedText, token: AddedToken) => {
      addToken(encoding, part.text, token);
      encoding.offsets.push(part.span(0, part.text.length));
      names.push(part.text);
    };
    for (const raw of splitRaw(text)) {
      const section = AlignedText.of(text.slice(raw.from, raw.to), raw.from);
      if (raw.token) {
        add(section, raw.token);
        continue;
      }
      const normalized = normalizer?.align(section) ?? section;
      if (normalized.text === '') continue;
      for (const { from, to, token } of splitNormalized(normalized.text)) {
        const part = normalized.slice(from, to);
        if (token) add(part, token);
        else {
          for (const word of preTokenizer.cutAligned(part)) {
            const spans: number[] = [];
            const ids = model.tokenize(word.text, spans);
            addWord(encoding, wordOf(word.text, ids, spans, preTokenizer));
            for (const [i, id] of ids.entries()) {
              const [from, to] = [spans[2 * i] as number, spans[2 * i + 1] as number];
              encoding.offsets.push(word.span(from, to));
              names.push(id === model.namedByText ? word.text.slice(from, to) : (tokenOf(id) ?? ''));
            }
          }
        }
      }
    }
    return { ...encoding, offsets: trimmed(processor, encoding.offsets, names) };
  };

  return {
    vocabularySize: Math.max(model.bound, ...all.map(({ id }) => id + 1)),
    special,
    specialIds: new Set([...Object.values(special), ...all.filter((token) => token.special).map((token) => token.id)]),
    frame: frameOfProcessor(processor, special.pad),
    truncationSide: definition.truncationSide ?? 'right',
    encode: (text) =>
      preTokenizer.needsOrigin ? withoutOffsets(encodeAligned(wellFormed(text))) : encodeFast(wellFormed(text)),
    encodeAligned: (text) => encodeAligned(wellFormed(text)),
    idOfRole(role) {
      const id = special[role];
      if (id === undefined) throw new BertuneError(`${where}: the tokenizer has no ${role} token, which this needs`);
      return id;
    },
    tokenOf: (id) => tokenOf(id) ?? `[id ${id}]`,
    idOf,
    decode: (ids) => decode(ids.map((id) => tokenOf(id) ?? '')),
    files: () => new Map(definition.files),
  };
}

function withoutOffsets({ offsets: _, ...encoding }: AlignedEncoding): Encoding {
  return encoding;
}

/** Text whose surrogates all come in pairs: U+FFFD takes the place of others, as in text that is decoded. */
function wellFormed(text: string): string {
  return text.isWellFormed() ? text : text.toWellFormed();
}

declare global {
  /** Of ECMAScript 2024; Node 20 has them. */
  interface String {
    isWellFormed(): boolean;
    toWellFormed(): string;
  }
}

function checkParts(json: TokenizerJson, where: string): void {
  for (const part of ['model', 'decoder', 'post_processor', 'pre_tokenizer', 'normalizer']) {
    if (!(part in json)) {
      throw new BertuneError(
        `${join(where, 'tokenizer.json')} cannot be used (it has no ${part}); save it with transformers anew`,
      );
    }
  }
}

/** Added tokens by id and by content. Those that the model has not are numbered after its pieces, as the reference does. */
function addedTokens({ added_tokens: entries = [] }: TokenizerJson, model: PieceModel, where: string) {
  const byContent = new Map<string, AddedToken>();
  const byId = new Map<number, AddedToken>();
  let next = model.size;
  for (const entry of entries) {
    const token = readAddedToken(new Options(entry, { where, name: 'added_tokens' }), -1);
    if (token.content === '') continue;
    const id = byContent.get(token.content)?.id ?? model.idOf(token.content) ?? next++;
    byContent.set(token.content, { ...token, id });
    byId.set(id, { ...token, id });
  }
  return { byContent, byId };
}

function specialIdsOf(
  { where, special: tokens }: TokenizerDefinition,
  idOf: (token: string) => number | undefined,
): SpecialTokenIds {
  const ids: Partial<Record<SpecialRole, number>> = {};
  for (const [role, token] of Object.entries(tokens) as [SpecialRole, string][]) {
    const id = idOf(token);
    if (id !== undefined) ids[role] = id;
  }
  const { pad } = ids;
  if (pad === undefined) {
    throw new BertuneError(
      `${where}: the vocabulary has no ${tokens.pad ?? 'pad token'}, which a BERT tokenizer needs`,
    );
  }
  return { ...ids, pad };
}
