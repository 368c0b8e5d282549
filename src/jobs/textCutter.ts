import { counted } from '../core/errors.ts';
import type { TextTokenizer } from '../text/textTokenizer.ts';
import type { JobHooks } from './types.ts';

/** Tokenizes texts that are read whole: begun with a prompt, cut to the limit, with what was cut counted. */
export class TextCutter {
  truncated = 0;
  /** Tokens of the prompt, special ones before it included; 0 without one. */
  readonly promptTokens: number;
  readonly #tokenizer: TextTokenizer;
  readonly #maxLength: number;
  readonly #prompt: string;

  /**
   * @param maxLength tokens of a sequence, special ones included
   * @param prompt what every text begins with
   */
  constructor(tokenizer: TextTokenizer, maxLength: number, prompt = '') {
    this.#tokenizer = tokenizer;
    this.#maxLength = maxLength;
    this.#prompt = prompt;
    const { before, after } = tokenizer.frame;
    const most = maxLength - after.length;
    this.promptTokens = prompt === '' ? 0 : Math.min(before.length + tokenizer.encode(prompt).ids.length, most);
  }

  /** Token ids without the special ones around them. */
  encode(text: string): Int32Array {
    const { ids } = this.#tokenizer.encode(this.#prompt + text);
    const most = this.#maxLength - this.#tokenizer.frame.size;
    if (ids.length <= most) return Int32Array.from(ids);
    this.truncated++;
    const from = this.#tokenizer.truncationSide === 'left' ? ids.length - most : 0;
    return Int32Array.from(ids.slice(from, from + most));
  }

  /** Says once how many texts were cut. */
  noteTruncated(hooks: JobHooks, what = ''): void {
    noteTruncated(hooks, this.truncated, this.#maxLength, what);
  }
}

/** Says how many texts were cut, if any were. @param what says which texts, after their number */
export function noteTruncated({ onEvent }: JobHooks, truncated: number, maxLength: number, what = ''): void {
  if (truncated === 0) return;
  onEvent?.({ type: 'note', text: `${counted(truncated, 'text')}${what} longer than ${maxLength} tokens truncated` });
}
