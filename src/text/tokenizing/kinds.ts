import { BertuneError } from '../../core/errors.ts';

/** A part of a tokenizer.json, such as a normalizer, as the file has it. */
export type Part = Readonly<Record<string, unknown>>;

/** Where a part stands: the place of the files, and what messages call the part. */
export interface Place {
  readonly where: string;
  /** Such as `normalizer`. */
  readonly name: string;
}

/** The part's kind. @throws BertuneError when it is no object or has none */
export function kindOf(part: unknown, place: Place): string {
  const { type } = asPart(part, place);
  if (typeof type !== 'string')
    throw new BertuneError(`${place.where}: the ${place.name} of tokenizer.json has no type`);
  return type;
}

export function asPart(part: unknown, { where, name }: Place): Part {
  if (typeof part === 'object' && part !== null && !Array.isArray(part)) return part as Part;
  throw new BertuneError(`${where}: the ${name} of tokenizer.json is no object; save it with transformers anew`);
}

/** Refuses what is not known, by name: nothing is skipped. */
export function unknownKind(kind: string, { where, name }: Place): BertuneError {
  return new BertuneError(`${where}: the ${name} of tokenizer.json is of the kind ${kind}, which is not known`);
}

/** Reads the options of a part. Whatever is of another type is refused by name. */
export class Options {
  readonly #part: Part;
  readonly #place: Place;

  constructor(part: unknown, place: Place) {
    this.#part = asPart(part, place);
    this.#place = place;
  }

  /** The option's value; `fallback` where it is missing, which is refused without one. */
  boolean(name: string, fallback?: boolean): boolean {
    return this.#read(name, fallback, (value) => typeof value === 'boolean', 'true or false');
  }

  string(name: string, fallback?: string): string {
    return this.#read(name, fallback, (value) => typeof value === 'string', 'a text');
  }

  number(name: string, fallback?: number): number {
    return this.#read(name, fallback, (value) => Number.isSafeInteger(value) && Number(value) >= 0, 'a whole number');
  }

  list(name: string, fallback?: readonly unknown[]): readonly unknown[] {
    return this.#read(name, fallback, Array.isArray, 'a list');
  }

  /** A text of exactly one character. */
  character(name: string): string {
    return this.#read<string>(
      name,
      undefined,
      (value) => typeof value === 'string' && [...value].length === 1,
      'a character',
    );
  }

  /** One of some words. */
  word<W extends string>(name: string, words: readonly W[], fallback?: W): W {
    return this.#read(name, fallback, (value) => words.includes(value as W), `one of ${words.join(', ')}`);
  }

  raw(name: string): unknown {
    return this.#part[name] ?? undefined;
  }

  /** Refuses a value of an option. */
  refuse(name: string, expected: string): BertuneError {
    const { where, name: part } = this.#place;
    const value = JSON.stringify(this.#part[name]);
    const kind = typeof this.#part.type === 'string' ? ` ${this.#part.type}` : '';
    return new BertuneError(
      `${where}: ${name} of the ${part}${kind} in tokenizer.json must be ${expected}, not ${value?.slice(0, 60) ?? 'missing'}`,
    );
  }

  #read<T>(name: string, fallback: T | undefined, fits: (value: unknown) => boolean, expected: string): T {
    const value = this.raw(name) ?? fallback;
    if (!fits(value)) throw this.refuse(name, expected);
    return value as T;
  }
}
