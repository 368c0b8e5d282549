import { BertuneError, counted } from '../core/errors.ts';
import { type Origin, say } from '../core/message.ts';
import { type LabeledSet, readLabeledSet } from '../data/labels.ts';
import type { BertTokenizer } from '../text/tokenizer.ts';
import { note } from './note.ts';
import type { DataOptions, JobHooks } from './types.ts';

/** Tokenizes texts for a classifier: cut to the limit, with what was cut counted. */
export class TextCutter {
  truncated = 0;
  readonly #tokenizer: BertTokenizer;
  readonly #maxLength: number;

  /** @param maxLength tokens of a sequence, [CLS] and [SEP] included */
  constructor(tokenizer: BertTokenizer, maxLength: number) {
    this.#tokenizer = tokenizer;
    this.#maxLength = maxLength;
  }

  /** Token ids without [CLS] and [SEP]. */
  encode(text: string): Int32Array {
    const { ids } = this.#tokenizer.encode(text);
    if (ids.length > this.#maxLength - 2) this.truncated++;
    return Int32Array.from(ids.slice(0, this.#maxLength - 2));
  }

  /** Says once how many texts were cut. */
  noteTruncated(hooks: JobHooks, what = ''): void {
    if (this.truncated === 0) return;
    const text = `${counted(this.truncated, 'text')}${what} longer than ${this.#maxLength} tokens truncated`;
    hooks.onEvent?.({ type: 'note', text });
  }
}

/** Reads a labeled set and says what was replaced in it. @throws BertuneError when it has no row */
export async function readLabels(data: DataOptions, flag: Origin, hooks: JobHooks): Promise<LabeledSet> {
  const set = await readLabeledSet({ ...data, flag });
  if (set.texts.length === 0) throw new BertuneError(say`${flag} holds no labeled text; check the file`);
  noteInvalidUtf8(set.invalidUtf8, flag, hooks);
  return set;
}

/** Says once that bytes were not UTF-8. */
function noteInvalidUtf8(count: number, flag: Origin, hooks: JobHooks): void {
  if (count === 0) return;
  const line = say`${counted(count, 'invalid UTF-8 byte sequence')} in ${flag} replaced by U+FFFD`;
  note(hooks, line);
}
