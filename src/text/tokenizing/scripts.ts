import { laterScripts } from './unicodeVersions.ts';

/**
 * Ranges of text in one script each, as the reference's `UnicodeScripts` cuts it: kana goes with Han, and what has no
 * script goes with what is before it. Where a text begins with such, that is left out.
 */
export function scriptRanges(text: string): [from: number, to: number][] {
  const starts: number[] = [];
  let place = 0;
  let last: string | undefined;
  for (const character of text) {
    const script = scriptOf(character);
    if (script !== none) {
      if (script !== last) starts.push(place);
      last = script;
    }
    place += character.length;
  }
  return starts.map((start, i) => [start, starts[i + 1] ?? text.length]);
}

const none = '';
const known = new Map<string, string>();

function scriptOf(character: string): string {
  const found = known.get(character);
  if (found !== undefined) return found;
  const name = special[character] ?? (later.test(character) ? none : scriptIn(character));
  const script = name === 'Hiragana' || name === 'Katakana' ? 'Han' : name;
  known.set(character, script);
  return script;
}

function scriptIn(character: string): string {
  patterns ??= scripts.map((name) => [name, new RegExp(`\\p{Script=${name}}`, 'u')]);
  return patterns.find(([, pattern]) => pattern.test(character))?.[0] ?? none;
}

let patterns: (readonly [string, RegExp])[] | undefined;
const later = new RegExp(`[${laterScripts}]`, 'u');

/** Characters whose script the reference has otherwise. */
const special: Readonly<Record<string, string>> = {
  ' ': none,
  '\u30fc': 'Han',
  '\u0589': 'Common',
  '\u061c': 'Common',
  '\u0953': 'Devanagari',
  '\u0954': 'Devanagari',
};

/** The scripts of Unicode 9. */
const scripts =
  'Adlam Ahom Anatolian_Hieroglyphs Arabic Armenian Avestan Balinese Bamum Bassa_Vah Batak Bengali Bhaiksuki Bopomofo Brahmi Braille Buginese Buhid Canadian_Aboriginal Carian Caucasian_Albanian Chakma Cham Cherokee Common Coptic Cuneiform Cypriot Cyrillic Deseret Devanagari Duployan Egyptian_Hieroglyphs Elbasan Ethiopic Georgian Glagolitic Gothic Grantha Greek Gujarati Gurmukhi Han Hangul Hanunoo Hatran Hebrew Hiragana Imperial_Aramaic Inherited Inscriptional_Pahlavi Inscriptional_Parthian Javanese Kaithi Kannada Katakana Kayah_Li Kharoshthi Khmer Khojki Khudawadi Lao Latin Lepcha Limbu Linear_A Linear_B Lisu Lycian Lydian Mahajani Malayalam Mandaic Manichaean Marchen Meetei_Mayek Mende_Kikakui Meroitic_Cursive Meroitic_Hieroglyphs Miao Modi Mongolian Mro Multani Myanmar Nabataean New_Tai_Lue Newa Nko Ogham Ol_Chiki Old_Hungarian Old_Italic Old_North_Arabian Old_Permic Old_Persian Old_South_Arabian Old_Turkic Oriya Osage Osmanya Pahawh_Hmong Palmyrene Pau_Cin_Hau Phags_Pa Phoenician Psalter_Pahlavi Rejang Runic Samaritan Saurashtra Sharada Shavian Siddham SignWriting Sinhala Sora_Sompeng Sundanese Syloti_Nagri Syriac Tagalog Tagbanwa Tai_Le Tai_Tham Tai_Viet Takri Tamil Tangut Telugu Thaana Thai Tibetan Tifinagh Tirhuta Ugaritic Vai Warang_Citi Yi'.split(
    ' ',
  );
