import { describe, expect, it } from 'vitest';
import {
  evaluationEpoch,
  isMaskable,
  type MaskingOptions,
  maskingVocabulary,
  maskSequence,
} from '../../src/text/masking.ts';
import { chiSquare, chiSquareLimit, deviations } from './statistics.ts';

const special = new Set([0, 1, 2, 3, 103]);
const vocabulary = maskingVocabulary(1000, 103, special);
const length = 64;
const sequences = 5000;
/** A token that is not special. */
const token = 500;
const plain = new Array<number>(length).fill(token);
const ones = new Array<number>(length).fill(1);

function options(changed: Partial<MaskingOptions> = {}): MaskingOptions {
  return { vocabulary, probability: 0.15, wholeWord: false, seed: 7, ...changed };
}

/** Pearson's statistic of counts that should be equal. */
function evenness(counts: readonly number[]): number {
  const mean = counts.reduce((sum, count) => sum + count, 0) / counts.length;
  return chiSquare(counts, new Array<number>(counts.length).fill(mean));
}

describe('rates over 320,000 tokens', () => {
  it.each([0.15, 0.4, 0.02])('chooses %d of the tokens, of which 80/10/10 become [MASK], random, unchanged', (p) => {
    let trials = 0;
    let forced = 0;
    let [chosen, masks, randoms, kept] = [0, 0, 0, 0];
    for (let example = 0; example < sequences; example++) {
      const masked = maskSequence(plain, ones, example, 0, options({ probability: p }));
      trials += length;
      if (masked.forced) {
        forced++;
        continue;
      }
      chosen += masked.positions.length;
      for (const position of masked.positions) {
        const input = masked.inputs[position];
        if (input === 103) masks++;
        else if (input === token) kept++;
        else randoms++;
      }
    }
    expect(deviations(chosen, trials, p)).toBeLessThan(3);
    expect(deviations(forced, sequences, (1 - p) ** length)).toBeLessThan(3);
    // One random draw in so many gives the token that was there.
    const same = 0.1 / vocabulary.ordinaryIds.length;
    expect(deviations(masks, chosen, 0.8)).toBeLessThan(3);
    expect(deviations(randoms, chosen, 0.1 - same)).toBeLessThan(3);
    expect(deviations(kept, chosen, 0.1 + same)).toBeLessThan(3);
  });

  it('favours no position', () => {
    const counts = new Array<number>(length).fill(0);
    for (let example = 0; example < sequences; example++) {
      for (const position of maskSequence(plain, ones, example, 3, options()).positions)
        counts[position] = (counts[position] ?? 0) + 1;
    }
    // Counts of independent draws vary by 1 - p of what a multinomial's would.
    expect(evenness(counts) / 0.85).toBeLessThan(chiSquareLimit(length));
  });

  it('draws random tokens from the whole ordinary vocabulary alike', () => {
    const counts = new Map([...vocabulary.ordinaryIds].map((id) => [id, 0]));
    for (let example = 0; example < sequences; example++) {
      const { inputs } = maskSequence(plain, ones, example, 0, options({ probability: 1 }));
      for (const id of inputs) if (id !== 103 && id !== token) counts.set(id, (counts.get(id) ?? Number.NaN) + 1);
    }
    counts.delete(token);
    expect(counts.size).toBe(994);
    expect(Math.min(...counts.values())).toBeGreaterThan(0);
    expect(evenness([...counts.values()])).toBeLessThan(chiSquareLimit(993));
  });
});

describe('what a draw depends on', () => {
  const examples = Array.from({ length: 200 }, (_, i) => i);
  const all = (order: readonly number[], epoch: number, seed = 7) =>
    new Map(order.map((example) => [example, maskSequence(plain, ones, example, epoch, options({ seed }))]));

  it('is (seed, epoch, example, position) and nothing else', () => {
    const forward = all(examples, 1);
    const backward = all(examples.toReversed(), 1);
    for (const example of examples) expect(backward.get(example)).toEqual(forward.get(example));
    // A position's draw does not depend on what stands before or behind it.
    const long = forward.get(5);
    const short = maskSequence(plain.slice(0, 40), ones, 5, 1, options());
    expect(short.positions).toEqual(long?.positions.filter((position) => position < 40));
    expect(short.inputs).toEqual(long?.inputs.slice(0, 40));
  });

  it.each([
    ['epoch', all(examples, 2)],
    ['evaluation', all(examples, evaluationEpoch)],
    ['seed', all(examples, 1, 8)],
    ['upper half of the seed', all(examples, 1, 7 + 2 ** 32)],
  ])('changes with the %s', (_, other) => {
    const first = all(examples, 1);
    const agreeing = examples.filter((i) => String(first.get(i)?.positions) === String(other.get(i)?.positions));
    expect(agreeing).toEqual([]);
    // Masks of two epochs overlap as independent draws do.
    let both = 0;
    for (const i of examples) {
      const chosen = new Set(first.get(i)?.positions);
      both += (other.get(i)?.positions ?? []).filter((position) => chosen.has(position)).length;
    }
    expect(deviations(both, 200 * length, 0.15 ** 2)).toBeLessThan(3);
  });
});

describe('special tokens', () => {
  it('are never chosen and never drawn', () => {
    const ids = Array.from({ length }, (_, i) => [0, token, 1, 2, token + 1, 103, 3][i % 7] as number);
    const targets = new Set<number>();
    for (let example = 0; example < 100; example++) {
      for (const wholeWord of [false, true]) {
        const starts = ids.map((_, i) => (i % 3 === 0 ? 1 : 0));
        const { inputs, positions } = maskSequence(ids, starts, example, 0, options({ probability: 0.9, wholeWord }));
        for (const position of positions) targets.add(ids[position] as number);
        inputs.forEach((id, i) => {
          if (id !== 103 && id !== ids[i]) expect(special.has(id)).toBe(false);
          if (special.has(ids[i] as number)) expect(id).toBe(ids[i]);
        });
      }
    }
    expect(targets).toEqual(new Set([token, token + 1]));
  });

  it('leave nothing to choose when there is nothing else', () => {
    const masked = maskSequence([0, 103, 2], [1, 1, 1], 0, 0, options({ probability: 1 }));
    expect(masked).toEqual({ inputs: Int32Array.of(0, 103, 2), positions: [], forced: false });
    expect(maskSequence([], [], 0, 0, options())).toEqual({ inputs: new Int32Array(0), positions: [], forced: false });
    expect(isMaskable([0, 103, 2], special)).toBe(false);
    expect(isMaskable([0, 103, 4], special)).toBe(true);
    expect(isMaskable([], special)).toBe(false);
  });
});

describe('at the ends of the range', () => {
  it('chooses every token with probability 1, and leaves its ids as they are', () => {
    const ids = Uint32Array.from(plain);
    const masked = maskSequence(ids, ones, 0, 0, options({ probability: 1 }));
    expect(masked.positions).toEqual(plain.map((_, i) => i));
    expect(masked.forced).toBe(false);
    expect([...ids]).toEqual(plain);
  });

  it('chooses one token, any alike, where none is drawn', () => {
    const counts = new Array<number>(length).fill(0);
    let masks = 0;
    for (let example = 0; example < sequences; example++) {
      const { inputs, positions, forced } = maskSequence(plain, ones, example, 0, options({ probability: 1e-9 }));
      expect(forced).toBe(true);
      expect(positions).toHaveLength(1);
      counts[positions[0] as number] = (counts[positions[0] as number] ?? 0) + 1;
      if (inputs[positions[0] as number] === 103) masks++;
    }
    expect(evenness(counts)).toBeLessThan(chiSquareLimit(length - 1));
    expect(deviations(masks, sequences, 0.8)).toBeLessThan(3);
  });

  it('gives a sequence of one token its one mask', () => {
    for (let example = 0; example < 200; example++) {
      expect(maskSequence([token], [1], example, 0, options()).positions).toEqual([0]);
      expect(maskSequence([2, token, 3], [1, 1, 1], example, 0, options()).positions).toEqual([1]);
    }
  });
});

describe('whole words', () => {
  /** Words of 1, 2, 3 and 4 tokens in turn. */
  const starts = Array.from({ length: 60 }, (_, i) => ([0, 1, 3, 6].includes(i % 10) ? 1 : 0));
  const ids = new Array<number>(60).fill(token);
  const units = starts.flatMap((start, i) => (start === 1 ? [i] : []));

  it('chooses and replaces all pieces of a word together', () => {
    let [chosen, masks, kept] = [0, 0, 0];
    for (let example = 0; example < sequences; example++) {
      const { inputs, positions } = maskSequence(ids, starts, example, 0, options({ wholeWord: true }));
      expect(positions).toEqual(positions.toSorted((a, b) => a - b));
      const isChosen = new Set(positions);
      units.forEach((from, unit) => {
        const pieces = inputs.slice(from, units[unit + 1] ?? ids.length);
        const places = Array.from(pieces, (_, i) => from + i);
        if (!isChosen.has(from)) {
          if (places.some((place) => isChosen.has(place))) throw new Error(`example ${example}: word ${unit} is cut`);
          return;
        }
        if (!places.every((place) => isChosen.has(place))) throw new Error(`example ${example}: word ${unit} is cut`);
        chosen++;
        const ofMask = pieces.filter((id) => id === 103).length;
        if (ofMask > 0 && ofMask < pieces.length) throw new Error(`example ${example}: word ${unit} is part [MASK]`);
        if (ofMask > 0) masks++;
        else if (pieces.every((id) => id === token)) kept++;
      });
    }
    const trials = units.length * sequences;
    expect(deviations(chosen, trials, 0.15)).toBeLessThan(3);
    expect(deviations(masks, chosen, 0.8)).toBeLessThan(3);
    // A quarter of the words has one piece, which a random draw leaves as it is once in 995 times.
    expect(deviations(kept, chosen, 0.1 + 0.25 * (0.1 / 995))).toBeLessThan(3);
  });

  it('draws the random tokens of a word piece by piece', () => {
    const { inputs } = maskSequence(ids, starts, 1, 0, options({ wholeWord: true, probability: 1 }));
    const random = units.find((from) => inputs[from] !== 103 && inputs[from] !== token && starts[from + 1] === 0);
    expect(random).toBeDefined();
    expect(inputs[random ?? 0]).not.toBe(inputs[(random ?? 0) + 1]);
  });

  it('chooses the only word whole', () => {
    const { positions, forced } = maskSequence([2, 9, 9, 9, 3], [1, 1, 0, 0, 1], 0, 0, {
      ...options({ wholeWord: true }),
      probability: 1e-9,
    });
    expect({ positions, forced }).toEqual({ positions: [1, 2, 3], forced: true });
  });

  it('takes the end of a word that was cut off for a word', () => {
    const all = maskSequence([9, 9, 9, 9], [0, 0, 1, 0], 0, 0, options({ wholeWord: true, probability: 1e-9 }));
    expect([
      [0, 1],
      [2, 3],
    ]).toContainEqual(all.positions);
  });

  it('joins no pieces across a special token', () => {
    for (let example = 0; example < 50; example++) {
      const rare = options({ wholeWord: true, probability: 1e-9 });
      const { positions } = maskSequence([9, 1, 9], [1, 0, 0], example, 0, rare);
      expect(positions).toHaveLength(1);
    }
  });
});
