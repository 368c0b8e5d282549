/**
 * How hidden states of a text's tokens become one vector, in the names of sentence-transformers: that of the first
 * token, of the last one, the mean, the sum over the square root of the number of tokens, the mean weighted by each
 * token's place, and the largest value of each dimension.
 */
export const poolingModes = ['cls', 'max', 'mean', 'mean_sqrt_len_tokens', 'weightedmean', 'lasttoken'] as const;

export type PoolingMode = (typeof poolingModes)[number];

/** The modes in words. */
export const poolingTitles: Readonly<Record<PoolingMode, string>> = {
  cls: 'the first token',
  max: 'the largest values of all tokens',
  mean: 'the mean of all tokens',
  mean_sqrt_len_tokens: 'the sum of all tokens over the root of their number',
  weightedmean: 'the mean of all tokens weighted by their places',
  lasttoken: 'the last token',
};

/** Several modes stand one after the other in the vector. */
export interface Pooling {
  readonly modes: readonly PoolingMode[];
  /** Whether the tokens of a prompt count, the special ones before it included. */
  readonly includePrompt: boolean;
}

/** Modes whose vector is a weighted sum of hidden states. */
export type SummingMode = Exclude<PoolingMode, 'max'>;

/**
 * Tokens of one text: how many it has, special ones included, and how many of the first ones do not count. Where none is
 * left, as when prompt and text become fewer tokens together than the prompt alone, sums are 0.
 */
export interface PooledText {
  readonly length: number;
  readonly skipped: number;
}

const shares: Readonly<Record<SummingMode, (place: number, text: PooledText) => number>> = {
  cls: (place, text) => Number(place === firstToken(text)),
  lasttoken: (place, { length }) => Number(place === length - 1),
  mean: (_, { length, skipped }) => 1 / (length - skipped),
  mean_sqrt_len_tokens: (_, { length, skipped }) => 1 / Math.sqrt(length - skipped),
  // Places count from 1, those of a prompt included: the sum of skipped + 1 … length.
  weightedmean: (place, { length, skipped }) => (2 * (place + 1)) / ((length - skipped) * (length + skipped + 1)),
};

/** The share of each token of a text in its vector, from the first that counts on, written to `target` from `at`. */
export function fillShares(target: Float32Array, at: number, mode: SummingMode, text: PooledText): void {
  const share = shares[mode];
  const from = mode === 'cls' ? firstToken(text) : text.skipped;
  for (let place = from; place < text.length; place++) target[at + place] = share(place, text);
}

/**
 * The one token that the vector is of, where it is of one in every text: the last token is none where it may be among
 * those that do not count, which makes the vector 0.
 */
export function onlyToken({ modes, includePrompt }: Pooling, text: PooledText): number | undefined {
  if (modes.length !== 1) return undefined;
  if (modes[0] === 'cls') return firstToken(text);
  return modes[0] === 'lasttoken' && includePrompt ? text.length - 1 : undefined;
}

function firstToken({ length, skipped }: PooledText): number {
  return skipped < length ? skipped : 0;
}

/** A pooling in words. */
export function titleOfPooling({ modes }: Pooling): string {
  return modes.map((mode) => poolingTitles[mode]).join(' and ');
}

/** Whether the vector is that of one token, so that of the last layer no more is needed. */
export function isOfOneToken(pooling: Pooling): boolean {
  return onlyToken(pooling, { length: 1, skipped: 0 }) !== undefined;
}

/** Pooling by one mode. */
export function pooledBy(mode: PoolingMode): Pooling {
  return { modes: [mode], includePrompt: true };
}

/** Tokens of a text that do not count: those of its prompt, where they are left out. */
export function skippedTokens({ includePrompt }: Pooling, promptTokens: number): number {
  return includePrompt ? 0 : promptTokens;
}
