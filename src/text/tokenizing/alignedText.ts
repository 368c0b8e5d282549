/**
 * A text on its way through normalization that knows of each of its code units which part of the original it comes
 * from, as the reference (Hugging Face tokenizers, in Rust) keeps it. Places are UTF-16 code units.
 */
export class AlignedText {
  readonly text: string;
  /** Where in the original the part begins and ends that a code unit comes from [text.length]. */
  readonly #from: readonly number[];
  readonly #to: readonly number[];
  /** Where in the original this text begins: what stands before all else comes from there. */
  readonly #base: number;

  private constructor(text: string, from: readonly number[], to: readonly number[], base: number) {
    this.text = text;
    this.#from = from;
    this.#to = to;
    this.#base = base;
  }

  /** A part of the original that begins at `base`. */
  static of(text: string, base = 0): AlignedText {
    const from: number[] = [];
    const to: number[] = [];
    for (const character of text) {
      const start = base + from.length;
      for (let i = 0; i < character.length; i++) {
        from.push(start);
        to.push(start + character.length);
      }
    }
    return new AlignedText(text, from, to, base);
  }

  /** Where in the original the first character comes from; the base of an empty text. */
  get start(): number {
    return this.#from[0] ?? this.#base;
  }

  slice(from: number, to: number): AlignedText {
    const starts = this.#from.slice(from, to);
    return new AlignedText(this.text.slice(from, to), starts, this.#to.slice(from, to), starts[0] ?? this.#base);
  }

  /** The part of the original that code units [from, to) come from. */
  span(from: number, to: number): readonly [number, number] {
    return [this.#from[from] ?? this.#base, this.#to[to - 1] ?? this.#base];
  }

  /** Every character changed on its own; what takes its place comes from where it came from. */
  map(change: (character: string) => string): AlignedText {
    const edits = new Edits(this);
    for (const character of this.text) {
      const changed = change(character);
      for (const each of changed) edits.insertAt(each, edits.place);
      edits.skip(1);
    }
    return edits.done();
  }

  /** Ranges [from, to) of code units, ascending, replaced: what takes their place comes from their last character. */
  replace(ranges: Iterable<readonly [number, number]>, content: string): AlignedText {
    const edits = new Edits(this);
    for (const [from, to] of ranges) {
      edits.keepTo(from);
      edits.skipTo(to);
      for (const each of content) edits.insertAt(each, to - 1);
    }
    edits.keepTo(this.text.length);
    return edits.done();
  }

  /** Text put before, which comes from the first character; nothing is put before nothing. */
  prepend(content: string): AlignedText {
    if (this.text === '') return this;
    const edits = new Edits(this);
    for (const each of content) edits.insertAt(each, 0);
    edits.keepTo(this.text.length);
    return edits.done();
  }

  /**
   * New characters, each with the number of old ones that it takes the place of: it comes from the first of them, or,
   * taking the place of none, from the old character before.
   */
  transform(characters: readonly string[], consumed: readonly number[]): AlignedText {
    const edits = new Edits(this);
    for (const [i, character] of characters.entries()) {
      const count = consumed[i] as number;
      edits.insertAt(character, count === 0 ? edits.place - 1 : edits.place);
      edits.skip(count);
    }
    return edits.done();
  }

  /** Where a code unit comes from. @internal */
  originOf(place: number): readonly [number, number] {
    return [this.#from[place] ?? this.#base, this.#to[place] ?? this.#base];
  }

  /** @internal */
  withOrigins(text: string, from: readonly number[], to: readonly number[]): AlignedText {
    return new AlignedText(text, from, to, this.#base);
  }
}

/** A text that is written from an old one, from left to right. */
class Edits {
  readonly #old: AlignedText;
  readonly #parts: string[] = [];
  readonly #from: number[] = [];
  readonly #to: number[] = [];
  /** The next code unit of the old text. */
  place = 0;

  constructor(old: AlignedText) {
    this.#old = old;
  }

  /** A character that comes from where the old code unit at `place` came from. */
  insertAt(character: string, place: number): void {
    const [from, to] = this.#old.originOf(place);
    this.#parts.push(character);
    for (let i = 0; i < character.length; i++) {
      this.#from.push(from);
      this.#to.push(to);
    }
  }

  /** Goes on by some characters. */
  skip(characters: number): void {
    for (let i = 0; i < characters; i++) {
      this.place += (this.#old.text.codePointAt(this.place) ?? 0) > 0xffff ? 2 : 1;
    }
  }

  skipTo(place: number): void {
    this.place = place;
  }

  /** Takes the old text over, up to a place. */
  keepTo(place: number): void {
    this.#parts.push(this.#old.text.slice(this.place, place));
    for (; this.place < place; this.place++) {
      const [from, to] = this.#old.originOf(this.place);
      this.#from.push(from);
      this.#to.push(to);
    }
  }

  done(): AlignedText {
    return this.#old.withOrigins(this.#parts.join(''), this.#from, this.#to);
  }
}
