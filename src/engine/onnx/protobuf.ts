/** Messages below this size become one piece; larger ones keep theirs, so that no tensor is copied on its way. */
const copiedBytes = 1 << 16;

/** Writes protocol buffer messages (wire format of proto3): the few field kinds that ONNX models need. */
export class ProtobufWriter {
  readonly #chunks: Uint8Array[] = [];
  #length = 0;

  /** What has been written, piece by piece. */
  get pieces(): readonly Uint8Array[] {
    return this.#chunks;
  }

  get byteLength(): number {
    return this.#length;
  }

  /** An integer field; negative numbers take ten bytes, as int64 does. */
  integer(field: number, value: number | bigint): this {
    return this.#push(varint(field * 8), varint(BigInt.asUintN(64, BigInt(value))));
  }

  float(field: number, value: number): this {
    const bytes = new Uint8Array(4);
    new DataView(bytes.buffer).setFloat32(0, value, true);
    return this.#push(varint(field * 8 + 5), bytes);
  }

  bytes(field: number, value: Uint8Array): this {
    return this.#push(varint(field * 8 + 2), varint(value.length), value);
  }

  string(field: number, value: string): this {
    return this.bytes(field, new TextEncoder().encode(value));
  }

  message(field: number, write: (writer: ProtobufWriter) => void): this {
    const writer = new ProtobufWriter();
    write(writer);
    if (writer.byteLength < copiedBytes) return this.bytes(field, writer.finish());
    this.#push(varint(field * 8 + 2), varint(writer.byteLength));
    for (const piece of writer.pieces) this.#push(piece);
    return this;
  }

  finish(): Uint8Array {
    const result = new Uint8Array(this.#length);
    let offset = 0;
    for (const chunk of this.#chunks) {
      result.set(chunk, offset);
      offset += chunk.length;
    }
    return result;
  }

  #push(...chunks: Uint8Array[]): this {
    for (const chunk of chunks) {
      this.#chunks.push(chunk);
      this.#length += chunk.length;
    }
    return this;
  }
}

function varint(value: number | bigint): Uint8Array {
  const bytes: number[] = [];
  let rest = BigInt(value);
  while (rest > 127n) {
    bytes.push(Number(rest & 127n) | 128);
    rest >>= 7n;
  }
  bytes.push(Number(rest));
  return Uint8Array.from(bytes);
}
