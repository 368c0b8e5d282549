import type { AlignedText } from './tokenizing/alignedText.ts';
import { alignedTo, normalizedTo } from './tokenizing/forms.ts';
import type { Normalizer } from './tokenizing/normalizer.ts';
import { formerNonspacingMarks, laterFormatCharacters, laterNonspacingMarks } from './tokenizing/unicodeVersions.ts';

/** Settings of a `BertNormalizer` as tokenizer.json holds them. */
export interface BertNormalizerConfig {
  readonly clean_text?: boolean;
  readonly handle_chinese_chars?: boolean;
  /** null: as `lowercase` */
  readonly strip_accents?: boolean | null;
  readonly lowercase?: boolean;
}

/**
 * BERT's text normalization with the results of the reference implementation (Hugging Face tokenizers, in Rust), whose
 * character categories are those of Unicode 8.
 */
export function bertNormalizer(config: BertNormalizerConfig): Normalizer {
  const clean = config.clean_text ?? true;
  const separate = config.handle_chinese_chars ?? true;
  const lower = config.lowercase ?? true;
  const strip = config.strip_accents ?? lower;
  const cleaned = (text: string) => (clean ? text.replace(removed, '').replace(whiteSpace, ' ') : text);
  const separated = (text: string) => (separate ? text.replace(ideographs, ' $& ') : text);
  const unaccented = (text: string) => text.replace(accents, '');
  const lowered = (text: string) => (lower ? lowerCase(text) : text);
  return {
    normalize(text) {
      if (plainAscii.test(text)) return lower ? text.toLowerCase() : text;
      const parts = separated(cleaned(text));
      return lowered(strip ? unaccented(normalizedTo('NFD', parts)) : parts);
    },
    align(text: AlignedText) {
      const parts = text.map((character) => separated(cleaned(character)));
      return (strip ? alignedTo('NFD', parts).map(unaccented) : parts).map(lowered);
    },
  };
}

/** Lower case, character by character: the reference does not know the final form of sigma. */
export function lowerCase(text: string): string {
  return text.replaceAll('Σ', 'σ').toLowerCase();
}

/** Text that normalization leaves as it is but for case and kinds of white space, which separate words alike. */
const plainAscii = /^[\t\n\r -~]*$/;
const removed = new RegExp(`[[\\p{Cc}\\p{Cf}\\p{Co}\\p{Cs}\\ufffd]--[\\t\\n\\r${laterFormatCharacters}]]`, 'gv');
const whiteSpace = /\p{White_Space}/gu;
const accents = new RegExp(`[[\\p{Mn}--[${laterNonspacingMarks}]]${formerNonspacingMarks}]`, 'gv');
/** The reference's ranges, which leave out U+2B820 to U+2B91F and what Unicode 8 did not have. */
const ideographs =
  /[\u4e00-\u9fff\u3400-\u4dbf\u{20000}-\u{2a6df}\u{2a700}-\u{2b81f}\u{2b920}-\u{2ceaf}\uf900-\ufaff\u{2f800}-\u{2fa1f}]/gu;
