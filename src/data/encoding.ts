export type Encoding = 'utf-8' | 'utf-16le' | 'utf-16be' | 'utf-32le' | 'utf-32be';

/** How a text file is encoded. */
export interface FoundEncoding {
  readonly encoding: Encoding;
  /** Whether the file starts with its byte order mark, which is sure. */
  readonly isMarked: boolean;
}

/**
 * The encoding of a text by its byte order mark; without one UTF-16 or UTF-32 where the zero bytes leave no doubt, and
 * else UTF-8.
 *
 * @param head the first bytes of the file, some thousand
 */
export function encodingOf(head: Buffer): FoundEncoding {
  const mark = marks.find(({ bytes }) => head.subarray(0, bytes.length).equals(bytes));
  if (mark !== undefined) return { encoding: mark.encoding, isMarked: true };
  const encoding = head.includes(0) ? withZeros(head) : undefined;
  return { encoding: encoding ?? 'utf-8', isMarked: false };
}

/** Decodes a text piece by piece, with U+FFFD for what cannot be decoded, without its byte order mark. */
export interface TextPieces {
  decode(bytes?: Buffer, options?: { readonly stream: boolean }): string;
}

export function decoderOf(encoding: Encoding): TextPieces {
  if (encoding === 'utf-32le' || encoding === 'utf-32be') return new Utf32Decoder(encoding === 'utf-32le');
  return new TextDecoder(encoding);
}

/** UTF-32 before UTF-16, whose little-endian mark its own begins with. */
const marks: readonly { readonly encoding: Encoding; readonly bytes: Buffer }[] = [
  { encoding: 'utf-8', bytes: Buffer.from('efbbbf', 'hex') },
  { encoding: 'utf-32le', bytes: Buffer.from('fffe0000', 'hex') },
  { encoding: 'utf-32be', bytes: Buffer.from('0000feff', 'hex') },
  { encoding: 'utf-16le', bytes: Buffer.from('fffe', 'hex') },
  { encoding: 'utf-16be', bytes: Buffer.from('feff', 'hex') },
];

/** Whether the bytes are UTF-8 but for some zeros, as where a program left a hole in its log. */
function isUtf8WithHoles(head: Buffer): boolean {
  const others = Buffer.from(head.filter((byte) => byte !== 0));
  // A character may be cut at the end.
  return others.length > 0.75 * head.length && !noText.test(new TextDecoder().decode(others, { stream: true }));
}

/** The one encoding in which the bytes are nothing but characters of text, more of them ASCII than in any other. */
function withZeros(head: Buffer): Encoding | undefined {
  if (isUtf8WithHoles(head)) return undefined;
  const encodings: Encoding[] = ['utf-32le', 'utf-32be', 'utf-16le', 'utf-16be'];
  const read = encodings.flatMap((encoding) => {
    const text = decoderOf(encoding).decode(head.subarray(0, head.length & ~3), { stream: true });
    const ascii = text.match(/[\t\n\r -~]/g)?.length ?? 0;
    return text === '' || ascii === 0 || noText.test(text) ? [] : [{ encoding, ascii }];
  });
  const [first, second] = read.sort((a, b) => b.ascii - a.ascii);
  return first && first.ascii > 2 * (second?.ascii ?? 0) ? first.encoding : undefined;
}

/** Controls, half surrogate pairs, private and unassigned characters, and what stands for what is no character. */
const noText = /[^\P{C}\t\n\f\r\p{Cf}]|\ufffd/u;

class Utf32Decoder implements TextPieces {
  readonly #isLittle: boolean;
  #left: Buffer = Buffer.alloc(0);
  #isFirst = true;

  constructor(isLittle: boolean) {
    this.#isLittle = isLittle;
  }

  decode(bytes: Buffer = Buffer.alloc(0), { stream } = { stream: false }): string {
    const all = this.#left.length > 0 ? Buffer.concat([this.#left, bytes]) : bytes;
    const whole = all.length & ~3;
    const parts: string[] = [];
    for (let at = 0; at < whole; at += 4) {
      const code = this.#isLittle ? all.readUInt32LE(at) : all.readUInt32BE(at);
      const isCharacter = code < 0x110000 && (code < 0xd800 || code > 0xdfff);
      if (!(this.#isFirst && code === 0xfeff)) parts.push(isCharacter ? String.fromCodePoint(code) : '\ufffd');
      this.#isFirst = false;
    }
    this.#left = Buffer.from(all.subarray(whole));
    if (!stream && this.#left.length > 0) parts.push('\ufffd');
    return parts.join('');
  }
}
