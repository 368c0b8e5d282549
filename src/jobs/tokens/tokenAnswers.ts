import { z } from 'zod';
import { tagSchemeKey } from '../../hub/textConfig.ts';
import type { HubConfig } from '../../models/text/config.ts';
import type { Resolved } from '../../settings/options.ts';
import { resolve } from '../../settings/resolve.ts';
import type { TextInference } from '../../tasks/text/inference.ts';
import { entitiesOf, tagRows } from '../../tasks/text/objectives/tokenLabels.ts';
import { aggregate, type Piece } from '../../text/tagging/aggregate.ts';
import { type CutText, cutText, type TextToCut, windowsOf } from '../../text/tagging/cutText.ts';
import { schemeOfTags, tagDecoder } from '../../text/tagging/decode.ts';
import { codePointsAt } from '../../text/tagging/places.ts';
import { outside, type Scheme, schemeNames, tagOf } from '../../text/tagging/scheme.ts';
import type { AlignedEncoding, TextTokenizer } from '../../text/textTokenizer.ts';
import type { Answered } from '../answers/answerKind.ts';
import { checkTexts } from '../answers/labelAnswers.ts';
import type { EntityAnswer, FoundEntity } from '../types.ts';

/** A model with a token classifier, ready to be asked. */
export interface TokenModel {
  readonly inference: TextInference;
  readonly tokenizer: TextTokenizer;
  /** Names of its tags. */
  readonly labels: readonly string[];
  /** Its `config.json`. */
  readonly raw: HubConfig;
  /** Tokens of a window, special ones included. */
  readonly maxLength: number;
}

/** How entities are given. */
export type EntityOptions = Pick<Resolved<'model.entities'>, 'offsets' | 'aggregation'>;

/** What the tags of a model are written in; undefined where its folder leaves that open. */
export function schemeOf({ labels, raw }: Pick<TokenModel, 'labels' | 'raw'>): Scheme | undefined {
  return z.enum(schemeNames).safeParse(raw[tagSchemeKey]).data ?? schemeOfTags(labels);
}

/** The labels of entities that tags name. */
export function entityNames(tags: readonly string[]): string[] {
  return [...new Set(tags.filter((tag) => tag !== outside).map((tag) => tagOf(tag).type))];
}

/** The answers of a model that labels parts of texts. @param usual how entities are given where nobody says */
export function tokenAnswers(model: TokenModel, usual: EntityOptions) {
  const decoder = { decoder: tagDecoder(model.labels, schemeOf(model)), labels: model.labels };
  const most = model.maxLength - model.tokenizer.frame.size;
  const sizes = { before: model.tokenizer.frame.before.length, labels: model.labels.length };

  /** Entities of texts by the best tags of their words. */
  const decoded = async (texts: readonly TextToCut[]) => {
    const cuts = texts.map((text) => cutText(model.tokenizer, text, most));
    const rows = await tagRows(model.inference, cuts, sizes);
    return cuts.map((cut, i) => entitiesOf(cut, rows[i] ?? [], decoder));
  };

  /** Entities of texts as pipelines put them together, of all their tokens. */
  const aggregated = async (texts: readonly string[], how: NonNullable<EntityOptions['aggregation']>) => {
    const encodings = texts.map((text) => model.tokenizer.encodeAligned(text));
    const cuts = encodings.map(({ ids, offsets }): CutText => {
      const units = offsets.map(([start, end], token) => ({ start, end, token }));
      return { units, windows: windowsOf(ids, units, most) };
    });
    const rows = await tagRows(model.inference, cuts, sizes);
    const continues = continuation(model.tokenizer);
    return texts.map((text, i) => {
      const encoding = encodings[i] as AlignedEncoding;
      const pieces = encoding.ids.flatMap((id, token): Piece[] => {
        const logits = rows[i]?.[token];
        const [start, end] = encoding.offsets[token] ?? [0, 0];
        if (!logits) return [];
        const isContinued = id !== model.tokenizer.special.unk && continues(text, encoding, token);
        return [{ index: sizes.before + token, id, start, end, isContinued, logits }];
      });
      return aggregate(pieces, model.labels, how).map(({ ids, ...entity }) => {
        const isUnknown = ids.includes(model.tokenizer.special.unk ?? -1);
        const word = isUnknown ? text.slice(entity.start, entity.end) : model.tokenizer.decode(ids);
        return { ...entity, word };
      });
    });
  };

  const entities = async (texts: readonly string[], asked: Partial<EntityOptions> = {}): Promise<FoundEntity[][]> => {
    checkTexts(texts, 'entities needs a list of texts');
    const { offsets, aggregation } = resolve('model.entities', asked);
    const found = aggregation ? await aggregated(texts, aggregation) : await decoded(texts.map((text) => ({ text })));
    return found.map((list, i) => {
      const text = texts[i] as string;
      const place = offsets === 'code-points' ? codePointsAt(text) : (at: number) => at;
      return list.map(({ start, end, label, score, ...more }) => ({
        ...{ start: place(start), end: place(end), label, score, text: text.slice(start, end) },
        ...more,
      }));
    });
  };

  const answered = async (texts: readonly string[]): Promise<Answered[]> =>
    (await entities(texts, usual)).map((list) => ({
      answer: { entities: list },
      scores: [],
      cells: [JSON.stringify(list)],
      counted: list.map(({ label }) => label),
    }));

  return { decoded, entities, answered };
}

/** An answer whose places are in code units, with places in code points. */
export function inCodePoints({ entities }: EntityAnswer, text: string): EntityAnswer {
  const place = codePointsAt(text);
  return { entities: entities.map((entity) => ({ ...entity, start: place(entity.start), end: place(entity.end) })) };
}

/**
 * Whether a token goes on with the word before it, as the pipelines of Python tell: where pieces say so by a prefix, it is
 * longer than what it stands for; otherwise nothing parts it from what is before.
 */
function continuation(tokenizer: TextTokenizer): (text: string, encoding: AlignedEncoding, token: number) => boolean {
  const json = tokenizer.files().get('tokenizer.json');
  const described = prefixSchema.safeParse(json === undefined ? {} : JSON.parse(json)).data;
  // A vocabulary alone is that of a WordPiece.
  const hasPrefix = json === undefined || Boolean(described?.model.continuing_subword_prefix);
  return (text, { ids, offsets }, token) => {
    const [start, end] = offsets[token] ?? [0, 0];
    if (hasPrefix) {
      return Array.from(tokenizer.tokenOf(ids[token] ?? 0)).length !== Array.from(text.slice(start, end)).length;
    }
    return start > 0 && !text.slice(start - 1, start + 1).includes(' ');
  };
}

const prefixSchema = z.object({ model: z.object({ continuing_subword_prefix: z.string().nullish() }) });
