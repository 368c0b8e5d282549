/** What the package offers to programs. */

export { BertuneError, InterruptedError, UsageError } from './core/errors.ts';
export { adapt, pretrain } from './jobs/adapt.ts';
export { type CardOptions, type CardResult, card } from './jobs/card.ts';
export { type DemoOptions, type DemoResult, demo } from './jobs/demo.ts';
export { distill } from './jobs/distill.ts';
export { type EmbedOptions, type EmbedResult, embed } from './jobs/embed.ts';
export { embedImages } from './jobs/embedImages.ts';
export { evaluate } from './jobs/evaluate.ts';
export { type ExportedFile, type ExportOptions, type ExportResult, exportModel } from './jobs/exportModel.ts';
export { finetune } from './jobs/finetune.ts';
export { finetuneImages } from './jobs/finetuneImages.ts';
export type * from './jobs/imageTypes.ts';
export type * from './jobs/imageUseTypes.ts';
export { type InspectOptions, inspect } from './jobs/inspect.ts';
export { type LoadModelOptions, loadModel } from './jobs/model.ts';
export { type PredictOptions, predict } from './jobs/predict.ts';
export { type PredictFileOptions, type PredictFileResult, predictFile } from './jobs/predictFile.ts';
export { pretrainImages } from './jobs/pretrainImages.ts';
export { pretrainSequence } from './jobs/pretrainSequence.ts';
export { embedTable, pretrainTable } from './jobs/pretrainTable.ts';
export { probeImages } from './jobs/probeImages.ts';
export { type PushOptions, type PushResult, push } from './jobs/push.ts';
export type * from './jobs/seriesTypes.ts';
export { showImages } from './jobs/showImages.ts';
export type * from './jobs/types.ts';
export { serve } from './server/serve.ts';
export { createServer, type Server, type ServerOptions } from './server/server.ts';
