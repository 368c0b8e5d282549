import { BertuneError } from '../../core/errors.ts';
import { type Frame, frameOf, type PairFrame } from '../frame.ts';
import { asPart, kindOf, Options, type Place, unknownKind } from './kinds.ts';

/** What is done to a tokenized sequence. */
export interface PostProcessor {
  /** Ids before and after the sequence's own. */
  readonly before: readonly number[];
  readonly after: readonly number[];
  /** How it joins two sequences, where it says so and puts the same around them. */
  readonly pair?: PairFrame;
  /** Trims white space of the tokens off what they stand for; in order. */
  readonly trims: readonly Trim[];
}

export interface Trim {
  /** Whether a space was put before the text, which is none of the text's own. */
  readonly prefixSpace: boolean;
}

/**
 * The post-processor that a tokenizer.json describes, as it goes for a single sequence.
 *
 * @param part the file's `post_processor`; null for none
 * @throws BertuneError when it, or an option of it, is not known
 */
export function createPostProcessor(part: unknown, where: string): PostProcessor {
  if (part === null || part === undefined) return nothing;
  const place: Place = { where, name: 'post_processor' };
  const kind = kindOf(part, place);
  if (!Object.hasOwn(kinds, kind)) throw unknownKind(kind, place);
  return kinds[kind as keyof typeof kinds](new Options(part, place), where);
}

export function frameOfProcessor({ before, after, pair }: PostProcessor, pad: number): Frame {
  return frameOf(before, after, pad, pair);
}

const nothing: PostProcessor = { before: [], after: [], trims: [] };

const kinds = {
  BertProcessing: (options: Options) => around(options, 1),
  ByteLevel: (options: Options) => ({ ...nothing, trims: trimsOf(options) }),
  RobertaProcessing: (options: Options) => ({ ...around(options, 0), trims: trimsOf(options) }),
  Sequence(options: Options, where: string): PostProcessor {
    return options
      .list('processors')
      .map((part) => createPostProcessor(part, where))
      .reduce(
        (inner, outer) => ({
          before: [...outer.before, ...inner.before],
          after: [...inner.after, ...outer.after],
          trims: [...inner.trims, ...outer.trims],
          // What two of them would do to a pair is not worked out.
          pair: isBare(inner) ? outer.pair : isBare(outer) ? inner.pair : undefined,
        }),
        nothing,
      );
  },
  TemplateProcessing: (options: Options, where: string) => template(options, where),
} as const satisfies Readonly<Record<string, (options: Options, where: string) => PostProcessor>>;

function isBare({ before, after }: PostProcessor): boolean {
  return before.length + after.length === 0;
}

/** BERT's way with two sequences, [CLS] A [SEP] B [SEP], or RoBERTa's, <s> A </s></s> B </s>, where all are of one type. */
function around(options: Options, secondType: 0 | 1): PostProcessor {
  const [before, after] = [[idIn(options, 'cls')], [idIn(options, 'sep')]];
  const between = secondType === 1 ? after : [...after, ...after];
  return { ...nothing, before, after, pair: { between, secondType } };
}

/** The id in an option that is a pair of a token and its id. */
function idIn(options: Options, name: string): number {
  const id = options.list(name)[1];
  if (!isId(id)) throw options.refuse(name, 'a pair of a token and its id');
  return id;
}

function trimsOf(options: Options): Trim[] {
  const prefixSpace = options.boolean('add_prefix_space', true);
  return options.boolean('trim_offsets', true) ? [{ prefixSpace }] : [];
}

function template(options: Options, where: string): PostProcessor {
  const place: Place = { where, name: 'post_processor' };
  const special = asPart(options.raw('special_tokens') ?? {}, place);
  const idsOf = (id: unknown): number[] => {
    const { ids } = asPart(special[String(id)], place);
    if (!Array.isArray(ids) || !ids.every(isId)) {
      throw new BertuneError(`${where}: the post_processor of tokenizer.json gives ${String(id)} no ids`);
    }
    return ids;
  };
  const sides: { before: number[]; after: number[] } = { before: [], after: [] };
  let reached = false;
  for (const item of options.list('single')) {
    const part = asPart(item, place);
    const { id, type_id: type } = asPart(part.Sequence ?? part.SpecialToken, place);
    if (type !== 0 && type !== undefined) throw options.refuse('single', 'of type 0 in every part');
    if (part.Sequence !== undefined) {
      if (id !== 'A' || reached) throw options.refuse('single', 'a template of one sequence, A');
      reached = true;
      continue;
    }
    (reached ? sides.after : sides.before).push(...idsOf(id));
  }
  if (!reached) throw options.refuse('single', 'a template of one sequence, A');
  const pair = pairTemplate(options.raw('pair'), place, idsOf);
  const isAlike = pair && [pair.before, pair.after].join('|') === [sides.before, sides.after].join('|');
  return { ...nothing, ...sides, ...(isAlike && { pair: pair.frame }) };
}

/** What a template does to a pair; undefined for what is not A before B, with types of one border between them. */
function pairTemplate(list: unknown, place: Place, idsOf: (id: unknown) => number[]) {
  if (!Array.isArray(list)) return undefined;
  const sides: number[][] = [[]];
  const types: number[] = [];
  const names: unknown[] = [];
  for (const item of list) {
    const part = asPart(item, place);
    const { id, type_id: type = 0 } = asPart(part.Sequence ?? part.SpecialToken, place);
    types.push(Number(type));
    if (part.Sequence === undefined) {
      sides.at(-1)?.push(...idsOf(id));
      continue;
    }
    names.push(id);
    sides.push([]);
  }
  const second = list.findLastIndex((item) => asPart(item, place).Sequence !== undefined);
  const [secondType = 0] = types.slice(second);
  const isPlain = names.join() === 'A,B' && types.every((type, i) => type === (i < second ? 0 : secondType));
  const [before = [], between = [], after = []] = sides;
  if (!isPlain || (secondType !== 0 && secondType !== 1)) return undefined;
  const frame: PairFrame = { between, secondType };
  return { before, after, frame };
}

function isId(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}

/**
 * What tokens stand for, without the white space at the ends that they carry, as the reference trims it.
 *
 * @param names the raw pieces of the tokens; of added ones the text itself
 */
export function trimmed(
  { trims }: PostProcessor,
  offsets: (readonly [number, number])[],
  names: readonly string[],
): (readonly [number, number])[] {
  return trims.reduce((before, { prefixSpace }) => {
    return before.map(([from, to], i) => {
      const name = names[i] ?? '';
      const after = spaceAfter(name);
      const leading = spaceBefore.exec(name)?.[0].length ?? 0;
      // A single space at the very beginning is the one that was put there.
      const counted = leading === 1 && prefixSpace && (i === 0 || from === 0) ? 0 : leading;
      const start = Math.min(from + counted, to);
      return [start, after > 0 && to >= after ? Math.max(to - after, start) : to] as const;
    });
  }, offsets);
}

/** The byte of a space is written as this. */
const spaceBefore = /^[\u0120\p{White_Space}]*/u;

function spaceAfter(name: string): number {
  return spaceBefore.exec([...name].reverse().join(''))?.[0].length ?? 0;
}
