import type { HeadName, LabelKindName } from '../models/text/heads/table.ts';
import type { OptionsOf } from '../settings/options.ts';
import type { PlacedSequence } from '../tasks/text/inference.ts';
import type { Ranking } from '../tasks/text/objectives/maskedTokens.ts';
import type { TextPair } from '../text/pair.ts';
import type { LabelAnswers } from './answers/labelAnswers.ts';
import type { Reading, Trust } from './trust/trust.ts';
import type { Explanation, FillMaskResult, LoadedModel } from './types.ts';

/** A model for those that answer many callers at once. */
export interface OpenModel extends LoadedModel, LabelAnswers {
  readonly heads: readonly HeadName[];
  /** What its answers are; null without a classifier. */
  readonly kind: LabelKindName | 'tokenLabels' | null;
  /** Numbers of a vector, of those that it has: a folder may keep the first ones only. */
  readonly dimensions: { readonly kept: number; readonly all: number };
  /** Names of the prompts that texts may begin with. */
  readonly prompts: readonly string[];
  /** How far its answers can be trusted; null where nothing is known of it. */
  readonly trust: Trust | null;
  /** Whether what is known is about other weights than the folder's. */
  readonly isTrustOfOthers: boolean;
  /** How it reads texts. */
  readonly reading: Reading;
  /** Where the words of a text lie, [from, to) in code units, as labels on tokens are given to them. */
  words(text: string): readonly (readonly [number, number])[];
  /** What its classifier makes of texts [labels], and the vectors that it reads, where they are asked for and it has some. */
  seen(texts: readonly string[], vectors: boolean): Promise<SeenByClassifier>;
  /** The same as of a program's model, with what is waited for between the blocks of a computation. */
  explain(
    texts: readonly (string | TextPair)[],
    options?: OptionsOf<'model.explain'>,
    pause?: () => Promise<void>,
  ): Promise<Explanation[]>;
  /** What `embed` gives, with the tokens read of each text: its prompt and the special ones among them. */
  embedCounted(texts: readonly string[], options?: OptionsOf<'model.embed'>): Promise<CountedVectors>;
  /** A text with masks, ready to be run. @throws UsageError when it has none, or is too long */
  prepareMasks(text: string): MaskedText;
  /** Ranks the words of prepared texts, all in one go. */
  rankMasks(texts: readonly MaskedText[], rankings: readonly Ranking[]): Promise<FillMaskResult[]>;
}

export interface SeenByClassifier {
  readonly logits: readonly ArrayLike<number>[];
  readonly vectors?: readonly Float32Array[];
}

export interface CountedVectors {
  readonly vectors: Float32Array[];
  readonly tokens: readonly number[];
}

export interface MaskedText extends PlacedSequence {
  readonly text: string;
}
