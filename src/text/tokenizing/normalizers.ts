import { bertNormalizer, lowerCase } from '../bertNormalizer.ts';
import { byteCharacters } from './bytes.ts';
import { Charsmap } from './charsmap.ts';
import { alignedTo, type Form, normalizedTo } from './forms.ts';
import { kindOf, Options, type Place, unknownKind } from './kinds.ts';
import { characterwise, type Normalizer } from './normalizer.ts';
import { matchesOf, patternOf } from './patterns.ts';
import { formerMarks, laterMarks } from './unicodeVersions.ts';

/**
 * The normalizer that a tokenizer.json describes, with the results of the reference (Hugging Face tokenizers, in Rust).
 *
 * @param part the file's `normalizer`; null for none
 * @throws BertuneError when it, or an option of it, is not known
 */
export function createNormalizer(part: unknown, where: string): Normalizer | undefined {
  if (part === null || part === undefined) return undefined;
  const place: Place = { where, name: 'normalizer' };
  const kind = kindOf(part, place);
  if (!Object.hasOwn(kinds, kind)) throw unknownKind(kind, place);
  return kinds[kind as keyof typeof kinds](new Options(part, place), where);
}

const kinds = {
  BertNormalizer: (options: Options) =>
    bertNormalizer({
      clean_text: options.boolean('clean_text', true),
      handle_chinese_chars: options.boolean('handle_chinese_chars', true),
      strip_accents: options.raw('strip_accents') === undefined ? null : options.boolean('strip_accents'),
      lowercase: options.boolean('lowercase', true),
    }),
  ByteLevel: () => characterwise(byteCharacters),
  Lowercase: () => characterwise(lowerCase),
  NFC: () => form('NFC'),
  NFD: () => form('NFD'),
  NFKC: () => form('NFKC'),
  NFKD: () => form('NFKD'),
  Nmt: () => characterwise((text) => text.replace(nmtRemoved, '').replace(nmtSpaces, ' ')),
  Precompiled: (options: Options, where: string) => new Charsmap(options.string('precompiled_charsmap'), where),
  Prepend(options: Options): Normalizer {
    const content = options.string('prepend');
    return {
      normalize: (text) => (text === '' ? text : content + text),
      align: (text) => text.prepend(content),
    };
  },
  Replace(options: Options): Normalizer {
    const pattern = patternOf(options);
    const content = options.string('content');
    return {
      normalize: (text) => text.replace(pattern, () => content),
      align: (text) => text.replace(matchesOf(pattern, text.text), content),
    };
  },
  Sequence(options: Options, where: string): Normalizer {
    const all = options.list('normalizers').map((part) => createNormalizer(part, where));
    return {
      normalize: (text) => all.reduce((result, each) => each?.normalize(result) ?? result, text),
      align: (text) => all.reduce((result, each) => each?.align(result) ?? result, text),
    };
  },
  Strip(options: Options): Normalizer {
    const left = options.boolean('strip_left');
    const right = options.boolean('strip_right');
    const bounds = (text: string) => {
      const from = left ? (spaceBefore.exec(text)?.[0].length ?? 0) : 0;
      const rest = text.slice(from);
      return [from, from + (right ? lengthWithoutSpaceAfter(rest) : rest.length)] as const;
    };
    return {
      normalize: (text) => text.slice(...bounds(text)),
      align: (text) => text.slice(...bounds(text.text)),
    };
  },
  StripAccents: () => characterwise((text) => text.replace(marks, '')),
} as const satisfies Readonly<Record<string, (options: Options, where: string) => Normalizer>>;

function form(name: Form): Normalizer {
  return { normalize: (text) => normalizedTo(name, text), align: (text) => alignedTo(name, text) };
}

/** Not by a pattern: those take quadratic time on runs of white space inside a text. */
function lengthWithoutSpaceAfter(text: string): number {
  let length = text.length;
  while (length > 0 && whiteSpace.test(text[length - 1] as string)) length--;
  return length;
}

const whiteSpace = /\p{White_Space}/u;
const spaceBefore = /^\p{White_Space}*/u;
/** What the Nmt rules of SentencePiece remove, and what they take for a space. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is removed
const nmtRemoved = /[\u0001-\u0008\u000b\u000e-\u001f\u007f\u008f\u009f]/g;
const nmtSpaces = /[\t\n\f\r\u1680\u200b-\u200f\u2028\u2029\u2581\ufeff\ufffd]/g;
const marks = new RegExp(`[[\\p{M}--[${laterMarks}]]${formerMarks}]`, 'gv');
