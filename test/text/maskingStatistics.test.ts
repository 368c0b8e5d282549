import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { maskingVocabulary, maskSequence } from '../../src/text/masking.ts';
import { loadTokenizer } from '../../src/text/tokenizer.ts';
import { unitStarts } from '../../src/text/words.ts';
import { repetitions } from '../repetitions.ts';
import { chiSquare, chiSquareLimit, deviations } from './statistics.ts';

/**
 * Masking of the repository's own corpus, eight epochs (64 in the long checks) of 6,000 messages: over a million tokens.
 * Counted is what was drawn; a sequence in which nothing was drawn gets one mask by rule and is counted apart.
 */
const root = join(import.meta.dirname, '../..');
const tokenizer = loadTokenizer(join(root, 'checkpoints/bert-mini-sentences'));
const vocabulary = maskingVocabulary(tokenizer.vocabularySize, tokenizer.idOfRole('mask'), tokenizer.specialIds);
const epochs = repetitions(8, 64);
const probability = 0.15;
const seed = 7;

interface Message {
  readonly ids: readonly number[];
  readonly starts: Uint8Array;
  /** Places of what is drawn as one: a token, or the pieces of a word. */
  readonly units: readonly (readonly number[])[];
}

const lines = readFileSync(join(root, 'corpora/support.txt'), 'utf8').trimEnd().split('\n');
const encodings = lines.map((line) => tokenizer.encode(line));
const tokens = encodings.reduce((sum, { ids }) => sum + ids.length, 0);

test('over a million tokens, none of them special', () => {
  expect(tokens * epochs).toBeGreaterThan(1_000_000);
  expect(encodings.filter(({ ids }) => ids.some((id) => tokenizer.specialIds.has(id)))).toEqual([]);
});

describe.each([
  ['tokens', false],
  ['whole words', true],
])('%s', (_, wholeWord) => {
  const messages = encodings.map((encoding): Message => {
    const starts = unitStarts(encoding);
    const units: number[][] = [];
    encoding.ids.forEach((_, at) => {
      if (!wholeWord || starts[at] === 1) units.push([at]);
      else units.at(-1)?.push(at);
    });
    return { ids: encoding.ids, starts, units };
  });
  let drawn: Counts;
  let forced: Counts;
  let sequencesForced = 0;
  /** Units before and behind each in its message, and its pieces: how many there were and how many were chosen. */
  const fromStart = new Shares(40);
  const fromEnd = new Shares(40);
  const byPieces = new Shares(4);
  const byEpoch = new Shares(epochs);
  /** Chosen in an epoch of even number and in the next. */
  let both = 0;
  /** Chosen together with the unit before it, and with the same unit of the message before. */
  const neighbours = { pairs: 0, both: 0, messagePairs: 0, messageBoth: 0 };

  beforeAll(() => {
    drawn = new Counts();
    forced = new Counts();
    let last: Uint8Array[] = [];
    for (let epoch = 0; epoch < epochs; epoch++) {
      const chosen = messages.map((message, example) => draw(message, example, epoch));
      chosen.forEach((flags, example) => {
        if (epoch % 2 === 1) both += together(flags, last[example] ?? flags);
        neighbours.both += together(flags, flags.subarray(1));
        neighbours.pairs += flags.length - 1;
        const before = chosen[example - 1];
        if (example % 2 === 0 || !before) return;
        neighbours.messageBoth += together(flags, before);
        neighbours.messagePairs += Math.min(flags.length, before.length);
      });
      last = chosen;
    }
  });

  /** Masks a message and counts; returns which units were drawn. */
  function draw({ ids, starts, units }: Message, example: number, epoch: number): Uint8Array {
    const masked = maskSequence(ids, starts, example, epoch, { vocabulary, probability, wholeWord, seed });
    const places = new Set(masked.positions);
    const flags = Uint8Array.from(units, ([at]) => (places.has(at as number) ? 1 : 0));
    if (masked.forced) sequencesForced++;
    const counts = masked.forced ? forced : drawn;
    units.forEach((unit, i) => {
      if (flags[i] === 1) counts.add(ids, masked.inputs, unit);
      const isDrawn = masked.forced ? 0 : (flags[i] ?? 0);
      fromStart.add(i, isDrawn);
      fromEnd.add(units.length - 1 - i, isDrawn);
      byPieces.add(unit.length - 1, isDrawn);
      byEpoch.add(epoch, isDrawn);
    });
    return masked.forced ? flags.fill(0) : flags;
  }
  const units = () => messages.reduce((sum, message) => sum + message.units.length, 0);

  test('15 % are chosen', () => {
    expect(deviations(drawn.units, units() * epochs, probability)).toBeLessThan(3);
    // Of tokens, too: a word of n pieces adds n or nothing.
    const spread = messages.reduce(
      (sum, message) => sum + message.units.reduce((s, unit) => s + unit.length ** 2, 0),
      0,
    );
    const error = Math.sqrt(spread * epochs * probability * (1 - probability));
    expect(Math.abs(drawn.tokens - tokens * epochs * probability) / error).toBeLessThan(3);
  });

  test('of those, 80 % become [MASK], 10 % random tokens and 10 % stay', () => {
    expectShares(drawn);
    expect(drawn.mixed).toBe(0);
  });

  test('messages in which nothing was drawn are as many as chance makes them, and their one mask is 80/10/10 too', () => {
    const chances = messages.map((message) => (1 - probability) ** message.units.length);
    const expected = epochs * chances.reduce((sum, chance) => sum + chance, 0);
    const variance = epochs * chances.reduce((sum, chance) => sum + chance * (1 - chance), 0);
    expect(Math.abs(sequencesForced - expected) / Math.sqrt(variance)).toBeLessThan(3);
    expect(forced.units).toBe(sequencesForced);
    expectShares(forced);
  });

  test('no place in a message is favoured, nor words of few pieces, nor an epoch', () => {
    for (const shares of [fromStart, fromEnd, byPieces, byEpoch]) {
      expect(shares.statistic()).toBeLessThan(chiSquareLimit(shares.size));
    }
  });

  test('what was chosen in one epoch says nothing of the next, nor of its neighbours', () => {
    expect(deviations(both, (units() * epochs) / 2, probability ** 2)).toBeLessThan(3);
    // Pairs that share a unit are not independent: each adds 2 (p³ - p⁴) to the variance p² - p⁴.
    const p = probability;
    const inflation = Math.sqrt(1 + (2 * (p ** 3 - p ** 4)) / (p ** 2 - p ** 4));
    expect(deviations(neighbours.both, neighbours.pairs, p ** 2) / inflation).toBeLessThan(3);
    expect(deviations(neighbours.messageBoth, neighbours.messagePairs, p ** 2)).toBeLessThan(3);
  });

  function expectShares({ units, masks, kept, single }: Counts): void {
    // A random token is the one that was there once in as many draws as there are tokens, for words of one piece.
    const same = (0.1 / vocabulary.ordinaryIds.length) * (single / units);
    expect(deviations(masks, units, 0.8)).toBeLessThan(3);
    expect(deviations(kept, units, 0.1 + same)).toBeLessThan(3);
    expect(deviations(units - masks - kept, units, 0.1 - same)).toBeLessThan(3);
  }
});

test('random tokens come from the whole ordinary vocabulary alike, and are never special', () => {
  const size = tokenizer.vocabularySize;
  const ordinary = Array.from({ length: size }, (_, id) => id).filter((id) => !tokenizer.specialIds.has(id));
  const drawn = new Array<number>(size).fill(0);
  const original = new Array<number>(size).fill(0);
  for (let epoch = 0; epoch < epochs; epoch++) {
    encodings.forEach(({ ids }, example) => {
      const { inputs } = maskSequence(ids, [], example, epoch, { vocabulary, probability: 1, wholeWord: false, seed });
      ids.forEach((id, at) => {
        const input = inputs[at] as number;
        original[id] = (original[id] as number) + 1;
        if (input !== id && input !== tokenizer.special.mask) drawn[input] = (drawn[input] as number) + 1;
      });
    });
  }
  expect([...tokenizer.specialIds].map((id) => drawn[id])).toEqual([...tokenizer.specialIds].map(() => 0));
  // A draw that gives the token that was there cannot be told from one that stayed.
  const all = tokens * epochs;
  const expected = ordinary.map((id) => (0.1 * (all - (original[id] as number))) / ordinary.length);
  const counts = ordinary.map((id) => drawn[id] as number);
  // Token by token, and in 64 parts of the vocabulary, which shows a slope of one in a hundred.
  for (const width of [1, ordinary.length / 64]) {
    const [found, wanted] = [inParts(counts, width), inParts(expected, width)];
    expect(chiSquare(found, wanted)).toBeLessThan(chiSquareLimit(found.length));
  }
});

/** Sums over parts of so many numbers. */
function inParts(values: readonly number[], width: number): number[] {
  const parts: number[] = [];
  values.forEach((value, i) => {
    const part = Math.floor(i / width);
    parts[part] = (parts[part] ?? 0) + value;
  });
  return parts;
}

/** Places at which both were chosen. */
function together(a: Uint8Array, b: Uint8Array): number {
  return a.reduce((sum, flag, i) => sum + flag * (b[i] ?? 0), 0);
}

/** What became of chosen units. */
class Counts {
  units = 0;
  tokens = 0;
  masks = 0;
  kept = 0;
  /** Units of one piece. */
  single = 0;
  /** Words of which a part became [MASK]. */
  mixed = 0;

  add(ids: readonly number[], inputs: Int32Array, unit: readonly number[]): void {
    const masks = unit.filter((at) => inputs[at] === vocabulary.maskId).length;
    this.units++;
    this.tokens += unit.length;
    if (unit.length === 1) this.single++;
    if (masks === unit.length) this.masks++;
    else if (masks > 0) this.mixed++;
    else if (unit.every((at) => inputs[at] === ids[at])) this.kept++;
  }
}

/** How many of the trials in each of some classes were hits; the last class holds all from there on. */
class Shares {
  readonly #trials: number[];
  readonly #hits: number[];

  constructor(size: number) {
    this.#trials = new Array(size).fill(0);
    this.#hits = new Array(size).fill(0);
  }

  /** Classes that had trials. */
  get size(): number {
    return this.#trials.filter((trials) => trials > 0).length;
  }

  add(index: number, hit: number): void {
    const at = Math.min(index, this.#trials.length - 1);
    this.#trials[at] = (this.#trials[at] as number) + 1;
    this.#hits[at] = (this.#hits[at] as number) + hit;
  }

  /** Chi-square, a degree of freedom a class; hits vary by 1 - p of what Poisson counts would. */
  statistic(): number {
    const used = this.#trials.flatMap((trials, i) => (trials > 0 ? [{ trials, hits: this.#hits[i] as number }] : []));
    const expected = used.map(({ trials }) => trials * probability);
    expect(Math.min(...expected)).toBeGreaterThan(10);
    return (
      chiSquare(
        used.map(({ hits }) => hits),
        expected,
      ) /
      (1 - probability)
    );
  }
}
