import { join } from 'node:path';
import { UsageError } from '../../core/errors.ts';
import { makeFolder, writeFileAtomic } from '../../core/files.ts';
import { throwIfAborted } from '../../core/interrupt.ts';
import { formatBytes } from '../../core/memory.ts';
import { type Message, say, setting } from '../../core/message.ts';
import { modelPieces } from '../../engine/onnx/model.ts';
import { lowerToOnnx } from '../../graph/lowering.ts';
import type { OnnxGraph } from '../../graph/onnx.ts';
import type { HubConfig } from '../../models/text/config.ts';
import { type HeadName, isLabelKind } from '../../models/text/heads/table.ts';
import type { TextModel } from '../../models/text/model.ts';
import type { ParameterValues } from '../../nn/parameters.ts';
import { answerKeysOf } from '../answerKeys.ts';
import { saveSentence } from '../saveText.ts';
import { plainSettings, type SentenceSettings } from '../sentenceFolder.ts';
import { configText, pairsKey, writtenConfig } from '../textConfig.ts';
import { type ForwardGraph, forwardGraph, hasVectors } from './graph.ts';
import { fullWeights, inHalfPrecision, quantizedWeights, storedBytes } from './weights.ts';

/** How the numbers of an exported model are stored, in the words of transformers.js. */
export type ExportDType = 'fp32' | 'fp16' | 'q8';

/** Where transformers.js looks for each. */
export const modelFiles: Readonly<Record<ExportDType, string>> = {
  fp32: 'onnx/model.onnx',
  fp16: 'onnx/model_fp16.onnx',
  q8: 'onnx/model_quantized.onnx',
};

export interface ExportedText {
  readonly model: TextModel;
  readonly raw: HubConfig;
  readonly head: HeadName;
  readonly values: ParameterValues;
  readonly dtypes: readonly ExportDType[];
  /** Content of the tokenizer's files by name. */
  readonly tokenizerFiles: ReadonlyMap<string, string>;
  /** Tokens of a text that pipelines cut longer ones to. */
  readonly maxLength: number;
  /** Tokens of the prompt that every text is to begin with, special ones before it included; none when absent. */
  readonly promptTokens?: number;
  /** What a sentence encoder's folder says beside its modules. */
  readonly sentence?: SentenceSettings | null;
  /** The folder's model card. */
  readonly card?: string;
}

/** Largest file that protocol buffers, and so ONNX, can hold. */
const largestFile = 2 ** 31 - 1;

/**
 * Writes one model file of the layout that transformers.js reads into a folder that exists.
 *
 * @returns bytes of the file
 * @throws BertuneError when the disk is full; UsageError when the file would be larger than ONNX files can be
 */
export async function writeOnnxModel(
  folder: string,
  exported: ExportedText,
  dtype: ExportDType,
  signal?: AbortSignal,
): Promise<number> {
  const forward = forwardGraph(exported.model, exported.head, {
    promptTokens: exported.promptTokens,
    dimensions: exported.sentence?.dimensions,
  });
  const { pieces, byteLength } = modelPieces(lowered[dtype](forward, exported.values));
  checkSize(byteLength, dtype);
  await makeFolder(join(folder, 'onnx'));
  await writeFileAtomic(join(folder, modelFiles[dtype]), async (file) => {
    for (const piece of gathered(pieces)) {
      await file.writeFile(piece);
      throwIfAborted(signal);
    }
  });
  return byteLength;
}

/**
 * Looks at the sizes of the weights alone, before any is loaded.
 *
 * @throws UsageError when a file would be larger than ONNX files can be
 */
export function checkOnnxSizes(model: TextModel, head: HeadName, dtypes: readonly ExportDType[]): void {
  const forward = forwardGraph(model, head);
  for (const dtype of dtypes) checkSize(storedBytes(forward, dtype), dtype);
}

function checkSize(bytes: number, dtype: ExportDType): void {
  if (bytes <= largestFile) return;
  throw new UsageError(
    say`${modelFiles[dtype]} would have ${formatBytes(bytes)}, and ONNX files hold 2 GiB (${formatBytes(largestFile)}) at most: ${waysOut[dtype]}`,
  );
}

const waysOut: Readonly<Record<ExportDType, string | Message>> = {
  fp32: say`leave it out with ${setting('dtypes')} fp16,q8`,
  fp16: say`leave it out with ${setting('dtypes')} q8`,
  q8: 'choose a smaller model',
};

/**
 * Writes what lies beside the models: the tokenizer's files, the model card, `config.json` and, of a sentence encoder,
 * the modules by which sentence-transformers goes on from the hidden states. Throws as `writeOnnxModel`.
 */
export async function writeExportSettings(folder: string, exported: ExportedText): Promise<void> {
  const { model, head, sentence, card } = exported;
  if (model.sentence && hasVectors(model, head)) await saveSentence(folder, exported, sentence ?? plainSettings);
  if (card !== undefined) await writeFileAtomic(join(folder, 'README.md'), card);
  for (const [name, content] of exported.tokenizerFiles) {
    const text = name === 'tokenizer_config.json' ? tokenizerConfig(content, exported.maxLength) : content;
    await writeFileAtomic(join(folder, name), text);
  }
  await writeFileAtomic(join(folder, 'config.json'), configText(hubConfig(exported)));
}

const lowered: Record<ExportDType, (forward: ForwardGraph, values: ParameterValues) => OnnxGraph> = {
  fp32: (forward, values) => lowerToOnnx(forward.graph, { weights: fullWeights(forward, values) }),
  fp16: (forward, values) =>
    inHalfPrecision(lowerToOnnx(forward.graph, { weights: fullWeights(forward, values) }), forward.halfUntil),
  q8: (forward, values) => lowerToOnnx(forward.graph, { weights: quantizedWeights(forward, values) }),
};

function hubConfig({ model, raw, head, dtypes }: ExportedText): HubConfig {
  const [dtype] = dtypes;
  // With it, programs need not name the only one that there is.
  const only = dtypes.length === 1 ? { 'transformers.js_config': { dtype } } : {};
  const pairs = isLabelKind(head) && model.pairs !== null ? { [pairsKey]: model.pairs } : {};
  const own = isLabelKind(head) ? { ...answerKeysOf(raw), ...pairs } : {};
  return { ...writtenConfig(model, { head, dtype: 'float32', raw, own }), ...only };
}

function tokenizerConfig(text: string, maxLength: number): string {
  return `${JSON.stringify({ ...JSON.parse(text), model_max_length: maxLength }, null, 2)}\n`;
}

/** Small pieces joined, so that a file is written in few calls; large ones as they are. */
function* gathered(pieces: readonly Uint8Array[]): Generator<Uint8Array> {
  let small: Uint8Array[] = [];
  for (const piece of pieces) {
    if (piece.length < 1 << 16) {
      small.push(piece);
      continue;
    }
    yield Buffer.concat(small);
    small = [];
    yield piece;
  }
  yield Buffer.concat(small);
}
