import type { MlmHeadConfig } from '../mlmHead.ts';

/** The shape of a BERT encoder and what its heads need (Devlin et al. 2019). */
export interface BertConfig extends MlmHeadConfig {
  readonly tokenTypes: number;
}
