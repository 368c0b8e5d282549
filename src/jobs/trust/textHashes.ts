import { hashText } from '../../data/hashText.ts';
import { repeatedForm } from '../../text/normalize.ts';

/** Hashes of texts, to know them again, but for case and spaces: ascending, each once. */
export function textHashes(texts: readonly string[]): Uint32Array {
  return Uint32Array.from(new Set(texts.map(hashOf))).sort();
}

/** 32 bits of a text: beside a million texts, about one of four thousand others is taken for one of them. */
export function hashOf(text: string): number {
  return hashText(repeatedForm(text)) % 2 ** 32;
}
