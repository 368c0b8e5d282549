import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { BertuneError, counted } from '../core/errors.ts';
import { randomUnit } from '../core/random.ts';
import { isMaskable } from '../text/masking.ts';
import { normalizedForm } from '../text/normalize.ts';
import { splitRanges } from '../text/packing.ts';
import type { BertTokenizer } from '../text/tokenizer.ts';
import { unitStarts } from '../text/words.ts';
import { HashFile, hashText } from './hashFile.ts';
import { openRecords, type RecordsOptions } from './records.ts';
import { TokenStore, TokenStoreWriter } from './tokenStore.ts';

export interface CorpusOptions {
  readonly records: RecordsOptions;
  readonly tokenizer: BertTokenizer;
  /** Most tokens of a sequence, [CLS] and [SEP] left out; longer texts are split. */
  readonly mostTokens: number;
  /** Where the tokenized corpus is kept. */
  readonly folder: string;
  /** Share of the texts to hold out; 0 holds out none. */
  readonly heldOutFraction: number;
  /** Most texts to hold out, whole groups; only a single group may have more. */
  readonly heldOutLimit: number;
  readonly seed: number;
  readonly onProgress?: (texts: number) => void;
}

export interface CorpusCounts {
  /** Texts that can be learned from. */
  readonly texts: number;
  readonly tokens: number;
  /** Texts without a token that may be masked. */
  readonly skipped: number;
  /** Texts longer than the limit, which were split. */
  readonly split: number;
  /** U+FFFD put in place of bytes that were not UTF-8. */
  readonly invalidUtf8: number;
  readonly heldOut: number;
  /** Texts drawn to be held out that are not, because they occur in the training part. */
  readonly repeated: number;
}

/** A tokenized corpus on disk with its held-out part. */
export interface Corpus {
  readonly store: TokenStore;
  /** Sequences that evaluation reads, ascending. */
  readonly heldOut: readonly number[];
  /** Sequences that training must not see, ascending: those held out, and what else their groups hold. */
  readonly excluded: readonly number[];
  readonly counts: CorpusCounts;
  /** Changes when the tokenized sequences, their order, the texts (but for case and digits) or the held-out part do. */
  readonly digest: string;
  /** Hash of each text's normalized form, in order; read from disk while the token store's folder is there. */
  readonly textHashes: HashFile;
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
 * Reads and tokenizes a corpus once, streaming, and draws its held-out part: texts (whole groups, where the data has
 * them) of which no text of the training part is a repetition but for case, white space and digits.
 *
 * @throws BertuneError when no text has a token that may be masked
 */
export async function prepareCorpus(options: CorpusOptions): Promise<Corpus> {
  const { records: recordsOptions, tokenizer, folder } = options;
  const records = await openRecords(recordsOptions);
  const writer = new TokenStoreWriter(folder, tokenizer.vocabularySize);
  const hashes = new HashFile(join(folder, 'texts.bin'));
  const candidates = new Candidates(options.heldOutFraction, options.heldOutLimit);
  const counts = { texts: 0, skipped: 0, split: 0 };
  let stored = '';
  try {
    for await (const batch of records.batches()) {
      for (const { text, group } of batch) {
        const encoding = tokenizer.encode(text);
        if (!isMaskable(encoding.ids, tokenizer.specialIds)) {
          counts.skipped++;
          continue;
        }
        const starts = unitStarts(encoding);
        const ranges = splitRanges(encoding.ids.length, options.mostTokens, starts);
        if (ranges.length > 1) counts.split++;
        const first = writer.length;
        for (const [from, to] of ranges) {
          const ids = encoding.ids.slice(from, to);
          if (isMaskable(ids, tokenizer.specialIds)) writer.add(ids, starts.subarray(from, to));
        }
        const hash = hashText(normalizedForm(text));
        hashes.add(hash);
        const key = group === undefined ? counts.texts : hashText(group);
        const draw = randomUnit(options.seed, 'split', key % 2 ** 32, Math.floor(key / 2 ** 32));
        const grouped = group !== undefined;
        candidates.add({ draw, text: counts.texts++, hash, grouped, sequences: [first, writer.length] });
      }
      options.onProgress?.(counts.texts);
    }
  } finally {
    await records.close();
    stored = writer.finish();
    hashes.finish();
  }
  if (counts.texts === 0) throw emptyCorpus(recordsOptions.flag, counts.skipped);
  const { kept, left, repeated } = leaveOutRepeated(candidates.chosen(counts.texts), hashes);
  const heldOut = kept.flatMap(sequencesOf);
  const excluded = [...heldOut, ...left.flatMap(sequencesOf)].sort((a, b) => a - b);
  const digest = createHash('sha256').update(stored);
  return {
    store: new TokenStore(folder, tokenizer.vocabularySize),
    heldOut,
    excluded,
    counts: { ...counts, tokens: writer.tokens, invalidUtf8: records.invalidUtf8, heldOut: kept.length, repeated },
    digest: digest.update(`${heldOut} ${excluded}`).digest('hex'),
    textHashes: hashes,
  };
}

/** How many texts of `heldOut` also occur in `training`, but for case, white space and digits. */
export function countRepeated(training: Corpus, heldOut: Corpus): number {
  const seen = intersection(new Set(heldOut.textHashes.values()), training.textHashes.values());
  let repeated = 0;
  for (const hash of heldOut.textHashes.values()) if (seen.has(hash)) repeated++;
  return repeated;
}

function emptyCorpus(flag: string, skipped: number): BertuneError {
  return new BertuneError(
    skipped > 0
      ? `${flag} has no token that may be masked (${counted(skipped, 'text')}, empty or only special or unknown tokens); check the file and the tokenizer`
      : `${flag} holds no text; check the file and --text-column`,
  );
}

/**
 * The held-out texts that training does not see, in order. Those that it does see go to training, but for texts of a
 * group: the rest of their group is held out, so they are left out of both.
 */
function leaveOutRepeated(
  drawn: readonly Candidate[],
  textHashes: HashFile,
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

function intersection(wanted: ReadonlySet<number>, values: Iterable<number>): Set<number> {
  const found = new Set<number>();
  for (const value of values) if (wanted.has(value)) found.add(value);
  return found;
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
