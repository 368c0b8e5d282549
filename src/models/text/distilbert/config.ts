import type { MlmHeadConfig } from '../mlmHead.ts';

/** The shape of a DistilBERT encoder and what its heads need (Sanh et al. 2019). */
export interface DistilBertConfig extends MlmHeadConfig {
  /** Whether a new model starts with sine waves as positions; a checkpoint holds its own. */
  readonly sinePositions: boolean;
  readonly classifierDropout: number;
}
