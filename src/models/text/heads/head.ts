import type { TextConfig } from '../config.ts';
import type { Pooling } from '../sentence/pooling.ts';

/** Parts that families describe. */
export type FamilyPartName = 'encoder' | 'mlmHead' | 'pooler' | 'classifier' | 'tokenClassifier';

/** Parts of a model whose parameters are loaded, saved and trained together. */
export type PartName = FamilyPartName | 'sentence';

/**
 * Which hidden states a head reads of a text: that of its first token, those of chosen tokens, the mean over all its
 * tokens, special ones included, or a pooling.
 */
export type Reading = 'first' | 'chosen' | 'mean' | Pooling;

/** What is true of a head in every family. */
export interface HeadRecord {
  /** What messages call it. */
  readonly title: string;
  /** The part that a folder must hold completely to have this head; null for one without parameters. */
  readonly part: PartName | null;
  /** The head whose description in families is its own, too: the same class of transformers, with other answers. */
  readonly through?: string;
  /** What it reads, in a model that is no sentence encoder. */
  readonly reads: 'first' | 'chosen' | 'mean';
  /** Numbers that it makes of each hidden state it reads, alike. */
  outputs(config: TextConfig): number;
  /** What its pipelines are called, in Python and in transformers.js. */
  readonly pipeline: string;
  /** What model cards call the task. */
  readonly taskTitle: string;
  /** The output of an exported model that pipelines read, and whether it has a row for each text or for each token. */
  readonly onnx: { readonly output: string; readonly rows: 'texts' | 'tokens' };
  /**
   * For heads that learn from labeled texts: `problem_type` of their `config.json`, which tells apart those that share a
   * part and a pipeline, and what messages call the answer.
   */
  readonly problem?: { readonly type: string; readonly answer: string };
  /** Whether its labels are tags of tokens. */
  readonly tags?: true;
}
