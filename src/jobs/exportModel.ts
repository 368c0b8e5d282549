import { join } from 'node:path';
import { BertuneError, UsageError } from '../core/errors.ts';
import { breathe } from '../core/interrupt.ts';
import { say, setting } from '../core/message.ts';
import { openModel } from '../engine/onnx/openModel.ts';
import { type BertInspection, inspectBert, loadBert } from '../hub/folder.ts';
import {
  checkOnnxSizes,
  type ExportDType,
  type ExportedBert,
  modelFiles,
  writeExportSettings,
  writeOnnxModel,
} from '../hub/onnx/folder.ts';
import { type ExportTask, taskParts } from '../hub/onnx/graph.ts';
import type { BertPart } from '../models/bert/parameters.ts';
import type { OptionsOf, Resolved } from '../settings/options.ts';
import { resolve } from '../settings/resolve.ts';
import { BertInference } from '../tasks/inference.ts';
import { partParameters } from '../tasks/losses.ts';
import { type BertTokenizer, loadTokenizer } from '../text/tokenizer.ts';
import { asTensors, checkTokenizer } from './classifier.ts';
import {
  type Agreement,
  compareRows,
  exportedRows,
  masked,
  type Probe,
  randomProbes,
  trainedRows,
} from './exportCheck.ts';
import { ExportFolder } from './exportFolder.ts';
import { findModel, readFound } from './findModel.ts';
import { itemsOf } from './predict.ts';
import { TextCutter } from './texts.ts';
import { createEngine, defaultMaxLength } from './training.ts';
import type { JobHooks } from './types.ts';

/** Its `output` is a new or empty folder. */
export interface ExportOptions extends OptionsOf<'exportModel'> {}

export interface ExportedFile extends Agreement {
  readonly dtype: ExportDType;
  /** Path below the output folder. */
  readonly file: string;
  readonly bytes: number;
}

export interface ExportResult {
  readonly task: ExportTask;
  /** Labels, masks or vectors that were compared with the trained model's. */
  readonly compared: number;
  readonly files: readonly ExportedFile[];
  readonly output: string;
}

/**
 * Largest difference from the trained model that is let pass, as a part of the largest number. float32 differs in the
 * order of sums; float16 has 11 bits and int8 weights 7, and each layer adds its rounding.
 */
const tolerances: Readonly<Record<ExportDType, number>> = { fp32: 1e-4, fp16: 0.02, q8: 0.25 };

const probes = 32;
/** Logits over a vocabulary take half a megabyte for four masks. */
const mostTexts: Readonly<Record<ExportTask, number>> = {
  'fill-mask': 32,
  'text-classification': 256,
  'feature-extraction': 256,
};
const longestProbe = 64;
const longestText = 128;

/**
 * Writes a model folder as ONNX in the layout of transformers.js, runs what was written and compares it with the
 * trained model. When the two differ, nothing is left of the export.
 *
 * @throws UsageError for a folder without the task's head, or an output folder that holds something; BertuneError for an
 * export that is not the model, or a full disk
 */
export async function exportModel(options: ExportOptions, hooks: JobHooks = {}): Promise<ExportResult> {
  const settings = resolve('exportModel', options);
  const { model, output, threads } = settings;
  const found = await findModel(model, settings, hooks);
  const inspection = await readFound(found, inspectBert);
  const task = settings.task ?? taskOf(inspection);
  requireParts(inspection, task, model);
  const dtypes = allDTypes.filter((dtype) => settings.dtypes.includes(dtype));
  checkOnnxSizes(inspection.config, task, dtypes);
  const read = async (folder: string, onNote: (text: string) => void) => ({
    ...(await loadBert(folder, { parts: taskParts[task], onNote })),
    tokenizer: loadTokenizer(folder),
  });
  const onNote = (text: string) => hooks.onEvent?.({ type: 'note', text });
  const { config, raw, values, tokenizer } = await readFound(found, read, onNote);
  checkTokenizer(tokenizer, config, model);
  const maxLength = task === 'fill-mask' ? config.maxPositions : defaultMaxLength(config, raw);
  const exported = { config, raw, task, values, dtypes, tokenizerFiles: tokenizer.files(), maxLength };
  const folder = new ExportFolder(output, found.folder, settings.overwrite);
  try {
    const texts = await probesOf(settings, tokenizer, exported);
    const trained = await trainedOutputs(exported, tokenizer, texts, threads, hooks.signal);
    const files: ExportedFile[] = [];
    for (const [done, dtype] of dtypes.entries()) {
      hooks.onEvent?.({ type: 'progress', activity: `writing and checking ${dtype}`, done, total: dtypes.length });
      await breathe(hooks.signal);
      const bytes = await writeOnnxModel(folder.work, exported, dtype);
      const file = modelFiles[dtype];
      const opened = await openModel(join(folder.work, file), { threads });
      const rows = await exportedRows(opened, texts, task, tokenizer, hooks.signal).finally(() => opened.dispose());
      files.push({ dtype, file, bytes, ...checked(compareRows(trained, rows, task), dtype) });
    }
    await writeExportSettings(folder.work, exported);
    folder.publish();
    return { task, compared: trained.length, files, output };
  } finally {
    folder.release();
  }
}

const allDTypes: readonly ExportDType[] = ['fp32', 'fp16', 'q8'];

function taskOf({ present }: BertInspection): ExportTask {
  if (present.includes('classifier')) return 'text-classification';
  return present.includes('mlmHead') ? 'fill-mask' : 'feature-extraction';
}

function requireParts({ present }: BertInspection, task: ExportTask, model: string): void {
  const lacking = taskParts[task].findLast((part) => !present.includes(part));
  if (lacking === undefined) return;
  const has = present.filter((part) => part !== 'encoder').map((part) => partNames[part]);
  const found = has.length > 0 ? has.join(' and ') : 'an encoder only';
  throw new UsageError(
    say`${model} has no ${partNames[lacking].replace(/^an? /, '')}, which ${task} needs; it has ${found}: choose another ${setting('task')} or model`,
  );
}

const partNames: Readonly<Record<BertPart, string>> = {
  encoder: 'encoder',
  mlmHead: 'an MLM head',
  pooler: 'a pooler',
  classifier: 'a classification head',
};

async function probesOf(
  { input }: Resolved<'exportModel'>,
  tokenizer: BertTokenizer,
  exported: ExportedBert,
): Promise<Probe[]> {
  const { config, task, maxLength } = exported;
  if (!input) return randomProbes(probes, Math.min(longestProbe, config.maxPositions), tokenizer, task);
  const cutter = new TextCutter(tokenizer, Math.min(maxLength, longestText));
  const found: Probe[] = [];
  for await (const { text } of itemsOf({ input })) {
    found.push(masked([...cutter.encode(text)], tokenizer, task));
    if (found.length === mostTexts[task]) break;
  }
  if (found.length === 0) throw new BertuneError(say`${setting('input')} holds no text to compare on; check the file`);
  return found;
}

async function trainedOutputs(
  { config, values, task }: ExportedBert,
  tokenizer: BertTokenizer,
  texts: readonly Probe[],
  threads: number | undefined,
  signal: AbortSignal | undefined,
): Promise<Float32Array[]> {
  const parameters = asTensors(values, partParameters(config, taskParts[task]));
  const inference = new BertInference(createEngine(threads), config, tokenizer, parameters, { signal });
  return trainedRows(inference, texts, task).finally(() => inference.dispose());
}

/** @throws BertuneError when the difference is over the tolerance, or not a number */
function checked(found: Agreement, dtype: ExportDType): Agreement {
  if (found.largestDifference <= tolerances[dtype]) return found;
  const shown = Number.isNaN(found.largestDifference)
    ? 'numbers it cannot hold'
    : found.largestDifference.toPrecision(2);
  const way = dtype === 'fp32' ? 'please report it' : say`leave ${dtype} out of ${setting('dtypes')}`;
  throw new BertuneError(
    say`the ${dtype} export differs from the trained model by ${shown}, over ${tolerances[dtype]} of the largest number: ${way}`,
  );
}
