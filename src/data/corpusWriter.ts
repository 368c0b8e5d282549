import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { hashText } from './hashText.ts';
import { NumberFileWriter } from './numberFile.ts';
import type { TokenizedTexts } from './tokenizedTexts.ts';
import { TokenStoreWriter } from './tokenStore.ts';

/** Names of the files beside the token store's own. */
export const textFiles = {
  /** Hash of each text's normalized form. */
  hashes: 'texts.bin',
  /** Pairs of a text and its number of sequences, for the texts that have not one. */
  pieces: 'pieces.bin',
  /** Hash of each text's group, or `noGroup`. */
  groups: 'groups.bin',
};

/** In place of a group's hash. */
export const noGroup = -1;

/** Writes tokenized texts to the files of a corpus. */
export class CorpusWriter {
  readonly counts = { texts: 0, skipped: 0, split: 0 };
  readonly #store: TokenStoreWriter;
  readonly #hashes: NumberFileWriter;
  readonly #pieces: NumberFileWriter;
  readonly #groups: NumberFileWriter | undefined;

  constructor(folder: string, vocabularySize: number, grouped: boolean) {
    this.#store = new TokenStoreWriter(folder, vocabularySize);
    const open = (name: string) => new NumberFileWriter(join(folder, name));
    this.#hashes = open(textFiles.hashes);
    this.#pieces = open(textFiles.pieces);
    this.#groups = grouped ? open(textFiles.groups) : undefined;
  }

  get tokens(): number {
    return this.#store.tokens;
  }

  /** @param groups what is kept of the group of each text, if groups are kept */
  add({ ids, starts, lengths, pieces, hashes, split }: TokenizedTexts, groups: readonly number[]): void {
    let sequence = 0;
    let at = 0;
    for (const [i, count] of pieces.entries()) {
      if (count === 0) {
        this.counts.skipped++;
        continue;
      }
      for (const last = sequence + count; sequence < last; sequence++) {
        const to = at + (lengths[sequence] as number);
        this.#store.add(ids.subarray(at, to), starts.subarray(at, to));
        at = to;
      }
      this.#hashes.add(hashes[i] as number);
      if (count !== 1) {
        this.#pieces.add(this.counts.texts);
        this.#pieces.add(count);
      }
      this.#groups?.add(groups[i] ?? noGroup);
      this.counts.texts++;
    }
    this.counts.split += split;
  }

  /** Closes the files. @returns the digest of the sequences */
  finish(): string {
    const digest = this.#store.finish();
    for (const file of [this.#hashes, this.#pieces, this.#groups]) file?.finish();
    return digest;
  }
}

/** What is kept of the groups of texts. */
export function groupHashes(groups: readonly (string | undefined)[]): number[] {
  return groups.map((group) => (group === undefined ? noGroup : hashText(group)));
}

/** Says how a corpus was tokenized; written last: a folder without it is no tokenized corpus. */
export const tokenizedFile = 'corpus.json';

/** Whether a folder holds a tokenized corpus that is whole. */
export function isTokenized(folder: string): boolean {
  return existsSync(join(folder, tokenizedFile)) && existsSync(join(folder, 'store.json'));
}
