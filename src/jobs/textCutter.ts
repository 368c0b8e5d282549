import { counted } from '../core/errors.ts';
import type { TextTokenizer } from '../text/tokenizer.ts';
import type { JobHooks } from './types.ts';

/** Tokenizes texts for a classifier: cut to the limit, with what was cut counted. */
export class TextCutter {
  truncated = 0;
  readonly #tokenizer: TextTokenizer;
  readonly #maxLength: number;

  /** @param maxLength tokens of a sequence, special ones included */
  constructor(tokenizer: TextTokenizer, maxLength: number) {
    this.#tokenizer = tokenizer;
    this.#maxLength = maxLength;
  }

  /** Token ids without the special ones around them. */
  encode(text: string): Int32Array {
    const { ids } = this.#tokenizer.encode(text);
    const most = this.#maxLength - this.#tokenizer.frame.size;
    if (ids.length > most) this.truncated++;
    return Int32Array.from(ids.slice(0, most));
  }

  /** Says once how many texts were cut. */
  noteTruncated(hooks: JobHooks, what = ''): void {
    if (this.truncated === 0) return;
    const text = `${counted(this.truncated, 'text')}${what} longer than ${this.#maxLength} tokens truncated`;
    hooks.onEvent?.({ type: 'note', text });
  }
}
