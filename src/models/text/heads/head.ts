import type { TextConfig } from '../config.ts';

/** Parts of a model whose parameters are loaded, saved and trained together. */
export type PartName = 'encoder' | 'mlmHead' | 'pooler' | 'classifier';

/**
 * Which hidden states a head reads of a text: that of its first token, those of chosen tokens, or the mean over all
 * its tokens, special ones included.
 */
export type Reading = 'first' | 'chosen' | 'mean';

/** What is true of a head in every family. */
export interface HeadRecord {
  /** What messages call it. */
  readonly title: string;
  /** The part that a folder must hold completely to have this head; null for one without parameters. */
  readonly part: PartName | null;
  readonly reads: Reading;
  /** Numbers that it makes of each hidden state it reads. */
  outputs(config: TextConfig): number;
  /** What its pipelines are called, in Python and in transformers.js. */
  readonly pipeline: string;
  /** What model cards call the task. */
  readonly taskTitle: string;
  /** The output of an exported model that pipelines read, and whether it has a row for each text or for each token. */
  readonly onnx: { readonly output: string; readonly rows: 'texts' | 'tokens' };
  /**
   * For heads with labels: `problem_type` of their `config.json`, which tells apart those that share a part and a
   * pipeline, and what messages call the answer.
   */
  readonly problem?: { readonly type: string; readonly answer: string };
}
