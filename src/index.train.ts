/**
 * What a program needs that trains something of its own: `trainTexts` for an objective over a model of text,
 * `runTraining` or `Trainer` for any task, and what their graphs are made of.
 */

export type { Collective } from './core/collective.ts';
export { BertuneError, InterruptedError, UsageError } from './core/errors.ts';
export { fillNormal, fillUniform, permutedIndex, randomBits } from './core/random.ts';
export { type HostTensor, tensor, zeros } from './core/tensor.ts';
export type { Engine, NamedTensors, Program } from './engine/engine.ts';
export { onnxEngine } from './engine/onnx/engine.ts';
export { type BroughtTf, type TfjsEngineOptions, tfjsEngine } from './engine/tfjs/engine.ts';
export type { TrainState } from './engine/trainState.ts';
export * as ops from './graph/functions.ts';
export { gradients } from './graph/gradients.ts';
export { Graph, type Value } from './graph/graph.ts';
export { product, quotient, type Size, symbol } from './graph/sizes.ts';
export { type Finished, type Fit, type Plan, type Reading, runTraining, type TrainingJob } from './jobs/run.ts';
export * from './jobs/trainTexts.ts';
export type { JobEvent, JobHooks } from './jobs/types.ts';
export { type BlockShape, blockInputs, type TokenBlock } from './models/text/block.ts';
export type { TextConfig } from './models/text/config.ts';
export type { TextFamily } from './models/text/family.ts';
export { type HeadName, heads } from './models/text/heads/table.ts';
export { type TextModel, textModel } from './models/text/model.ts';
export type { Pooling, PoolingMode } from './models/text/sentence/pooling.ts';
export type { SentenceHead } from './models/text/sentence/sentence.ts';
export * from './nn/layers.ts';
export * from './nn/parameters.ts';
export { Scope } from './nn/scope.ts';
export { CorpusTask, type CorpusTaskOptions } from './tasks/text/corpusTask.ts';
export { ExamplesTask, type ExamplesTaskOptions, type TextExample } from './tasks/text/examplesTask.ts';
export { objectiveGraph, objectiveParameters } from './tasks/text/graph.ts';
export type { Asked, Objective, ReadText, Term } from './tasks/text/objective.ts';
export { likeProbabilities } from './tasks/text/objectives/likeProbabilities.ts';
export { likeVectors } from './tasks/text/objectives/likeVectors.ts';
export { type MaskableText, maskedTokens } from './tasks/text/objectives/maskedTokens.ts';
export { type LabeledText, oneLabel } from './tasks/text/objectives/oneLabel.ts';
export type { StepRecord, TrainerCallback } from './train/callbacks.ts';
export type { OptimizerOptions } from './train/optimizers/optimizers.ts';
export type { Batch, Cursor, LossGraph, Metrics, TrainingTask, Update } from './train/task.ts';
export { Trainer, type TrainerOptions, type TrainingOutcome } from './train/trainer.ts';
