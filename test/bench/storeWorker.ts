import { rmSync } from 'node:fs';
import { permutedIndex } from '../../src/core/random.ts';
import { type Corpus, prepareCorpus } from '../../src/data/corpus.ts';
import { loadTokenizer } from '../../src/text/tokenizer.ts';
import { serveTurns } from './turns.ts';

/** The process under the cap: its first turn tokenizes the corpus, the others read sequences in a shuffled order. */
const options: { corpus: string; tokenizer: string; folder: string; threads: number } = JSON.parse(
  process.argv[2] ?? '',
);
const mostReads = 200_000;
let corpus: Corpus | undefined;
await serveTurns(async () => {
  if (corpus) return { tokens: read(corpus) };
  corpus = await tokenize();
  return { tokens: corpus.counts.tokens };
});

function tokenize(): Promise<Corpus> {
  rmSync(options.folder, { recursive: true, force: true });
  return prepareCorpus({
    records: { files: [options.corpus], flag: '--corpus' },
    tokenizer: loadTokenizer(options.tokenizer),
    mostTokens: 126,
    folder: options.folder,
    heldOutFraction: 0.02,
    heldOutLimit: 2000,
    seed: 1,
    threads: options.threads,
  });
}

function read({ store }: Corpus): number {
  let tokens = 0;
  for (let i = 0; i < Math.min(mostReads, store.length); i++) {
    tokens += store.read(permutedIndex(i, store.length, 1, 0)).ids.length;
  }
  return tokens;
}
