/**
 * Bytes written as characters, as GPT-2's vocabulary has them: the printable ones of Latin-1 stand for themselves, the
 * others are counted from U+0100.
 */
const characterOf: readonly string[] = bytesAsCharacters();
const byteOf = new Map(characterOf.map((character, byte) => [character, byte]));

/** The bytes of a text's UTF-8 as characters. */
export function byteCharacters(text: string): string {
  let result = '';
  for (const byte of Buffer.from(text)) result += characterOf[byte];
  return result;
}

/** The text that such characters are the bytes of. */
export function textOfBytes(characters: string): string {
  const bytes = Array.from(characters, (character) => byteOf.get(character));
  return bytes.every((byte) => byte !== undefined) ? Buffer.from(bytes).toString() : characters;
}

function bytesAsCharacters(): string[] {
  let next = 0x100;
  return Array.from({ length: 256 }, (_, byte) => {
    const printable = (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte !== 0xad);
    return String.fromCharCode(printable ? byte : next++);
  });
}
