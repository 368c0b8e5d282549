import { BertuneError } from '../../core/errors.ts';

/** How tags of words say where entities begin and end; of `IO` a tag is the type alone. */
export const schemeNames = ['IOB1', 'IOB2', 'BIOES', 'BILOU', 'IO'] as const;
export type Scheme = (typeof schemeNames)[number];

/** A part of a text or of a list of words with its label: [start, end). */
export interface Span {
  readonly start: number;
  readonly end: number;
  readonly label: string;
}

/** The tag of words that are of no entity. */
export const outside = 'O';

/** A tag by its parts; `type` is '_' of a tag that names none, as in seqeval. */
export interface Tag {
  readonly prefix: Prefix;
  readonly type: string;
}

type Prefix = 'O' | 'B' | 'I' | 'E' | 'S';

/** A tag read: last and single words of BILOU are those of BIOES, and a tag without a prefix goes on. */
export function tagOf(tag: string): Tag {
  if (tag === outside || tag === '') return { prefix: 'O', type: '' };
  const [, letter, type] = /^([BIESLU])(?:-(.*))?$/s.exec(tag) ?? [];
  if (letter === undefined) return { prefix: 'I', type: tag };
  const prefix = letter === 'L' ? 'E' : letter === 'U' ? 'S' : (letter as Prefix);
  return { prefix, type: type || '_' };
}

/** What tags look like that have a prefix. */
export function hasPrefix(tag: string): boolean {
  return /^[BIESLU](-.+)?$/s.test(tag);
}

/**
 * Entities of a list of tags, whatever its scheme and however broken: an entity begins with B or S, where its type
 * changes, and behind O; it ends before that, before O, and with E or S (the rules of conlleval).
 */
export function spansOfTags(tags: readonly string[]): Span[] {
  const spans: Span[] = [];
  let before: Tag = { prefix: 'O', type: '' };
  let start = 0;
  for (let i = 0; i <= tags.length; i++) {
    const tag = tagOf(tags[i] ?? outside);
    if (ends(before, tag)) spans.push({ start, end: i, label: before.type });
    if (begins(before, tag)) start = i;
    before = tag;
  }
  return spans;
}

function ends(before: Tag, tag: Tag): boolean {
  if (before.prefix === 'O') return false;
  return /[ES]/.test(before.prefix) || /[BSO]/.test(tag.prefix) || before.type !== tag.type;
}

function begins(before: Tag, tag: Tag): boolean {
  if (tag.prefix === 'O') return false;
  return /[BS]/.test(tag.prefix) || /[ESO]/.test(before.prefix) || before.type !== tag.type;
}

/** Pairs of neighbouring prefixes, and whether their types have to be the same, have to differ, or may be any. */
type Pattern = readonly [before: string, after: string, types: 'same' | 'other' | 'any'];

interface Rules {
  readonly starts: readonly Pattern[];
  readonly inside: readonly Pattern[];
  readonly ends: readonly Pattern[];
}

const any = 'OBIES';

const closed: Rules = {
  starts: [[any, 'BS', 'any']],
  inside: [['BI', 'IE', 'same']],
  ends: [['SE', any, 'any']],
};

/** The rules of each scheme, as seqeval's strict mode has them. */
const strict: Readonly<Record<Exclude<Scheme, 'IO'>, Rules>> = {
  IOB1: {
    starts: [
      ['OB', 'I', 'any'],
      ['I', 'I', 'other'],
      ['BI', 'B', 'same'],
    ],
    inside: [['BI', 'I', 'same']],
    ends: [
      ['BI', 'I', 'other'],
      ['BI', 'O', 'any'],
      ['I', 'B', 'any'],
      ['B', 'B', 'same'],
    ],
  },
  IOB2: {
    starts: [[any, 'B', 'any']],
    inside: [['BI', 'I', 'same']],
    ends: [
      ['BI', 'OB', 'any'],
      ['BI', 'I', 'other'],
    ],
  },
  BIOES: closed,
  BILOU: closed,
};

/** Entities of a list of tags, those alone that are written as the scheme asks for: others are none. */
export function strictSpansOfTags(tags: readonly string[], scheme: Exclude<Scheme, 'IO'>): Span[] {
  const { starts, inside, ends } = strict[scheme];
  const all = [...tags, outside].map(tagOf);
  const at = (i: number): Tag => all[i] ?? { prefix: 'O', type: '' };
  const spans: Span[] = [];
  for (let i = 0; i < tags.length; ) {
    if (!fits(at(i - 1), at(i), starts)) {
      i++;
      continue;
    }
    let end = i + 1;
    while (end < all.length && fits(at(end - 1), at(end), inside)) end++;
    if (fits(at(end - 1), at(end), ends)) spans.push({ start: i, end, label: at(i).type });
    i = end;
  }
  return spans;
}

function fits(before: Tag, after: Tag, patterns: readonly Pattern[]): boolean {
  return patterns.some(
    ([first, second, types]) =>
      first.includes(before.prefix) &&
      second.includes(after.prefix) &&
      (types === 'any' || (before.type === after.type) === (types === 'same')),
  );
}

/** Tags of `count` words for entities that do not overlap, in their order. */
export function tagsOfSpans(spans: readonly Span[], count: number, scheme: Scheme): string[] {
  const tags = new Array<string>(count).fill(outside);
  let before: Span | undefined;
  for (const span of spans) {
    const { start, end, label } = span;
    for (let i = start; i < end; i++) tags[i] = tagAt(i, span, before, scheme, label);
    before = span;
  }
  return tags;
}

function tagAt(i: number, { start, end }: Span, before: Span | undefined, scheme: Scheme, label: string): string {
  const [isFirst, isLast] = [i === start, i === end - 1];
  switch (scheme) {
    case 'IO':
      return label;
    case 'IOB1':
      return isFirst && before?.end === start && before.label === label ? `B-${label}` : `I-${label}`;
    case 'IOB2':
      return isFirst ? `B-${label}` : `I-${label}`;
    case 'BIOES':
      return `${isFirst && isLast ? 'S' : isFirst ? 'B' : isLast ? 'E' : 'I'}-${label}`;
    case 'BILOU':
      return `${isFirst && isLast ? 'U' : isFirst ? 'B' : isLast ? 'L' : 'I'}-${label}`;
  }
}

/** Letters of the tags that a scheme has beside O. */
const lettersOf: Readonly<Record<Scheme, string>> = { IOB1: 'BI', IOB2: 'BI', BIOES: 'BIES', BILOU: 'BILU', IO: '' };

/** What scheme lists of tags are written in. */
export interface FoundScheme {
  readonly scheme: Scheme;
  /** Words whose tag the scheme does not allow where it stands. */
  readonly broken: number;
  /** The first list that has one. */
  readonly firstBroken?: number;
}

/**
 * The scheme of lists of tags: told by their letters and, of those with B and I alone, by what follows what.
 *
 * @throws BertuneError for tags of no scheme that is known, or of several
 */
export function detectScheme(lists: readonly (readonly string[])[]): FoundScheme {
  const letters = new Set<string>();
  let plain: string | undefined;
  for (const tags of lists) {
    for (const tag of tags) {
      if (tag === outside) continue;
      if (hasPrefix(tag)) letters.add(tag[0] ?? '');
      else plain ??= tag;
    }
  }
  const all = [...letters].sort().join('');
  if (plain !== undefined) {
    if (all === '' && lists.some((tags) => tags.includes(outside))) return { scheme: 'IO', broken: 0 };
    if (all === '') throw new BertuneError(`no word is tagged ${outside}, and ${plain} has no prefix (B-, I-)`);
    throw new BertuneError(`tag ${plain} says not whether an entity begins with it or goes on, and others do (B-, I-)`);
  }
  if (/[ES]/.test(all) && /[LU]/.test(all))
    throw new BertuneError(`tags begin with ${all}: no scheme has all of these`);
  if (/^(E|EI)$/.test(all))
    throw new BertuneError('tags say where entities end alone (IOE); write them as IOB2: B- at their first word');
  if (/[ES]/.test(all)) return brokenIn(lists, 'BIOES');
  if (/[LU]/.test(all)) return brokenIn(lists, 'BILOU');
  const second = brokenIn(lists, 'IOB2');
  if (second.broken === 0) return second;
  const first = brokenIn(lists, 'IOB1');
  return first.broken < second.broken ? first : second;
}

/** How far tags are written in a scheme. @throws BertuneError for a tag that it has not */
export function brokenIn(lists: readonly (readonly string[])[], scheme: Scheme): FoundScheme {
  const letters = lettersOf[scheme];
  let broken = 0;
  let firstBroken: number | undefined;
  for (const [i, tags] of lists.entries()) {
    const foreign = tags.find(
      (tag) => tag !== outside && scheme !== 'IO' && !(hasPrefix(tag) && letters.includes(tag[0] ?? '')),
    );
    if (foreign !== undefined) throw new BertuneError(`${scheme} has no tag ${foreign}`);
    const expected = tagsOfSpans(spansOfTags(tags), tags.length, scheme);
    const wrong = tags.filter((tag, at) => tag !== expected[at]).length;
    if (wrong > 0) firstBroken ??= i;
    broken += wrong;
  }
  return firstBroken === undefined ? { scheme, broken } : { scheme, broken, firstBroken };
}
