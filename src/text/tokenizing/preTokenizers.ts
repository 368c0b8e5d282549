import type { AlignedText } from './alignedText.ts';
import { byteCharacters, textOfBytes } from './bytes.ts';
import { kindOf, Options, type Place, unknownKind } from './kinds.ts';
import { escaped, matchesOf, patternOf, translatedPattern } from './patterns.ts';
import { scriptRanges } from './scripts.ts';
import { formerPunctuation, laterPunctuation, laterWordCharacters } from './unicodeVersions.ts';

/** What cuts normalized text into words, none of them empty. */
export interface PreTokenizer {
  cut(text: string): readonly string[];
  /** The same, with where each character comes from. */
  cutAligned(text: AlignedText): readonly AlignedText[];
  /** A word as users read it, without the signs that stand for spaces, and how many code units of it come before. */
  shown(word: string): readonly [text: string, before: number];
  /** Whether every word is shown as it is. */
  readonly showsAsIs?: boolean;
  /** Whether it goes by spaces: then a word may be a whole sentence, where a script has none. */
  readonly partsAtSpaces: boolean;
  /** Whether words depend on where in the original a text begins: then `cut` has not enough to go by. */
  readonly needsOrigin: boolean;
}

/**
 * The pre-tokenizer that a tokenizer.json describes, with the results of the reference (Hugging Face tokenizers, in
 * Rust).
 *
 * @param part the file's `pre_tokenizer`; null for none: then the whole text is one word
 * @throws BertuneError when it, or an option of it, is not known
 */
export function createPreTokenizer(part: unknown, where: string): PreTokenizer {
  if (part === null || part === undefined) return { ...cutAt((text) => [[0, text.length]]), ...shownWithout('▁') };
  const place: Place = { where, name: 'pre_tokenizer' };
  const kind = kindOf(part, place);
  if (!Object.hasOwn(kinds, kind)) throw unknownKind(kind, place);
  return kinds[kind as keyof typeof kinds](new Options(part, place), where);
}

const kinds = {
  BertPreTokenizer: () =>
    cutAt(
      (text) => matchesOf(bertWords, text),
      (text) => text.match(bertWords) ?? [],
    ),
  ByteLevel(options: Options): PreTokenizer {
    const space = options.boolean('add_prefix_space');
    options.boolean('trim_offsets', true);
    const split = options.boolean('use_regex', true)
      ? cutAt((text) => behaviours.Isolated(partsOf(gpt2Words, text)))
      : createPreTokenizer(null, '');
    return {
      cut: (text) => split.cut(space && !text.startsWith(' ') ? ` ${text}` : text).map(byteCharacters),
      cutAligned: (text) =>
        split
          .cutAligned(space && !text.text.startsWith(' ') ? text.prepend(' ') : text)
          .map((part) => part.map(byteCharacters)),
      shown: (word) => [textOfBytes(word).trim(), 0],
      partsAtSpaces: false,
      needsOrigin: false,
    };
  },
  CharDelimiterSplit(options: Options): PreTokenizer {
    const pattern = new RegExp(escaped(options.character('delimiter')), 'gu');
    return cutAt((text) => behaviours.Removed(partsOf(pattern, text)));
  },
  Digits(options: Options): PreTokenizer {
    const behaviour = options.boolean('individual_digits') ? 'Isolated' : 'Contiguous';
    return cutAt((text) => behaviours[behaviour](partsOf(/\p{N}/gu, text)));
  },
  FixedLength(options: Options): PreTokenizer {
    const length = options.number('length', 5);
    if (length === 0) throw options.refuse('length', 'above 0');
    return cutAt((text) => matchesOf(new RegExp(`[^]{1,${length}}`, 'gu'), text));
  },
  Metaspace: (options: Options) => metaspace(options),
  Punctuation(options: Options): PreTokenizer {
    const behaviour = options.word('behavior', behaviourNames, 'Isolated');
    return cutAt((text) => behaviours[behaviour](partsOf(punctuation, text)));
  },
  Sequence(options: Options, where: string): PreTokenizer {
    const all = options.list('pretokenizers').map((part) => createPreTokenizer(part, where));
    return {
      cut: (text) => all.reduce<readonly string[]>((parts, each) => parts.flatMap((part) => each.cut(part)), [text]),
      cutAligned: (text) =>
        all.reduce<readonly AlignedText[]>((parts, each) => parts.flatMap((part) => each.cutAligned(part)), [text]),
      shown(word) {
        let before = 0;
        const text = all.reduceRight((shown, each) => {
          const [rest, more] = each.shown(shown);
          before += more;
          return rest;
        }, word);
        return [text, before];
      },
      partsAtSpaces: all.some((each) => each.partsAtSpaces),
      needsOrigin: all.some((each) => each.needsOrigin),
    };
  },
  Split(options: Options): PreTokenizer {
    const pattern = patternOf(options);
    const behaviour = behaviours[options.word('behavior', behaviourNames)];
    const inverted = options.boolean('invert');
    const cut = cutAt((text) => {
      const parts = partsOf(pattern, text);
      return behaviour(inverted ? parts.map((part) => ({ ...part, isMatch: !part.isMatch })) : parts);
    });
    // Its normalizer has put signs in place of the spaces: a word is a whole text.
    return pattern.source === ' ' ? { ...cut, ...shownWithout('▁') } : cut;
  },
  UnicodeScripts: () => cutAt(scriptRanges),
  Whitespace: () => cutAt((text) => matchesOf(wordsAndSigns, text)),
  WhitespaceSplit: () => ({
    ...cutAt((text) => matchesOf(/\P{White_Space}+/gu, text)),
    partsAtSpaces: true,
  }),
} as const satisfies Readonly<Record<string, (options: Options, where: string) => PreTokenizer>>;

/** Puts a sign in place of every space and before the text, and cuts before each sign. */
function metaspace(options: Options): PreTokenizer {
  const sign = options.character('replacement');
  const always = options.word('prepend_scheme', ['always', 'first', 'never'], 'always');
  const scheme = options.boolean('add_prefix_space', true) ? always : 'never';
  if (scheme !== always && always !== 'never' && options.raw('prepend_scheme') !== undefined) {
    throw options.refuse('add_prefix_space', `true, as its prepend_scheme is ${always}`);
  }
  const split = options.boolean('split', true);
  const literal = escaped(sign);
  const words = new RegExp(`(?:${literal})?(?:(?!${literal})[^])+|${literal}`, 'gu');
  const parts = cutAt(
    (text) => (split ? matchesOf(words, text) : [[0, text.length]]),
    split ? (text) => text.match(words) ?? [] : undefined,
  );
  const begins = (text: string, start: number) =>
    (scheme === 'always' || (scheme === 'first' && start === 0)) && !text.startsWith(sign);
  return {
    cut(text) {
      const signed = text.replaceAll(' ', sign);
      return parts.cut(begins(signed, 0) ? sign + signed : signed);
    },
    cutAligned(text) {
      const signed = text.replace(matchesOf(/ /g, text.text), sign);
      return parts.cutAligned(begins(signed.text, text.start) ? signed.prepend(sign) : signed);
    },
    ...shownWithout(sign),
    needsOrigin: scheme === 'first',
  };
}

/** How words with a sign in place of every space are shown. */
function shownWithout(sign: string): Pick<PreTokenizer, 'shown' | 'partsAtSpaces'> {
  return {
    shown(word) {
      const text = word.replaceAll(sign, ' ').trimStart();
      return [text.trimEnd(), word.length - text.length];
    },
    partsAtSpaces: true,
  };
}

type Range = readonly [from: number, to: number];

/** A pre-tokenizer that cuts text as it is; `words` gives the same parts where there is a faster way. */
function cutAt(ranges: (text: string) => readonly Range[], words?: (text: string) => readonly string[]): PreTokenizer {
  const kept = (text: string) => ranges(text).filter(([from, to]) => from < to);
  return {
    cut: words ?? ((text) => kept(text).map((range) => text.slice(...range))),
    cutAligned: (text) => kept(text.text).map((range) => text.slice(...range)),
    shown: (word) => [word, 0],
    showsAsIs: true,
    partsAtSpaces: false,
    needsOrigin: false,
  };
}

const behaviourNames = ['Removed', 'Isolated', 'MergedWithPrevious', 'MergedWithNext', 'Contiguous'] as const;

/** A part of a text, whether or not a pattern matches it; parts cover the text. */
interface Part {
  readonly range: Range;
  readonly isMatch: boolean;
}

function partsOf(pattern: RegExp, text: string): Part[] {
  const parts: Part[] = [];
  let place = 0;
  for (const range of matchesOf(pattern, text)) {
    if (place < range[0]) parts.push({ range: [place, range[0]], isMatch: false });
    parts.push({ range, isMatch: true });
    place = range[1];
  }
  if (place < text.length) parts.push({ range: [place, text.length], isMatch: false });
  return parts;
}

/** What words the parts make, by the names of the reference (`SplitDelimiterBehavior`). */
const behaviours: Readonly<Record<(typeof behaviourNames)[number], (parts: readonly Part[]) => readonly Range[]>> = {
  Removed: (parts) => parts.filter(({ isMatch }) => !isMatch).map(({ range }) => range),
  Isolated: (parts) => parts.map(({ range }) => range),
  MergedWithPrevious: (parts) => joined(parts, (before, after) => !before.isMatch && after.isMatch),
  MergedWithNext: (parts) => joined(parts, (before, after) => before.isMatch && !after.isMatch),
  Contiguous: (parts) => joined(parts, (before, after) => before.isMatch === after.isMatch),
};

function joined(parts: readonly Part[], joins: (before: Part, after: Part) => boolean): Range[] {
  const ranges: Range[] = [];
  for (const [i, part] of parts.entries()) {
    const before = parts[i - 1];
    const last = ranges.at(-1);
    if (before && last && joins(before, part)) ranges[ranges.length - 1] = [last[0], part.range[1]];
    else ranges.push(part.range);
  }
  return ranges;
}

/** Punctuation, to which ASCII's signs all belong here. */
const signs = `[[\\p{P}$+<=>^\`\\|~]--[${laterPunctuation}]]${formerPunctuation}`;
const punctuation = new RegExp(`[${signs}]`, 'gv');
const bertWords = new RegExp(`[^${signs}\\p{White_Space}]+|[${signs}]`, 'gv');
const wordCharacters = `[\\p{Alphabetic}\\p{M}\\p{Nd}\\p{Pc}\\p{Join_Control}]--[${laterWordCharacters}]`;
const wordsAndSigns = new RegExp(`[${wordCharacters}]+|[^[${wordCharacters}]\\p{White_Space}]+`, 'gv');
/** GPT-2's words. */
const gpt2Words = translatedPattern(
  "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+",
);
