/** What a program needs that uses trained models: labels, words for masks and vectors of texts. It reads no data files. */

export { BertuneError, InterruptedError, UsageError } from './core/errors.ts';
export { type LoadModelOptions, loadModel } from './jobs/model.ts';
export type {
  Candidate,
  Decided,
  Decision,
  ExplainedWord,
  Explanation,
  FillMaskResult,
  JobEvent,
  LoadedModel,
  PoolingMode,
  Prediction,
  Promised,
  TextPair,
} from './jobs/types.ts';
