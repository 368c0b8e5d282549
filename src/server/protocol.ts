/** What the server and the thread of a model say to each other. */

import type { AskedDevice } from '../core/deviceNames.ts';
import type { MessagePart } from '../core/message.ts';
import type { FoundModel } from '../jobs/findModel.ts';
import type { Explanation, LabelScore, PairNames, Answer as TextAnswer } from '../jobs/types.ts';
import type { OptionsFrom, OptionsOf } from '../settings/options.ts';
import type { trusted } from '../settings/takes.ts';

/** What can be asked of a model. */
export type Task = 'predict' | 'fill-mask' | 'embed';

export interface ModelSetup {
  readonly model: FoundModel;
  /** What callers and messages call it. */
  readonly name: string;
  readonly threads?: number;
  readonly device?: AskedDevice;
  readonly maxLength?: number;
  readonly int8?: boolean;
  /** What is asked of answers that may be left out. */
  readonly trusted?: OptionsFrom<typeof trusted>;
}

/** What is known of a model once it is loaded. */
export interface ModelInfo {
  readonly name: string;
  readonly tasks: readonly Task[];
  readonly labels: readonly string[] | null;
  /** What is promised of answers that may be left out, in words. */
  readonly promised: readonly string[];
  /** What it predicts, in words; null where it predicts nothing. */
  readonly answers: string | null;
  /** Why its answers cannot be explained; null where they can. */
  readonly unexplained: string | null;
  /** What the texts of a pair are called, of a model that labels pairs. */
  readonly pairs: PairNames | null;
  readonly maskToken: string;
  /** Numbers of a vector. */
  readonly dimensions: number;
  /** Those that may be asked for, where the folder keeps the first ones only. */
  readonly mostDimensions: number;
  /** Names of the prompts that texts may begin with. */
  readonly prompts: readonly string[];
}

/** The texts of one request. */
export interface Question {
  readonly texts: readonly string[];
  /** Labels, or words for each mask, in the answer. */
  readonly topK?: number;
  /** What places of entities are counted in; code points when absent. */
  readonly offsets?: 'code-points' | 'utf-16';
  /** How vectors are made. */
  readonly vectors?: VectorOptions;
}

/** What of `embed` a request may ask for. */
export type VectorOptions = Pick<OptionsOf<'model.embed'>, 'prompt' | 'promptText' | 'truncateDimensions'>;

/** What a model answers, by the kind of its labels, and the likeliest labels where each has a score. */
export type PredictAnswer = TextAnswer & { readonly scores?: readonly LabelScore[] };

export interface FillMaskAnswer {
  readonly masks: readonly {
    readonly position: number;
    readonly candidates: readonly { readonly token: string; readonly score: number }[];
  }[];
}

export interface EmbedAnswer {
  readonly vector: Float32Array;
  /** Tokens that were read of the text. */
  readonly tokens: number;
}

/** What is answered to each text of a task. */
export interface Answers {
  readonly predict: PredictAnswer;
  readonly 'fill-mask': FillMaskAnswer;
  readonly embed: EmbedAnswer;
}

export type Answer = Answers[Task];

/** What came of one question: an answer for each text, or why there is none. */
export type Outcome<A = Answer> =
  | { readonly answers: readonly A[] }
  /** `isCallers`: whether the caller has to ask differently. */
  | { readonly error: string; readonly isCallers: boolean };

/** Questions that are computed together. */
export interface BatchRequest {
  readonly task: Task;
  readonly questions: readonly Question[];
}

/** Texts whose answers are to be explained. */
export type ExplainQuestion = Pick<Question, 'texts' | 'offsets'>;

/** What is asked of a thread, by number; `stop`: the explanation of that number is wanted no longer. */
export type ToThread =
  | { readonly id: number; readonly batch: BatchRequest }
  | { readonly id: number; readonly explain: ExplainQuestion }
  | { readonly stop: number }
  | 'close';

export type FromThread =
  | { readonly ready: ModelInfo; readonly notes: readonly string[] }
  | { readonly failed: readonly MessagePart[]; readonly isUsage: boolean }
  | Answered;

/** What came of what was asked by this number. */
export type Answered =
  | { readonly id: number; readonly outcomes: readonly Outcome[] }
  | { readonly id: number; readonly explained: Outcome<Explanation> };
