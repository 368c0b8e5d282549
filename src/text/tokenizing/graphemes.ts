/**
 * Whether a grapheme cluster (what users see as one character) ends before a place in a text, by the rules GB3 to GB13
 * of Unicode Standard Annex 29.
 *
 * @param place in UTF-16 code units, at the start of a character
 */
export function breaksBefore(text: string, place: number): boolean {
  if (place <= 0 || place >= text.length) return true;
  const before = characterBefore(text, place);
  const after = text.codePointAt(place) as number;
  // The first character that may join another, but for CR LF and pictographs.
  if (before < 0x300 && after < 0x300 && after !== lineFeed) return true;
  const [left, right] = [kindOf(before), kindOf(after)];
  if (before === 0x0d && after === lineFeed) return false;
  if (left === 'control' || right === 'control') return true;
  if (right === 'extend' || right === 'joiner' || right === 'spacing' || left === 'prepend') return false;
  switch (right) {
    case 'lead':
      return left !== 'lead';
    case 'vowel':
      return left !== 'lead' && left !== 'vowel' && left !== 'open';
    case 'tail':
      return left !== 'vowel' && left !== 'tail' && left !== 'open' && left !== 'closed';
    case 'open':
    case 'closed':
      return left !== 'lead';
    case 'consonant':
      return !(left === 'extend' || left === 'joiner') || !endsInLinkedConsonant(text, place);
    case 'pictograph':
      return left !== 'joiner' || kindOf(characterBefore(text, beforeExtenders(text, place - 1))) !== 'pictograph';
    case 'flag':
      return left !== 'flag' || flagsBefore(text, place) % 2 === 0;
    default:
      return true;
  }
}

const lineFeed = 0x0a;

/** What a character does to the boundaries around it; Hangul syllables are `open` without a tail. */
type Kind =
  | ('other' | 'control' | 'extend' | 'joiner' | 'spacing' | 'prepend' | 'pictograph' | 'flag' | 'consonant')
  | ('lead' | 'vowel' | 'tail' | 'open' | 'closed');

const known = new Map<number, Kind>();

/** @param codePoint -1 beside the text */
function kindOf(codePoint: number): Kind {
  if (codePoint < 0) return 'other';
  const found = known.get(codePoint);
  if (found) return found;
  const character = String.fromCodePoint(codePoint);
  const kind = isSyllable(codePoint)
    ? (codePoint - firstSyllable) % 28 === 0
      ? 'open'
      : 'closed'
    : (kinds.find(([, pattern]) => pattern.test(character))?.[0] ?? 'other');
  known.set(codePoint, kind);
  return kind;
}

/** The first that fits counts. */
const kinds: readonly (readonly [Kind, RegExp])[] = [
  ['lead', /[\u1100-\u115f\ua960-\ua97c]/u],
  ['vowel', /[\u1160-\u11a7\ud7b0-\ud7c6\u{16d63}\u{16d67}-\u{16d6a}]/u],
  ['tail', /[\u11a8-\u11ff\ud7cb-\ud7fb]/u],
  ['joiner', /\u200d/u],
  ['extend', /[\p{Grapheme_Extend}\p{Emoji_Modifier}]/u],
  [
    'prepend',
    /[\u0600-\u0605\u06dd\u070f\u0890\u0891\u08e2\u0d4e\u{110bd}\u{110cd}\u{111c2}\u{111c3}\u{113d1}\u{1193f}\u{11941}\u{11a84}-\u{11a89}\u{11d46}\u{11f02}]/u,
  ],
  ['control', /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]|(?=\p{Cn})\p{Default_Ignorable_Code_Point}/u],
  [
    'spacing',
    /(?![\u102b\u102c\u1038\u1062-\u1064\u1067-\u106d\u1083\u1087-\u108c\u108f\u109a-\u109c\u1a61\u1a63\u1a64\uaa7b\uaa7d\u{11720}\u{11721}])[\p{Mc}\u0e33\u0eb3]/u,
  ],
  ['flag', /\p{Regional_Indicator}/u],
  ['pictograph', /\p{Extended_Pictographic}/u],
  // The scripts with a sign that joins consonants.
  [
    'consonant',
    /(?=\p{Lo})[\p{sc=Deva}\p{sc=Beng}\p{sc=Gujr}\p{sc=Orya}\p{sc=Telu}\p{sc=Mlym}\p{sc=Mymr}\p{sc=Khmr}\p{sc=Lana}\p{sc=Bali}\p{sc=Sund}\p{sc=Java}\p{sc=Mtei}\p{sc=Khar}\p{sc=Cakm}\p{sc=Diak}\p{sc=Zanb}\p{sc=Soyo}]/u,
  ],
];

/** Signs that join the consonants around them. */
const linker =
  /[\u094d\u09cd\u0acd\u0b4d\u0c4d\u0d4d\u1039\u17d2\u1a60\u1b44\u1bab\ua9c0\uaaf6\u{10a3f}\u{11133}\u{113d0}\u{1193e}\u{11a47}\u{11a99}\u{11f42}]/u;

const firstSyllable = 0xac00;

function isSyllable(codePoint: number): boolean {
  return codePoint >= firstSyllable && codePoint <= 0xd7a3;
}

/** -1 at the start of the text. */
function characterBefore(text: string, place: number): number {
  if (place <= 0) return -1;
  const low = text.charCodeAt(place - 1);
  if (low < 0xdc00 || low > 0xdfff || place === 1) return low;
  const both = text.codePointAt(place - 2) as number;
  return both > 0xffff ? both : low;
}

/** The place before the extending characters that end at a place. */
function beforeExtenders(text: string, place: number): number {
  let at = place;
  for (let code = characterBefore(text, at); kindOf(code) === 'extend'; code = characterBefore(text, at)) {
    at -= code > 0xffff ? 2 : 1;
  }
  return at;
}

function endsInLinkedConsonant(text: string, place: number): boolean {
  let linked = false;
  for (let at = place; at > 0; ) {
    const code = characterBefore(text, at);
    const kind = kindOf(code);
    if (kind === 'consonant') return linked;
    if (kind !== 'extend' && kind !== 'joiner') return false;
    linked ||= linker.test(String.fromCodePoint(code));
    at -= code > 0xffff ? 2 : 1;
  }
  return false;
}

function flagsBefore(text: string, place: number): number {
  let flags = 0;
  while (place >= 2 * (flags + 1) && kindOf(characterBefore(text, place - 2 * flags)) === 'flag') flags++;
  return flags;
}
