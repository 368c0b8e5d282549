/** Numbers of terms by their keys of 64 bits, from 0 in the order in which they came. */
export class TermTable {
  #lows = new Int32Array(smallest);
  #highs = new Int32Array(smallest);
  /** Number of the term and 1 more; 0 for an empty place. */
  #numbers = new Int32Array(smallest);
  #size = 0;

  get size(): number {
    return this.#size;
  }

  /** @returns -1 for a term that is not there */
  find(low: number, high: number): number {
    return (this.#numbers[this.#placeOf(low, high)] as number) - 1;
  }

  /** The term's number, which it is given when it has none. */
  add(low: number, high: number): number {
    const place = this.#placeOf(low, high);
    const found = this.#numbers[place] as number;
    if (found > 0) return found - 1;
    const number = this.#size++;
    this.#put(place, low, high, number);
    if (2 * this.#size > this.#numbers.length) this.#grow();
    return number;
  }

  /** A table of some of the terms. @param numbers the new number of each term [size]; -1 leaves it out */
  renumbered(numbers: Int32Array): TermTable {
    const table = new TermTable();
    const kept = numbers.reduce((count, number) => count + Number(number >= 0), 0);
    table.#allocate(capacityFor(kept));
    this.#each((low, high, old) => {
      const number = numbers[old] as number;
      if (number >= 0) table.#put(table.#placeOf(low, high), low, high, number);
    });
    table.#size = kept;
    return table;
  }

  #placeOf(low: number, high: number): number {
    const mask = this.#numbers.length - 1;
    for (let place = (low ^ Math.imul(high, 31)) & mask; ; place = (place + 1) & mask) {
      if (this.#numbers[place] === 0 || (this.#lows[place] === low && this.#highs[place] === high)) return place;
    }
  }

  #put(place: number, low: number, high: number, number: number): void {
    this.#lows[place] = low;
    this.#highs[place] = high;
    this.#numbers[place] = number + 1;
  }

  #grow(): void {
    const [lows, highs, numbers] = [this.#lows, this.#highs, this.#numbers];
    this.#allocate(2 * numbers.length);
    for (let i = 0; i < numbers.length; i++) {
      const number = numbers[i] as number;
      if (number === 0) continue;
      const [low, high] = [lows[i] as number, highs[i] as number];
      this.#put(this.#placeOf(low, high), low, high, number - 1);
    }
  }

  #allocate(capacity: number): void {
    this.#lows = new Int32Array(capacity);
    this.#highs = new Int32Array(capacity);
    this.#numbers = new Int32Array(capacity);
  }

  #each(hear: (low: number, high: number, number: number) => void): void {
    for (let i = 0; i < this.#numbers.length; i++) {
      const number = this.#numbers[i] as number;
      if (number > 0) hear(this.#lows[i] as number, this.#highs[i] as number, number - 1);
    }
  }
}

const smallest = 1024;

/** Places of a table that is never more than half full: a power of two. */
function capacityFor(terms: number): number {
  let capacity = smallest;
  while (capacity < 2 * terms + 2) capacity *= 2;
  return capacity;
}
