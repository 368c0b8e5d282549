import { BertuneError } from '../../core/errors.ts';
import type { AlignedText } from './alignedText.ts';
import { breaksBefore } from './graphemes.ts';

/** Most bytes of a grapheme cluster that is looked up whole, as the reference has it. */
const mostBytes = 5;

/**
 * SentencePiece's normalization by a table (`precompiled_charsmap`): a double-array trie over UTF-8 whose values are
 * places in the text of the replacements. As the reference (the crate spm_precompiled) applies it: a grapheme cluster of
 * up to five bytes is replaced by what its shortest start in the table stands for; other clusters go character by
 * character.
 */
export class Charsmap {
  readonly #trie: Uint32Array;
  readonly #replacements: Uint8Array;
  readonly #decoded = new Map<number, string>();
  /** What is known of each character of the basic plane: see `Role`. */
  readonly #roles = new Uint8Array(0x10000);
  readonly #pairRoles = new Map<number, number>();

  /**
   * @param encoded the table in Base64
   * @throws BertuneError when it is none
   */
  constructor(encoded: string, where: string) {
    const bytes = Uint8Array.from(Buffer.from(encoded, 'base64'));
    const size = bytes.length >= 4 ? new DataView(bytes.buffer).getUint32(0, true) : 0;
    if (size < 4 || size % 4 !== 0 || 4 + size > bytes.length) {
      throw new BertuneError(`${where}: the precompiled_charsmap of its normalizer is broken; download it again`);
    }
    const view = new DataView(bytes.buffer, 4, size);
    this.#trie = Uint32Array.from({ length: size / 4 }, (_, i) => view.getUint32(4 * i, true));
    this.#replacements = bytes.subarray(4 + size);
  }

  normalize(text: string): string {
    let result = '';
    let taken = 0;
    this.#replaceAll(text, (from, to, replacement) => {
      result += text.slice(taken, from) + replacement;
      taken = to;
    });
    return taken === 0 ? text : result + text.slice(taken);
  }

  align(text: AlignedText): AlignedText {
    const characters: string[] = [];
    const consumed: number[] = [];
    let taken = 0;
    const keepTo = (place: number) => {
      for (const character of text.text.slice(taken, place)) {
        characters.push(character);
        consumed.push(1);
      }
    };
    this.#replaceAll(text.text, (from, to, replacement) => {
      keepTo(from);
      taken = to;
      // New characters take the place of old ones, one each; the last one that of all that are left.
      let left = [...text.text.slice(from, to)].length;
      for (const character of replacement) {
        characters.push(character);
        consumed.push(left > 0 ? 1 : 0);
        left = Math.max(0, left - 1);
      }
      const last = consumed.length - 1;
      if (last >= 0) consumed[last] = (consumed[last] as number) + left;
    });
    if (taken === 0) return text;
    keepTo(text.text.length);
    return text.transform(characters, consumed);
  }

  #replaceAll(text: string, replace: (from: number, to: number, replacement: string) => void): void {
    const roles = this.#roles;
    for (let i = 0; i < text.length; i++) {
      const unit = text.charCodeAt(i);
      let role = roles[unit] || this.#roleOf(unit);
      const length = role === Role.pair ? 2 : 1;
      if (role === Role.pair) role = this.#roleOfPair(text.codePointAt(i) as number);
      if (role === Role.still) continue;
      if (role === Role.starts && !(text.charCodeAt(i + 1) >= 0x300 || text[i + 1] === '\n')) continue;
      const end = breaksBefore(text, i) ? clusterEnd(text, i, i + length) : undefined;
      const whole = end === undefined ? undefined : this.#lookUp(text, i, end);
      if (end !== undefined && whole !== undefined) {
        replace(i, end, whole);
        i = end - 1;
        continue;
      }
      const alone = this.#lookUp(text, i, i + length);
      if (alone !== undefined) replace(i, i + length, alone);
      i += length - 1;
    }
  }

  #roleOf(unit: number): number {
    const surrogate = unit >= 0xd800 && unit < 0xe000;
    const role = surrogate ? (unit < 0xdc00 ? Role.pair : Role.still) : this.#roleInTrie(String.fromCharCode(unit));
    this.#roles[unit] = role;
    return role;
  }

  #roleOfPair(codePoint: number): number {
    const known = this.#pairRoles.get(codePoint);
    if (known !== undefined) return known;
    const role = this.#roleInTrie(String.fromCodePoint(codePoint));
    this.#pairRoles.set(codePoint, role);
    return role;
  }

  #roleInTrie(character: string): number {
    const found = this.#search(character, 0, character.length);
    return found >= 0 ? Role.replaced : found === missing ? Role.still : Role.starts;
  }

  /** What the shortest start of text[from, to) that the table has stands for. */
  #lookUp(text: string, from: number, to: number): string | undefined {
    const found = this.#search(text, from, to);
    return found >= 0 ? this.#replacement(found) : undefined;
  }

  /** The value of the shortest start of text[from, to) in the trie; `missing` or, where it may go on, `unfinished`. */
  #search(text: string, from: number, to: number): number {
    const trie = this.#trie;
    let node = offsetOf(trie[0] as number);
    for (const byte of Buffer.from(text.slice(from, to))) {
      if (byte === 0) return missing;
      node ^= byte;
      const unit = trie[node] ?? 0;
      if ((unit & 0x800000ff) !== byte) return missing;
      node ^= offsetOf(unit);
      if (unit & 0x100) return (trie[node] ?? 0) & 0x7fffffff;
    }
    return unfinished;
  }

  #replacement(place: number): string {
    const known = this.#decoded.get(place);
    if (known !== undefined) return known;
    const end = this.#replacements.indexOf(0, place);
    const text = Buffer.from(this.#replacements.subarray(place, end < 0 ? undefined : end)).toString();
    this.#decoded.set(place, text);
    return text;
  }
}

/** What becomes of a character alone. */
const Role = {
  /** Nothing begins with it. */
  still: 1,
  /** It is replaced. */
  replaced: 2,
  /** It stays, but something longer that begins with it may be replaced. */
  starts: 3,
  /** The first half of a surrogate pair. */
  pair: 4,
} as const;

const missing = -1;
const unfinished = -2;

/** How far the children of a unit of the trie (Darts) are from it. */
function offsetOf(unit: number): number {
  return (unit >>> 10) << ((unit & 0x200) >>> 6);
}

/** Where the grapheme cluster ends that begins at a place and goes on to `from`; undefined when it is too long. */
function clusterEnd(text: string, start: number, from: number): number | undefined {
  let end = from;
  while (!breaksBefore(text, end)) {
    end += (text.codePointAt(end) as number) > 0xffff ? 2 : 1;
    if (end - start > mostBytes) return undefined;
  }
  return Buffer.byteLength(text.slice(start, end)) <= mostBytes ? end : undefined;
}
