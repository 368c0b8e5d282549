import { basename, dirname } from 'node:path';
import {
  AutoModel,
  AutoTokenizer,
  env,
  type PreTrainedModel,
  type PreTrainedTokenizer,
  Tensor,
} from '@huggingface/transformers';
import type { ExportDType } from '../../src/hub/onnx/folder.ts';
import { TextCutter } from '../../src/jobs/textCutter.ts';
import { defaultMaxLength, promptOf, type ReadModel, readModel } from '../../src/jobs/textModel.ts';
import { framed } from '../../src/text/frame.ts';
import { type Call, optionsOf, rowsOf } from '../sentenceFolders.ts';

/** Where transformers.js is to look for a folder. @returns what to ask it for */
export function localModel(path: string): string {
  env.localModelPath = dirname(path);
  env.allowRemoteModels = false;
  return basename(path);
}

/** An exported sentence encoder in transformers.js, beside the folder that it was made of. */
export class ExportedSentence {
  readonly #source: ReadModel;
  readonly #tokenizer: PreTrainedTokenizer;
  readonly #model: PreTrainedModel;

  private constructor(source: ReadModel, tokenizer: PreTrainedTokenizer, model: PreTrainedModel) {
    this.#source = source;
    this.#tokenizer = tokenizer;
    this.#model = model;
  }

  static async open(source: string, exported: string, dtype: ExportDType): Promise<ExportedSentence> {
    const read = await readModel({ name: source, folder: source }, { head: 'pooled' });
    const name = localModel(exported);
    const model = await AutoModel.from_pretrained(name, { dtype, session_options: { intraOpNumThreads: 1 } });
    return new ExportedSentence(read, await AutoTokenizer.from_pretrained(name), model);
  }

  /** What texts of a call begin with. */
  promptOf(call: Call): string {
    return promptOf(this.#source.sentence, optionsOf(call), 'the folder');
  }

  /**
   * Numbers of the texts that the tokenizer of transformers.js reads as bertune does, before either cuts them: it has
   * rules of its own for Unigram's character map.
   */
  readAlike(texts: readonly string[]): number[] {
    const { frame } = this.#source.tokenizer;
    return texts.flatMap((text, i) => {
      const { input_ids: ids } = this.#tokenizer(text) as { input_ids: Tensor };
      const same = framed(frame, this.#source.tokenizer.encode(text).ids).map(BigInt);
      return same.join() === Array.from(ids.data).join() ? [i] : [];
    });
  }

  /** Numbers of the texts that are cut; transformers.js cuts the last special token off, too. */
  cut(texts: readonly string[], call: Call): number[] {
    const prompt = this.promptOf(call);
    const { tokenizer } = this.#source;
    const longest = defaultMaxLength(this.#source) - tokenizer.frame.size;
    return texts.flatMap((text, i) => (tokenizer.encode(prompt + text).ids.length > longest ? [i] : []));
  }

  /** An output of the model for texts of one batch, a row each, from the token ids that bertune has for them. */
  async run(texts: readonly string[], call: Call, output: string): Promise<Float32Array[]> {
    const { tokenizer } = this.#source;
    const cutter = new TextCutter(tokenizer, defaultMaxLength(this.#source), this.promptOf(call));
    const ids = texts.map((text) => framed(tokenizer.frame, cutter.encode(text)));
    const width = Math.max(...ids.map(({ length }) => length));
    const padded = (value: (row: ArrayLike<number>, place: number) => number) => {
      const data = ids.flatMap((row) => Array.from({ length: width }, (_, place) => BigInt(value(row, place))));
      return new Tensor('int64', BigInt64Array.from(data), [ids.length, width]);
    };
    const outputs: Record<string, Tensor> = await this.#model({
      input_ids: padded((row, place) => row[place] ?? tokenizer.frame.pad),
      attention_mask: padded((row, place) => Number(place < row.length)),
      token_type_ids: padded(() => 0),
    });
    const { data } = outputs[output] ?? {};
    if (!(data instanceof Float32Array)) throw new Error(`the model has no ${output} of float32`);
    return rowsOf(data, texts.length).map((row) => row.slice(0, call.truncate_dim));
  }

  async dispose(): Promise<void> {
    await this.#model.dispose();
  }
}
