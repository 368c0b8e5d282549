/** Settings of a `BertNormalizer` as tokenizer.json holds them. */
export interface BertNormalizerConfig {
  readonly clean_text?: boolean;
  readonly handle_chinese_chars?: boolean;
  /** null: as `lowercase` */
  readonly strip_accents?: boolean | null;
  readonly lowercase?: boolean;
}

/**
 * BERT's text normalization with the results of the reference implementation (Hugging Face tokenizers, in Rust).
 * `@huggingface/tokenizers` deviates from it: it lowers a capital sigma by its place in the word, and does not separate
 * ideographs beyond the basic plane.
 *
 * Character categories are those of Node's Unicode version. The reference knows Unicode 8; of the characters assigned
 * since then, some 500 combining marks and 150 punctuation marks of rare scripts are letters to it.
 */
export function bertNormalizer(config: BertNormalizerConfig): (text: string) => string {
  const clean = config.clean_text ?? true;
  const separate = config.handle_chinese_chars ?? true;
  const lower = config.lowercase ?? true;
  const strip = config.strip_accents ?? lower;
  return (text) => {
    if (plainAscii.test(text)) return lower ? text.toLowerCase() : text;
    let result = text;
    if (clean) result = result.replace(removed, '').replace(whiteSpace, ' ');
    if (separate) result = result.replace(ideographs, ' $& ');
    if (strip) result = result.normalize('NFD').replace(accents, '');
    // Character by character: the reference does not know the final form of sigma.
    return lower ? result.replaceAll('Σ', 'σ').toLowerCase() : result;
  };
}

/** Text that normalization leaves as it is but for case and kinds of white space, which separate words alike. */
const plainAscii = /^[\t\n\r -~]*$/;
const removed = /(?![\t\n\r])[\p{Cc}\p{Cf}\p{Co}\p{Cs}\ufffd]/gu;
const whiteSpace = /\p{White_Space}/gu;
const accents = /\p{Mn}/gu;
/** The reference's ranges, which leave out U+2B820 to U+2B91F and what Unicode 8 did not have. */
const ideographs =
  /[\u4e00-\u9fff\u3400-\u4dbf\u{20000}-\u{2a6df}\u{2a700}-\u{2b81f}\u{2b920}-\u{2ceaf}\uf900-\ufaff\u{2f800}-\u{2fa1f}]/gu;
