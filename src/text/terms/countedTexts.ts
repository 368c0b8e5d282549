import { type TermBlocks, TermScanner } from './termScanner.ts';
import { TermTable } from './termTable.ts';

/** How often each term stands in each of some texts. */
export interface CountedTexts {
  /** Where each text's entries begin, and where the last ones end [texts + 1]. */
  readonly offsets: Float64Array;
  /** Numbers of the terms of a text, in the order in which it has them first [entries]. */
  readonly terms: Int32Array;
  /** How often the text has them [entries]. */
  readonly counts: Uint16Array;
}

/** Texts and the terms that were counted in them. */
export interface CountedCorpus extends CountedTexts {
  readonly table: TermTable;
  /** What the texts were cut into. */
  readonly lengths: TermBlocks;
  /** Block of each term [table.size]. */
  readonly blocks: Uint8Array;
  /** Terms that were met too seldom to be counted; 0 where none is left out. */
  readonly leftOut: number;
}

/** Terms that are told apart while texts are read; of more, those of one text each are forgotten. */
const mostToldApart = 1 << 21;

/**
 * Counts the terms of texts. Memory is linear in the texts; of a corpus with more terms than `most` only so many of
 * the most frequent are counted, by the number of texts that have them.
 */
export function countTexts(texts: readonly string[], lengths: TermBlocks, most: number): CountedCorpus {
  const found = findTerms(texts, lengths);
  const numbers = mostFrequent(found.frequencies, most);
  const table = found.table.renumbered(numbers);
  const blocks = new Uint8Array(table.size);
  for (const [old, number] of numbers.entries()) if (number >= 0) blocks[number] = found.blocks[old] as number;
  const leftOut = found.forgotten + found.table.size - table.size;
  return { ...countKnown(texts, lengths, table), table, lengths, blocks, leftOut };
}

/** Counts those terms of texts that a table has. */
export function countKnown(texts: readonly string[], lengths: TermBlocks, table: TermTable): CountedTexts {
  const scanner = new TermScanner(lengths);
  const offsets = new Float64Array(texts.length + 1);
  const terms = new Growing(Int32Array);
  const counts = new Growing(Uint16Array);
  // Where the present text has its entry of each term, if it is one of its own.
  const places = new Int32Array(table.size).fill(-1);
  for (const [i, text] of texts.entries()) {
    const from = terms.size;
    scanner.scan(text, (low, high) => {
      const term = table.find(low, high);
      if (term < 0) return;
      const place = places[term] as number;
      if (place >= from) counts.increment(place, mostCounted);
      else {
        places[term] = terms.size;
        terms.push(term);
        counts.push(1);
      }
    });
    offsets[i + 1] = terms.size;
  }
  return { offsets, terms: terms.values(), counts: counts.values() };
}

const mostCounted = 0xffff;

/** The terms of a table that texts have, by their numbers [table.size]. */
export function termTexts(texts: readonly string[], lengths: TermBlocks, table: TermTable): string[] {
  const scanner = new TermScanner(lengths);
  const found: string[] = [];
  for (const text of texts) {
    scanner.scan(text, (low, high) => {
      const term = table.find(low, high);
      if (term >= 0) found[term] ??= scanner.current();
    });
  }
  return found;
}

/** Which terms there are, and how many texts have each. */
function findTerms(texts: readonly string[], lengths: TermBlocks) {
  const scanner = new TermScanner(lengths);
  let table = new TermTable();
  let blocks = new Growing(Uint8Array);
  let frequencies = new Growing(Int32Array);
  let latest = new Growing(Int32Array);
  let forgotten = 0;
  for (const [i, text] of texts.entries()) {
    scanner.scan(text, (low, high, block) => {
      const term = table.add(low, high);
      if (term === blocks.size) {
        blocks.push(block);
        frequencies.push(1);
        latest.push(i);
      } else if (latest.at(term) !== i) {
        latest.set(term, i);
        frequencies.increment(term);
      }
    });
    if (table.size < mostToldApart) continue;
    const numbers = numbersOf(frequencies.values(), (frequency) => frequency > 1);
    forgotten += table.size;
    table = table.renumbered(numbers);
    forgotten -= table.size;
    [blocks, frequencies, latest] = [blocks.kept(numbers), frequencies.kept(numbers), latest.kept(numbers)];
  }
  return { table, blocks: blocks.values(), frequencies: frequencies.values(), forgotten };
}

/** New numbers of the terms that most texts have [n]; of equal ones those that came first. -1 for the others. */
export function mostFrequent(frequencies: Int32Array, most: number): Int32Array {
  if (frequencies.length <= most) return numbersOf(frequencies, (frequency) => frequency > 0);
  const least = Int32Array.from(frequencies).sort()[frequencies.length - most] as number;
  // Of those of the least frequency, as many as there is room for.
  let room = most - frequencies.reduce((count, frequency) => count + Number(frequency > least), 0);
  return numbersOf(
    frequencies,
    (frequency) => frequency > 0 && (frequency > least || (frequency === least && room-- > 0)),
  );
}

function numbersOf(frequencies: Int32Array, isKept: (frequency: number) => boolean): Int32Array {
  let kept = 0;
  return frequencies.map((frequency) => (isKept(frequency) ? kept++ : -1));
}

type Numbers = Int32Array | Uint16Array | Uint8Array;

/** A typed array that grows. */
class Growing<A extends Numbers> {
  readonly #kind: new (
    size: number,
  ) => A;
  #values: A;
  size = 0;

  constructor(kind: new (size: number) => A) {
    this.#kind = kind;
    this.#values = new kind(1024);
  }

  at(place: number): number {
    return this.#values[place] as number;
  }

  set(place: number, value: number): void {
    this.#values[place] = value;
  }

  increment(place: number, most = Number.POSITIVE_INFINITY): void {
    const value = this.#values[place] as number;
    if (value < most) this.#values[place] = value + 1;
  }

  push(value: number): void {
    if (this.size === this.#values.length) {
      const longer = new this.#kind(Math.ceil(1.5 * this.size));
      longer.set(this.#values);
      this.#values = longer;
    }
    this.#values[this.size++] = value;
  }

  /** Those of the places that have a new number, in its order. */
  kept(numbers: Int32Array): Growing<A> {
    const kept = new Growing(this.#kind);
    for (let i = 0; i < this.size; i++) if ((numbers[i] as number) >= 0) kept.push(this.at(i));
    return kept;
  }

  values(): A {
    return this.#values.slice(0, this.size) as A;
  }
}
