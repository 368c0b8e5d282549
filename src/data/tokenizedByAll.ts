import type { Collective } from '../core/collective.ts';
import type { TokenizedTexts } from './tokenizedTexts.ts';

/** Tokenized texts, and the group of each. */
export interface GroupedTexts {
  readonly tokenized: TokenizedTexts;
  readonly groups: readonly (string | undefined)[];
}

/**
 * Brings what processes tokenized of batches that were dealt out in turn to the first one, in the order of the batches.
 * The others get their own.
 */
export async function* ofAll(own: AsyncIterable<GroupedTexts>, collective: Collective): AsyncGenerator<GroupedTexts> {
  const { rank, size } = collective;
  const iterator = own[Symbol.asyncIterator]();
  try {
    for (let isOver = false; !isOver; ) {
      const { done, value } = await iterator.next();
      const mine = done ? new Uint8Array(0) : packed(value);
      // The others hear no more than whether there was something.
      const told = mine.subarray(0, Math.min(1, mine.length));
      const received = await collective.exchange(Array.from({ length: size }, (_, i) => (i === 0 ? mine : told)));
      isOver = received.some(({ length }) => length === 0);
      if (rank > 0) {
        if (!done) yield value;
        continue;
      }
      for (const bytes of received) if (bytes.length > 0) yield unpacked(bytes);
    }
  } finally {
    await iterator.return?.();
  }
}

interface Header {
  readonly groups: readonly (string | null)[];
  readonly split: number;
  /** Bytes of a token id. */
  readonly idBytes: number;
  readonly texts: number;
  readonly sequences: number;
  readonly tokens: number;
}

/** Numbers that may lie at multiples of eight bytes alone come first. */
function packed({ tokenized, groups }: GroupedTexts): Uint8Array {
  const { ids, starts, lengths, pieces, hashes, split } = tokenized;
  const header: Header = {
    groups: groups.map((group) => group ?? null),
    ...{ split, idBytes: ids.BYTES_PER_ELEMENT },
    ...{ texts: pieces.length, sequences: lengths.length, tokens: ids.length },
  };
  const text = new TextEncoder().encode(JSON.stringify(header));
  const arrays = [hashes, lengths, pieces, ids, starts];
  const start = startAfter(text.length);
  const bytes = new Uint8Array(arrays.reduce((sum, { byteLength }) => sum + byteLength, start));
  new DataView(bytes.buffer).setUint32(0, text.length, true);
  bytes.set(text, 4);
  let at = start;
  for (const array of arrays) {
    bytes.set(new Uint8Array(array.buffer, array.byteOffset, array.byteLength), at);
    at += array.byteLength;
  }
  return bytes;
}

function unpacked(sent: Uint8Array): GroupedTexts {
  // A copy lies at the start of its memory.
  const { buffer } = Uint8Array.from(sent);
  const length = new DataView(buffer).getUint32(0, true);
  const text = new TextDecoder().decode(new Uint8Array(buffer, 4, length));
  const { groups, split, idBytes, texts, sequences, tokens }: Header = JSON.parse(text);
  let at = startAfter(length);
  const take = (bytes: number) => {
    at += bytes;
    return at - bytes;
  };
  const hashes = new Float64Array(buffer, take(8 * texts), texts);
  const lengths = new Uint32Array(buffer, take(4 * sequences), sequences);
  const pieces = new Uint32Array(buffer, take(4 * texts), texts);
  const Ids = idBytes === 4 ? Uint32Array : Uint16Array;
  const ids = new Ids(buffer, take(idBytes * tokens), tokens);
  const starts = new Uint8Array(buffer, take(tokens), tokens);
  return {
    tokenized: { ids, starts, lengths, pieces, hashes, split },
    groups: groups.map((group) => group ?? undefined),
  };
}

/** Where the arrays begin, after the length of the header and so many bytes of it. */
function startAfter(headerBytes: number): number {
  return Math.ceil((4 + headerBytes) / 8) * 8;
}
