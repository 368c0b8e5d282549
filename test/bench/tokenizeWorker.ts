import { rmSync } from 'node:fs';
import { prepareCorpus } from '../../src/data/corpus.ts';
import { loadTokenizer } from '../../src/text/tokenizer.ts';
import { serveTurns } from './turns.ts';

/** bertune's side of tokenizing: a turn reads and tokenizes the corpus anew. */
const options: { corpus: string; tokenizer: string; folder: string; threads: number } = JSON.parse(
  process.argv[2] ?? '',
);
const tokenizer = loadTokenizer(options.tokenizer);
await serveTurns(async () => {
  rmSync(options.folder, { recursive: true, force: true });
  const corpus = await prepareCorpus({
    records: { files: [options.corpus], flag: '--corpus' },
    tokenizer,
    mostTokens: 126,
    folder: options.folder,
    heldOutFraction: 0.02,
    heldOutLimit: 2000,
    seed: 1,
    threads: options.threads,
  });
  corpus.close();
  return { tokens: corpus.counts.tokens };
});
