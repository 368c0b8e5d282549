import { join } from 'node:path';
import { randomUnit } from '../core/random.ts';
import { noGroup, textFiles } from './corpusWriter.ts';
import { NumberFile } from './numberFile.ts';
import type { TokenizedCorpus } from './tokenizedCorpus.ts';

export interface HeldOutOptions {
  /** Share of the texts to hold out; 0 holds out none. */
  readonly heldOutFraction: number;
  /** Most texts to hold out, whole groups; only a single group may have more. */
  readonly heldOutLimit: number;
  readonly seed: number;
}

export interface HeldOut {
  /** Sequences that evaluation reads, ascending. */
  readonly heldOut: readonly number[];
  /** Sequences that training must not see, ascending: those held out, and what else their groups hold. */
  readonly excluded: readonly number[];
  /** Texts that are held out. */
  readonly texts: number;
  /** Texts drawn to be held out that are not, because they occur in the training part. */
  readonly repeated: number;
}

/** A text that may be held out. */
interface Candidate {
  readonly draw: number;
  readonly text: number;
  readonly hash: number;
  readonly grouped: boolean;
  readonly sequences: readonly [from: number, to: number];
}

/**
 * Draws the held-out part of a tokenized corpus: texts (whole groups, where the data has them) of which no text of the
 * training part is a repetition but for case, white space and digits.
 */
export function drawHeldOut(
  corpus: TokenizedCorpus,
  folder: string,
  textHashes: NumberFile,
  options: HeldOutOptions,
): HeldOut {
  const candidates = new Candidates(options.heldOutFraction, options.heldOutLimit);
  if (options.heldOutFraction > 0) {
    for (const candidate of candidatesOf(corpus, folder, textHashes, options.seed)) candidates.add(candidate);
  }
  const { kept, left, repeated } = leaveOutRepeated(candidates.chosen(corpus.counts.texts), textHashes);
  const heldOut = kept.flatMap(sequencesOf);
  const excluded = [...heldOut, ...left.flatMap(sequencesOf)].sort((a, b) => a - b);
  return { heldOut, excluded, texts: kept.length, repeated };
}

/** The values that are among those wanted. */
export function intersection(wanted: ReadonlySet<number>, values: Iterable<number>): Set<number> {
  const found = new Set<number>();
  if (wanted.size === 0) return found;
  for (const value of values) if (wanted.has(value)) found.add(value);
  return found;
}

function* candidatesOf(
  { grouped }: TokenizedCorpus,
  folder: string,
  textHashes: NumberFile,
  seed: number,
): Generator<Candidate> {
  const pieceFile = new NumberFile(join(folder, textFiles.pieces));
  const groupFile = grouped ? new NumberFile(join(folder, textFiles.groups)) : undefined;
  try {
    const pieces = pieceFile.values();
    const groups = groupFile?.values();
    let next: number | undefined = pieces.next().value as number | undefined;
    let text = 0;
    let first = 0;
    for (const hash of textHashes.values()) {
      let count = 1;
      if (next === text) {
        count = pieces.next().value as number;
        next = pieces.next().value as number | undefined;
      }
      const group = (groups?.next().value as number | undefined) ?? noGroup;
      const key = group === noGroup ? text : group;
      const draw = randomUnit(seed, 'split', key % 2 ** 32, Math.floor(key / 2 ** 32));
      yield { draw, text, hash, grouped: group !== noGroup, sequences: [first, first + count] };
      text++;
      first += count;
    }
  } finally {
    pieceFile.close();
    groupFile?.close();
  }
}

/**
 * The held-out texts that training does not see, in order. Those that it does see go to training, but for texts of a
 * group: the rest of their group is held out, so they are left out of both.
 */
function leaveOutRepeated(
  drawn: readonly Candidate[],
  textHashes: NumberFile,
): { kept: Candidate[]; left: Candidate[]; repeated: number } {
  const isDrawn = new Set(drawn.map(({ text }) => text));
  const seen = intersection(new Set(drawn.map(({ hash }) => hash)), without(textHashes.values(), isDrawn));
  const kept = drawn.filter(({ hash }) => !seen.has(hash)).sort((a, b) => a.text - b.text);
  const left = drawn.filter(({ hash, grouped }) => grouped && seen.has(hash));
  return { kept, left, repeated: drawn.length - kept.length };
}

function sequencesOf({ sequences: [from, to] }: Candidate): number[] {
  return Array.from({ length: to - from }, (_, i) => from + i);
}

/** The values but those at the places left out. */
function* without(values: Iterable<number>, places: ReadonlySet<number>): Generator<number> {
  let place = 0;
  for (const value of values) if (!places.has(place++)) yield value;
}

/** Keeps the texts with the lowest draws: those under the fraction, at most `limit`, groups whole. */
class Candidates {
  /** Texts with a draw from here on are not held out; sinks when more than the limit have lower ones. */
  #below: number;
  readonly #limit: number;
  #drawn: Candidate[] = [];
  /** The texts of the lowest draw: what is held out of a corpus too small for its fraction. */
  #lowest: Candidate[] = [];

  constructor(fraction: number, limit: number) {
    this.#below = fraction;
    this.#limit = limit;
  }

  add(candidate: Candidate): void {
    if (this.#below === 0) return;
    const lowest = this.#lowest[0]?.draw ?? 1;
    if (candidate.draw < lowest) this.#lowest = [candidate];
    else if (candidate.draw === lowest) this.#lowest.push(candidate);
    if (candidate.draw < this.#below) this.#drawn.push(candidate);
    if (this.#drawn.length > 4 * this.#limit + 1000) this.#cut();
  }

  chosen(texts: number): Candidate[] {
    this.#cut();
    const drawn = this.#drawn.length > 0 ? this.#drawn : this.#lowest;
    return drawn.length < texts ? drawn : [];
  }

  #cut(): void {
    this.#drawn.sort((a, b) => a.draw - b.draw || a.text - b.text);
    // The group that passes the limit is left out, and so is what is still to come of it.
    this.#below = this.#drawn[this.#limit]?.draw ?? this.#below;
    this.#drawn = this.#drawn.filter(({ draw }) => draw < this.#below);
  }
}
