import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { BertuneError, UsageError, withArticle } from '../core/errors.ts';
import { errorCode, readError } from '../core/files.ts';
import { breathe } from '../core/interrupt.ts';
import { say, setting } from '../core/message.ts';
import { onnxEngine } from '../engine/onnx/engine.ts';
import { openModel } from '../engine/onnx/openModel.ts';
import {
  checkOnnxSizes,
  type ExportDType,
  type ExportedText,
  modelFiles,
  writeExportSettings,
  writeOnnxModel,
} from '../hub/onnx/folder.ts';
import { hasVectors } from '../hub/onnx/graph.ts';
import { mostWindowsOf } from '../hub/textConfig.ts';
import { inspectText, type TextInspection } from '../hub/textFolder.ts';
import type { HeadRecord } from '../models/text/heads/head.ts';
import {
  type HeadName,
  headOfPipeline,
  heads,
  isClassifier,
  isLabelKind,
  type Pipeline,
} from '../models/text/heads/table.ts';
import { asTensors } from '../nn/parameters.ts';
import type { OptionsOf, Resolved } from '../settings/options.ts';
import { resolve } from '../settings/resolve.ts';
import { TextInference } from '../tasks/text/inference.ts';
import type { TextTokenizer } from '../text/textTokenizer.ts';
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
import { exportNotes, promisesNote, windowsNote } from './exportNotes.ts';
import { type FoundModel, findModel, readFound } from './findModel.ts';
import { note } from './note.ts';
import { checkPairs } from './pairsOfTexts.ts';
import { itemsOf } from './predict.ts';
import { isSentAway, sentAway } from './remoteOutput.ts';
import { TextCutter } from './textCutter.ts';
import { defaultMaxLength, promptOf, readModel, titleOf } from './textModel.ts';
import { readTrust } from './trust/trust.ts';
import type { JobHooks } from './types.ts';
import { readsWords } from './wordsPart.ts';

/** Its `output` is a new or empty folder. */
export interface ExportOptions extends OptionsOf<'exportModel'> {}

export interface ExportedFile extends Agreement {
  readonly dtype: ExportDType;
  /** Path below the output folder. */
  readonly file: string;
  readonly bytes: number;
}

export interface ExportResult {
  readonly task: Pipeline;
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
const mostTexts: Readonly<Record<HeadRecord['reads'], number>> = { chosen: 32, first: 256, mean: 256 };
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
  if (isSentAway(options)) return sentAway(options, hooks, (local) => exportModel(local, hooks));
  const settings = resolve('exportModel', options);
  const { model, output, threads, task } = settings;
  const found = await findModel(model, settings, hooks);
  const inspection = await readFound(found, inspectText);
  const head = task === undefined ? headOf(inspection) : headOfPipeline(task, inspection.heads);
  requireHead(inspection, head, model);
  checkWords(found, head, settings.networkOnly, hooks);
  const dtypes = allDTypes.filter((dtype) => settings.dtypes.includes(dtype));
  checkOnnxSizes(inspection.model, head, dtypes);
  // Before the weights are read: a folder that cannot be written to is no reason to wait.
  const folder = new ExportFolder(output, found.folder, settings.overwrite);
  try {
    const { exported, tokenizer, prompt } = await readForExport(found, head, dtypes, settings, hooks);
    const texts = await probesOf(settings, tokenizer, exported, prompt, hooks);
    const trained = await trainedOutputs(exported, tokenizer, texts, threads, hooks.signal);
    const files: ExportedFile[] = [];
    for (const [done, dtype] of dtypes.entries()) {
      hooks.onEvent?.({ type: 'progress', activity: `writing and checking ${dtype}`, done, total: dtypes.length });
      await breathe(hooks.signal);
      const bytes = await writeOnnxModel(folder.work, exported, dtype, hooks.signal);
      const file = modelFiles[dtype];
      const opened = await openModel(join(folder.work, file), { threads });
      const rows = await exportedRows(opened, texts, exported, tokenizer.frame, hooks.signal).finally(() =>
        opened.dispose(),
      );
      files.push({ dtype, file, bytes, ...checked(compareRows(trained, rows, head), dtype) });
    }
    await writeExportSettings(folder.work, exported);
    folder.publish();
    return { task: heads[head].pipeline, compared: trained.length, files, output };
  } finally {
    folder.release();
  }
}

interface ReadForExport {
  readonly exported: ExportedText;
  readonly tokenizer: TextTokenizer;
  /** What texts begin with. */
  readonly prompt: string;
}

/** Reads what is exported, and tells what it does not hold of the model. */
async function readForExport(
  found: FoundModel,
  head: HeadName,
  dtypes: readonly ExportDType[],
  { model }: Resolved<'exportModel'>,
  hooks: JobHooks,
): Promise<ReadForExport> {
  const onNote = (text: string) => hooks.onEvent?.({ type: 'note', text });
  const loaded = await readModel(found, { head, words: true }, onNote);
  const { tokenizer } = loaded;
  const maxLength = head === 'maskedLm' ? loaded.model.config.maxPositions : defaultMaxLength(loaded);
  const prompt = hasVectors(loaded.model, head) ? promptOf(loaded.sentence, {}, model) : '';
  const cutter = new TextCutter(tokenizer, maxLength, prompt);
  const exported: ExportedText = {
    ...{ model: loaded.model, head, raw: loaded.raw, values: loaded.values, sentence: loaded.sentence },
    ...{ dtypes, tokenizerFiles: tokenizer.files(), maxLength, promptTokens: cutter.promptTokens },
    card: await cardOf(found.folder),
  };
  for (const note of exportNotes(exported, prompt, model)) onNote(note);
  if (head === 'oneLabel' && (await readTrust(found))?.fresh) onNote(promisesNote(model));
  const mostWindows = mostWindowsOf(loaded.raw, model);
  if (mostWindows > 1) onNote(windowsNote(mostWindows, maxLength, model));
  return { exported, tokenizer, prompt };
}

const allDTypes: readonly ExportDType[] = ['fp32', 'fp16', 'q8'];

function headOf({ heads: [first = 'pooled'] }: TextInspection): HeadName {
  return first;
}

function requireHead({ model, present }: TextInspection, head: HeadName, name: string): void {
  const lacking = model.partsOf(head).findLast((part) => !present.includes(part));
  if (lacking === undefined) return;
  const has = present.filter((part) => part !== 'encoder').map((part) => withArticle(titleOf(model, part)));
  const found = has.length > 0 ? has.join(' and ') : 'an encoder only';
  throw new UsageError(
    say`${name} has no ${titleOf(model, lacking)}, which ${heads[head].pipeline} needs; it has ${found}: choose another ${setting('task')} or model`,
  );
}

/**
 * What is exported gives the answers that the model gives, unless it is asked for otherwise.
 *
 * @throws UsageError for a classifier whose answers come of words, too
 */
function checkWords(found: FoundModel, head: HeadName, networkOnly: boolean | undefined, hooks: JobHooks): void {
  if (!isClassifier(head) || !readsWords(found)) return;
  if (networkOnly) {
    note(hooks, `the export is the network of ${found.name} alone, without its words: its answers differ`);
    return;
  }
  throw new UsageError(
    say`${found.name} answers from its network and from words, and ONNX holds a network only: fine-tune by ${setting('method')} frozen or finetune, or give ${setting('networkOnly')} for the network alone, whose answers differ`,
  );
}

async function probesOf(
  { input }: Resolved<'exportModel'>,
  tokenizer: TextTokenizer,
  exported: ExportedText,
  prompt: string,
  hooks: JobHooks,
): Promise<Probe[]> {
  const { model, head, maxLength } = exported;
  if (!input) {
    const begin = prompt === '' ? [] : tokenizer.encode(prompt).ids;
    return randomProbes(
      probes,
      Math.min(longestProbe, model.config.maxPositions),
      tokenizer,
      head,
      [...begin],
      isLabelKind(head) ? model.pairs : null,
    );
  }
  const pairs = isLabelKind(head) ? model.pairs : null;
  const cutter = new TextCutter(tokenizer, Math.min(maxLength, longestText), prompt, 1, pairs);
  if (isLabelKind(head)) checkPairs(model.pairs, input, setting('input'), 'the model');
  const found: Probe[] = [];
  for await (const { text } of itemsOf({ input }, hooks)) {
    found.push(masked([...cutter.encode(text)], tokenizer, head));
    if (found.length === mostTexts[heads[head].reads]) break;
  }
  if (found.length === 0) throw new BertuneError(say`${setting('input')} holds no text to compare on; check the file`);
  return found;
}

async function trainedOutputs(
  { model, values, head, promptTokens, sentence }: ExportedText,
  { frame }: TextTokenizer,
  texts: readonly Probe[],
  threads: number | undefined,
  signal: AbortSignal | undefined,
): Promise<Float32Array[]> {
  const parameters = asTensors(values, model.parameters(model.partsOf(head)));
  const inference = new TextInference(onnxEngine({ threads }), model, frame, parameters, { signal });
  const rows = await trainedRows(inference, texts, head, promptTokens).finally(() => inference.dispose());
  return head === 'pooled' ? rows.map((row) => row.slice(0, sentence?.dimensions)) : rows;
}

/** The model card of a folder. @throws BertuneError when it cannot be read */
async function cardOf(folder: string): Promise<string | undefined> {
  const file = join(folder, 'README.md');
  return readFile(file, 'utf8').catch((error: unknown) => {
    if (errorCode(error) === 'ENOENT') return undefined;
    throw readError(file, error);
  });
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
