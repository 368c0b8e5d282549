import { counted } from '../core/errors.ts';
import { type Message, type Origin, say, setting } from '../core/message.ts';
import { type Corpus, countRepeated } from '../data/corpus.ts';
import type { TokenStore } from '../data/tokenStore.ts';
import type { TextTokenizer } from '../text/textTokenizer.ts';
import { manyUnknown } from './checking/findings.ts';
import { invalidUtf8Notes } from './dataNotes.ts';
import { note } from './note.ts';
import type { JobHooks } from './types.ts';

/** What there is to say of a corpus, one line each. */
export function corpusNotes(
  { counts, columns, store, fromCache, cacheFailure }: Corpus,
  flag: Origin,
  maxLength: number,
  tokenizer: TextTokenizer,
): (string | Message)[] {
  const asBefore = fromCache ? ', as tokenized before' : '';
  const notes: (string | Message)[] = [
    ...(columns === undefined ? [] : [say`${flag}: ${columns}`]),
    say`${flag}: ${counted(counts.texts, 'text')}, ${counted(counts.tokens, 'token')}${asBefore}`,
  ];
  if (cacheFailure !== undefined) {
    notes.push(
      say`${flag}: its tokens are not kept for later runs (${cacheFailure}); ${setting('cache')} chooses where they are`,
    );
  }
  if (counts.heldOut > 0) notes.push(`${counted(counts.heldOut, 'text')} held out to measure the loss`);
  if (counts.repeated > 0) {
    notes.push(
      `${counted(counts.repeated, 'drawn text')} not held out, because the training part repeats them: what is held out is unseen`,
    );
  }
  if (counts.skipped > 0) notes.push(`${counted(counts.skipped, 'text')} without a token to mask skipped`);
  if (counts.split > 0) {
    notes.push(
      `${counted(counts.split, 'text')} longer than ${maxLength} tokens: not truncated but split into sequences of that length`,
    );
  }
  notes.push(...invalidUtf8Notes(counts.invalidUtf8, flag));
  const unknown = unknownShare(store, tokenizer.special.unk);
  if (unknown >= manyUnknown) {
    notes.push(
      say`${flag}: ${(100 * unknown).toFixed(1)} % of the tokens are not in the vocabulary of the model: does it know this language?`,
    );
  }
  return notes;
}

/** Sequences that the share of unknown tokens is told by, spread over all. */
const looked = 1000;

function unknownShare(store: TokenStore, unknown: number | undefined): number {
  let [tokens, unknowns] = [0, 0];
  const step = Math.max(1, store.length / looked);
  for (let at = 0; at < store.length; at += step) {
    const { ids } = store.read(Math.floor(at));
    tokens += ids.length;
    for (const id of ids) if (id === unknown) unknowns++;
  }
  return unknowns / Math.max(1, tokens);
}

/** Says once how much of the held-out data training sees as well. */
export function noteRepeated(
  training: Pick<Corpus, 'textHashes'>,
  evaluation: Pick<Corpus, 'textHashes'>,
  hooks: JobHooks,
): void {
  const repeated = countRepeated(training, evaluation);
  if (repeated === 0) return;
  const line = say`${setting('eval')} repeats ${setting('corpus')} in ${counted(repeated, 'text')}: kept, since you chose the file, but they flatter the loss`;
  note(hooks, line);
}
