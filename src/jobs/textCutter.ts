import { counted, UsageError } from '../core/errors.ts';
import { say, setting } from '../core/message.ts';
import type { PairFrame } from '../text/frame.ts';
import { pairSequence, textsOfPair } from '../text/pair.ts';
import type { TextTokenizer } from '../text/textTokenizer.ts';
import { windowRanges } from '../text/windows.ts';
import type { JobHooks } from './types.ts';

/** Tokenizes texts that are read whole: begun with a prompt, cut to the limits, with what was cut counted. */
export class TextCutter {
  truncated = 0;
  /** Tokens of the prompt, special ones before it included; 0 without one. */
  readonly promptTokens: number;
  readonly #tokenizer: TextTokenizer;
  readonly #maxLength: number;
  readonly #mostWindows: number;
  readonly #prompt: string;
  readonly #pair: PairFrame | undefined;
  /** Tokens of the prompt alone. */
  readonly #promptLength: number;

  /**
   * @param maxLength tokens of a sequence, special ones included
   * @param prompt what every text, and every window of one, begins with
   * @param mostWindows windows of a longer text that `windows` gives, at most; 1: its start alone
   * @param pairs whether texts are pairs, which are read in one sequence each
   * @throws UsageError for pairs where the tokenizer says nothing of two texts, or there is no room for them
   */
  constructor(tokenizer: TextTokenizer, maxLength: number, prompt = '', mostWindows = 1, pairs: object | null = null) {
    this.#pair = pairs === null ? undefined : pairFrame(tokenizer, maxLength);
    this.#tokenizer = tokenizer;
    this.#maxLength = maxLength;
    this.#mostWindows = mostWindows;
    this.#prompt = prompt;
    const { before, after } = tokenizer.frame;
    const most = maxLength - after.length;
    this.#promptLength = prompt === '' ? 0 : tokenizer.encode(prompt).ids.length;
    this.promptTokens = prompt === '' ? 0 : Math.min(before.length + this.#promptLength, most);
  }

  /** Token ids of a text's start without the special ones around them. */
  encode(text: string): Int32Array {
    return this.#ofPair(text) ?? this.#start(this.#tokenizer.encode(this.#prompt + text).ids);
  }

  /** The same of all that is read of a text, in one sequence or in several windows. */
  windows(text: string): Int32Array[] {
    const pair = this.#ofPair(text);
    if (pair) return [pair];
    const encoding = this.#tokenizer.encode(this.#prompt + text);
    const { ids, wordIds, ends } = encoding;
    const begun = this.#promptLength;
    const most = this.#most - begun;
    if (ids.length <= this.#most || this.#mostWindows === 1 || most < 1) return [this.#start(ids)];
    const body = { ...encoding, ids: ids.slice(begun), wordIds: wordIds.slice(begun) };
    const ranges = windowRanges(ends ? { ...body, ends: ends.slice(begun) } : body, {
      ...{ most, mostWindows: this.#mostWindows, side: this.#tokenizer.truncationSide },
    });
    const read = ranges.reduce((sum, [from, to]) => sum + to - from, 0);
    if (read < body.ids.length) this.truncated++;
    return ranges.map(([from, to]) => Int32Array.from([...ids.slice(0, begun), ...body.ids.slice(from, to)]));
  }

  /** Whether a text is longer than one sequence. */
  isLong(text: string): boolean {
    return this.#tokenizer.encode(this.#prompt + text).ids.length > this.#most;
  }

  /** Says once how many texts were cut. */
  noteTruncated(hooks: JobHooks): void {
    noteTruncated(hooks, this.truncated, this.#maxLength, this.#mostWindows);
  }

  /** A pair in one sequence; undefined where texts are none. */
  #ofPair(text: string): Int32Array | undefined {
    if (!this.#pair) return undefined;
    const [first, second] = textsOfPair(text) ?? [text, ''];
    const [a, b] = [this.#tokenizer.encode(this.#prompt + first).ids, this.#tokenizer.encode(second).ids];
    const { ids, isCut } = pairSequence(this.#pair, a, b, this.#most, this.#tokenizer.truncationSide);
    if (isCut) this.truncated++;
    return ids;
  }

  get #most(): number {
    return this.#maxLength - this.#tokenizer.frame.size;
  }

  #start(ids: readonly number[]): Int32Array {
    const most = this.#most;
    if (ids.length <= most) return Int32Array.from(ids);
    this.truncated++;
    const from = this.#tokenizer.truncationSide === 'left' ? ids.length - most : 0;
    return Int32Array.from(ids.slice(from, from + most));
  }
}

function pairFrame({ frame }: TextTokenizer, maxLength: number): PairFrame {
  if (!frame.pair) {
    throw new UsageError(
      'the tokenizer of this model does not say how two texts stand in one sequence; choose another model',
    );
  }
  const least = frame.size + frame.pair.between.length + 2;
  if (maxLength >= least) return frame.pair;
  throw new UsageError(say`${setting('maxLength')} ${maxLength} leaves no room for two texts; use at least ${least}`);
}

/** Says how many texts were cut, if any were. @param mostWindows windows that are read of a text, at most */
export function noteTruncated({ onEvent }: JobHooks, truncated: number, maxLength: number, mostWindows = 1): void {
  if (truncated === 0) return;
  const limit = mostWindows === 1 ? `${maxLength} tokens` : `${mostWindows} windows of ${maxLength} tokens`;
  onEvent?.({ type: 'note', text: `${counted(truncated, 'text')} longer than ${limit} truncated` });
}
